"""A fence around a user's own code while it is imported, built and run: it prints to stderr, and what it raises is told by its line."""

import os
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from receptron.errors import ForwardFault, ReceptronError
from receptron.printable import told


@contextmanager
def fenced(what: str, folder: Path, mend: str = "") -> Generator[None]:
    """Within, the user's code runs. `what` names what breaks off. Raises: ForwardFault with the line of a file below `folder`."""
    arguments, here = sys.argv, os.getcwd()  # noqa: PTH109 - as a text, which a folder that is gone again still has
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (ReceptronError, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:
        raise ForwardFault(f"{what} broke off.", why=f"{told(error)}{line_of(error, folder)}", mend=mend) from error
    finally:
        sys.argv = arguments
        if os.getcwd() != here:  # noqa: PTH109
            os.chdir(here)


def line_of(error: BaseException, folder: Path) -> str:
    """The last line of the user's own files that led to an error, in brackets; nothing where none did."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(folder) and "site-packages" not in frame.filename
    ]
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_relative_to(folder):
        return f" ({Path(error.filename).name}, line {error.lineno})"
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno}: {frames[-1].line})" if frames else ""
