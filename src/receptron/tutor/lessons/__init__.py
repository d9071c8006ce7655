"""Every lesson by name."""

from receptron.errors import UnknownName
from receptron.tutor.lessons import architectures, arguments, arithmetic
from receptron.tutor.lessons.lesson import Lesson

LESSONS: dict[str, Lesson] = {lesson.name: lesson for lesson in (*arithmetic.LESSONS, *architectures.LESSONS, *arguments.LESSONS)}


def find(name: str) -> Lesson:
    """The lesson called `name`. Raises: UnknownName."""
    if name not in LESSONS:
        raise UnknownName("lesson", name, LESSONS)
    return LESSONS[name]
