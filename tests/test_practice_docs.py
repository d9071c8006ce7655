"""The page on practice: its program runs, and its commands exist."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import typer

from receptron.cli.practice.session import app

PAGE = Path(__file__).parents[1] / "docs/practice.md"


def test_the_program_on_the_page_runs(tmp_path: Path):
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    environment = os.environ | {"RECEPTRON_PRACTICE": str(tmp_path / "p.sqlite")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "True" in done.stdout and "parameters" in done.stdout and "skipped=1" in done.stdout


def test_each_command_on_the_page_exists():
    group = typer.main.get_command(app)
    lines = re.findall(r"^receptron practice *(.*)$", PAGE.read_text(), re.MULTILINE)
    options = {name for parameter in group.params for name in parameter.opts}
    for line in lines:
        word, *rest = shlex.split(line.replace("`", ""))
        assert word in group.commands or word in options or word == "what", line
        if word in group.commands:
            known = {name for parameter in group.commands[word].params for name in parameter.opts}
            assert {each for each in rest if each.startswith("--")} <= known, line
