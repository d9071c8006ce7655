"""The three streams of the process, made so that no state in which a shell hands them over ends in a traceback or a wrong exit code.

Only what a command writes reaches stdout: its descriptor is moved out of the way and number 1 leads to stderr, for whatever libraries,
child processes and a user's own code print. A stream that is closed is opened; a character that an encoding lacks is shown as its escape.
"""

import io
import os
import select
import sys
from typing import Any, TextIO

from receptron.errors import StorageFault

_apart: list[TextIO] = []
"""Stdout, once it was set apart from what others print."""


class Stdout(io.RawIOBase):
    """Bytes for a program. Once nobody reads them they are dropped, and the command goes on to its own exit code; a full disk is told."""

    def __init__(self, handle: int, closed: bool) -> None:
        self.handle, self.missing, self.over = handle, closed, False

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The descriptor, which for a stdout that is no terminal is not 1."""
        return self.handle

    def isatty(self) -> bool:
        """Whether a person looks."""
        return os.isatty(self.handle)

    def write(self, data: Any, /) -> int:
        """Raises: StorageFault, once; what comes after it is dropped."""
        if self.over:
            return memoryview(data).nbytes
        try:
            return _written(self.handle, data)
        except BrokenPipeError:
            self.over = True
            return memoryview(data).nbytes
        except OSError as error:
            self.over = True
            why = "it is closed" if self.missing else error.strerror or str(error)
            raise StorageFault("could not write to stdout.", why=why, mend="give it a place that takes the output") from error


class Stderr(Stdout):
    """Words for a person; what cannot be written is dropped, because no work may fail of it."""

    def write(self, data: Any, /) -> int:
        """Write it or drop it."""
        try:
            return _written(self.handle, data)
        except OSError:
            return memoryview(data).nbytes


def install() -> None:
    """Take over the streams of this process; those that a program put in their place are left, but for their errors."""
    _apart.clear()
    closed = [_plug(handle) for handle in (0, 1, 2)]
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - so it is if it was closed
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
    if _is_own(sys.stderr, sys.__stderr__):
        sys.stderr = _text(Stderr(os.dup(2), closed[2]), sys.stderr, eager=True)  # a number of its own: strangers may close 2
    if _is_own(sys.stdout, sys.__stdout__):
        looked_at = os.isatty(1)
        sys.stdout = _text(Stdout(1 if looked_at else _moved(), closed[1]), sys.stdout, eager=looked_at)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def answer() -> TextIO:
    """Where the command's own output goes: stdout, also after `divert`."""
    if _apart and _apart[-1].closed:  # of a program that calls commands one after another
        _apart.clear()
    return _apart[-1] if _apart else sys.stdout


def divert() -> None:
    """From now on whatever else prints, at any time and from any thread, prints to stderr; for commands that run a user's code."""
    if not _apart:
        _apart.append(sys.stdout)
        sys.stdout = sys.stderr


def reader_left() -> bool:
    """Whether nobody reads stdout any more, so that a conversation has lost its partner."""
    raw = _raw(answer())
    return raw is not None and raw.over


def finish() -> None:
    """Nothing after a command's own output reaches stdout: a user's file may have left work for the end of the process."""
    if (raw := _raw(answer())) is not None:
        raw.over = True
        answer().flush()
        sys.stdout = sys.stderr
    _apart.clear()


def _raw(stream: TextIO) -> Stdout | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, Stdout) else None


def _moved() -> int:
    """Another number for stdout; from now on its own leads to stderr. A terminal stays where its size is asked for."""
    handle = os.dup(1)
    os.dup2(2, 1)
    return handle


def _plug(handle: int) -> bool:
    """Open a descriptor that is closed, lest the next file gets its number: reading gives nothing, writing to stdout fails."""
    try:
        os.fstat(handle)
    except OSError:
        os.open(os.devnull, os.O_WRONLY if handle == 2 else os.O_RDONLY)
        return True
    return False


def _is_own(stream: TextIO | None, first: TextIO | None) -> bool:
    return stream is None or stream is first


def _text(raw: Stdout, before: TextIO | None, eager: bool) -> TextIO:
    encoding = "utf-8" if before is None else before.encoding
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=eager)


def _written(handle: int, data: Any) -> int:
    while True:
        try:
            return os.write(handle, data)
        except BlockingIOError:  # the other side made the pipe so; it will read
            select.select([], [handle], [])
