"""The command line called within this process: what it printed where, and its exit code."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from receptron.cli import main


@dataclass(frozen=True)
class Done:
    """What one command left behind."""

    code: int
    out: str
    err: str


def run(*arguments: str | Path, stdin: bytes = b"", encoding: str = "utf-8") -> Done:
    """Run `receptron ARGUMENTS...`, its streams as pipes of an encoding."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="", write_through=True) for _ in range(2))
    code: object = 0
    given = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    argv = patch.object(sys, "argv", ["receptron", *map(str, arguments)])
    with argv, patch.object(sys, "stdin", given), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code
    texts = [stream.buffer.getvalue().decode(encoding, "replace") for stream in (out, err)]
    return Done(code if isinstance(code, int) else 0 if code is None else 1, *texts)
