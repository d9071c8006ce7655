"""Make the n-th operation of a save fail, or kill the process there: every write, flush, rename and folder that it asks the system for."""

import errno
import io
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Blow = Callable[[], None]
WATCHED = ("fsync", "rename", "replace", "mkdir")


class Strike:
    """Counts operations below a folder; at number `at` (and after it, if `lasting`) the blow falls."""

    def __init__(self, at: int, blow: Blow, lasting: bool = False) -> None:
        self.at, self.blow, self.lasting, self.count = at, blow, lasting, 0

    def __call__(self) -> None:
        self.count += 1
        if self.count == self.at or (self.lasting and self.count > self.at):
            self.blow()


def raising(code: int) -> Blow:
    def blow() -> None:
        raise OSError(code, os.strerror(code))

    return blow


def killing() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Written:
    """A file whose every write may be struck, after half of it is on the way to the disk."""

    def __init__(self, file: Any, strike: Strike) -> None:
        self._file, self._strike = file, strike

    def write(self, data: Any) -> int:
        half = len(data) // 2
        self._file.write(data[:half])
        self._file.flush()
        self._strike()
        return half + self._file.write(data[half:])

    def __enter__(self) -> "Written":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def struck(strike: Strike, below: Path) -> Iterator[None]:
    """Inside, `strike` is told of every operation on a file or folder below `below`, just before it happens."""
    kept, opened = {name: getattr(os, name) for name in WATCHED}, io.open

    def told(name: str) -> Callable[..., Any]:
        def call(*args: Any, **rest: Any) -> Any:
            if isinstance(args[0], int) or below in Path(args[0]).parents:
                strike()
            return kept[name](*args, **rest)

        return call

    def open_(file: Any, mode: str = "r", *args: Any, **rest: Any) -> Any:
        if not set(mode) & set("wxa") or isinstance(file, int) or below not in Path(file).parents:
            return opened(file, mode, *args, **rest)
        strike()
        return Written(opened(file, mode, *args, **rest), strike)

    for name in WATCHED:
        setattr(os, name, told(name))
    io.open = open_
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(os, name, function)
        io.open = opened


CODES = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EDQUOT)
