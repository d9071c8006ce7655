"""What threads that decode at the same time share: Pillow's warnings, silenced once for all, and one large image at a time."""

import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager

_large = threading.Lock()


@contextmanager
def alone(large: bool) -> Generator[None]:
    """Large images wait for one another, so that threads cannot add up their memory."""
    if not large:
        yield
        return
    with _large:
        yield


class _Filters:
    """Counts who is inside: the first sets the filters of `warnings`, which belong to the whole process, and the last puts them back."""

    def __init__(self) -> None:
        self.lock, self.inside = threading.Lock(), 0
        self.saved = warnings.catch_warnings()

    def enter(self) -> None:
        with self.lock:
            if self.inside == 0:
                self.saved = warnings.catch_warnings()
                self.saved.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self.inside += 1

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                self.saved.__exit__(None, None, None)


_filters = _Filters()


@contextmanager
def quiet() -> Generator[None]:
    """Pillow's warnings about odd metadata are dropped: what they mean for the pixels, the caller finds out itself."""
    _filters.enter()
    try:
        yield
    finally:
        _filters.leave()
