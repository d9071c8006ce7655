"""Practice until one can teach it: fresh problems, mistakes that are understood, reviews, mock interviews.

>>> from receptron.tutor import grade, problem
>>> task = problem("size.floor", difficulty=2, seed=7).task
>>> grade(task, str(task.expected.values[0])).right
True
"""

from receptron.tutor.grading.grading import Grade, grade
from receptron.tutor.learner.store import Store
from receptron.tutor.problem import Problem, Task, Template
from receptron.tutor.session import Focus, Session
from receptron.tutor.templates import TEMPLATES, problem

__all__ = ["TEMPLATES", "Focus", "Grade", "Problem", "Session", "Store", "Task", "Template", "grade", "problem"]
