"""README.md as blocks, for the test that runs them and for pasting fresh output under its commands.

python docs/readme.py        in a folder with digits, scans, photos and backbone.safetensors: prints README.md with the output as it is now
"""

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PROGRESS = re.compile(r", [\d,.]+ \w+/s")  # a line that stays where a bar had been, and a blank one behind it
LINES = 16  # of output shown of one command


@dataclass(frozen=True)
class Block:
    """One fenced block: its language and the lines between the fences."""

    kind: str
    text: str

    @property
    def commands(self) -> list[str]:
        """Lines of a console block that a person types."""
        return [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]


def blocks(text: str) -> list[Block]:
    """Every fenced block, in order."""
    return [Block(kind, inner) for kind, inner in FENCE.findall(text)]


def set_up(text: str) -> list[str]:
    """The lines of the shell blocks: the commands that set up everything, then those that pass the tests."""
    return [line for block in blocks(text) if block.kind == "sh" for line in block.text.splitlines()]


def refreshed(text: str) -> str:
    """The text with every console block's output replaced by what its commands print now."""

    def fresh(match: re.Match[str]) -> str:
        block = Block(match[1], match[2])
        if block.kind != "console":
            return match[0]
        shown = "".join(f"$ {command}\n{output(command)}" for command in block.commands)
        return f"```console\n{shown}```"

    return FENCE.sub(fresh, text)


def output(command: str) -> str:
    """What a command prints in a plain terminal of 100 columns, its middle left out if it is long."""
    lines = [line.rstrip() for line in in_terminal(command).strip("\n").splitlines()]
    lines = [
        line for line, before in zip(lines, ["", *lines], strict=False) if line or not _PROGRESS.search(before)
    ]  # where a bar had been
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], "..."]
    return "".join(f"{line}\n" for line in lines)


def in_terminal(command: str) -> str:
    """All that a command writes to a terminal without colours and moving bars. Raises: CalledProcessError."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "100", "LINES": "50"}
    with subprocess.Popen(command, shell=True, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment) as running:  # noqa: S602
        os.close(theirs)
        read = b""
        with suppress(OSError):  # at the end of a terminal reading fails
            while more := os.read(ours, 65536):
                read += more
        os.close(ours)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command, read)
    return read.decode().replace("\r\n", "\n")


if __name__ == "__main__":
    text = README.read_text()
    sys.stdout.write(refreshed(text) if sys.argv[1:] == ["paste"] else set_up(text)[1] + "\n")
