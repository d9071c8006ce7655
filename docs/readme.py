"""README.md as blocks, for the test that runs them and for pasting fresh output under its commands.

python docs/readme.py        in a folder with digits, scans, photos and backbone.safetensors: prints README.md with the output as it is now
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
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
    """What a command prints, 100 columns wide, its middle left out if it is long."""
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True, env=environment)  # noqa: S602
    lines = [line.rstrip() for line in done.stdout.strip("\n").splitlines()]
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], "..."]
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    text = README.read_text()
    sys.stdout.write(refreshed(text) if sys.argv[1:] == ["paste"] else set_up(text)[1] + "\n")
