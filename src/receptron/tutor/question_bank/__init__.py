"""Every open question by name."""

from receptron.errors import UnknownName
from receptron.tutor.question_bank import applied, basics, depth, whiteboard
from receptron.tutor.question_bank.question import Question

QUESTIONS: dict[str, Question] = {question.name: question for part in (basics, depth, whiteboard, applied) for question in part.QUESTIONS}


def find(name: str) -> Question:
    """The question called `name`. Raises: UnknownName."""
    if name not in QUESTIONS:
        raise UnknownName("question", name, QUESTIONS)
    return QUESTIONS[name]
