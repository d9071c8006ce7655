"""A fence around a user's own code: it may print, end the program or rearrange the process, and the command that runs it goes on.

What ends or replaces the whole process at once (`os._exit`, `os.execv`, a signal, a crash) cannot be held.
"""

import io
import os
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

from receptron.analysis.model_import.loading import importable
from receptron.errors import AnalysisFault, ReceptronError
from receptron.printable import told


@contextmanager
def fence(place: str) -> Generator[None, None, None]:
    """Within, the code at `place` sees itself as the program: `sys.argv` is its file, what it prints goes to stderr.

    Streams, arguments, folder and warning filters are those of before afterwards. Raises: AnalysisFault for whatever escapes the code.
    """
    process, arguments, folder = os.getpid(), sys.argv, os.getcwd()  # noqa: PTH109 - as a text, which a folder that is gone again still has
    try:
        with redirect_stdout(_aside()), redirect_stderr(_aside()), warnings.catch_warnings(), importable(place):
            sys.argv = [place.partition(":")[0]]
            yield
    except (ReceptronError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a property, `parameters` or `__repr__` of a network may raise anything, and even end the program
        raise AnalysisFault(f"{place} broke off while it was looked at.", why=told(error)) from error
    finally:
        if os.getpid() != process:  # a child that the code forked: the command is its parent's
            os._exit(1)
        sys.argv = arguments
        os.chdir(folder)


def _aside() -> TextIO:
    """A stream to stderr that may be closed, detached or replaced without harm."""
    return io.TextIOWrapper(_Aside(sys.stderr), "utf-8", errors="backslashreplace", write_through=True)


class _Aside(io.BufferedIOBase):
    name = "<stderr>"

    def __init__(self, target: TextIO) -> None:
        self.target = target

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.target.write(bytes(data).decode(errors="backslashreplace"))
        self.target.flush()
        return memoryview(data).nbytes
