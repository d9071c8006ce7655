"""What people type is read, then judged: right, wrong with the mistake that gives exactly that number, or not yet complete."""

from receptron.tutor.grading.grading import Grade, accepts, grade, right_answer

__all__ = ["Grade", "accepts", "grade", "right_answer"]
