"""Every command answers `--help` without importing what only its work needs; how fast, benchmarks/start_time.py tells."""

import json
import subprocess
import sys

import pytest
import typer.main

from receptron.cli.app import commands as command_line

HEAVY = ["torch", "numpy", "scipy", "sklearn", "PIL", "pyarrow", "jinja2"]
LOADED = """
import json, sys
from receptron.cli import main
sys.argv = ["receptron", *json.loads(sys.argv[1])]
try:
    main()
except SystemExit as end:
    print(json.dumps([end.code, sorted(set(json.loads({heavy!r})) & sys.modules.keys())]))
"""


def commands() -> list[list[str]]:
    """Every command and subcommand as its words."""

    def below(command: object, words: list[str]) -> list[list[str]]:
        inner: dict[str, object] = getattr(command, "commands", {})
        return [words, *(deeper for name, one in sorted(inner.items()) for deeper in below(one, [*words, name]))]

    return below(typer.main.get_command(command_line()), [])


def help_of(words: list[str]) -> tuple[str, int, list[str]]:
    """Text, exit code and heavy modules imported by `receptron WORDS --help` in a process of its own."""
    code = LOADED.format(heavy=json.dumps(HEAVY))
    done = subprocess.run([sys.executable, "-c", code, json.dumps([*words, "--help"])], capture_output=True, text=True, check=True)
    exit_code, loaded = json.loads(done.stderr)  # what comes after a command's output is no output of it
    return done.stdout, exit_code, loaded


TOP = [words for words in commands() if len(words) < 2] + [["calc", "conv"]]


@pytest.mark.parametrize("words", TOP, ids=" ".join)
def test_help_comes_without_heavy_imports(words: list[str]):
    text, exit_code, loaded = help_of(words)
    assert (exit_code, loaded) == (0, [])
    assert "Usage" in text


def test_the_first_page_names_every_command():
    text = help_of([])[0]
    assert all(words[0] in text for words in commands() if len(words) == 1)


def test_every_command_and_option_says_what_it_is_for():
    def silent(command: object, words: list[str]) -> list[str]:
        inner: dict[str, object] = getattr(command, "commands", {})
        own = [] if getattr(command, "help", None) else [" ".join(words)]
        return [*own, *(name for key, one in inner.items() for name in silent(one, [*words, key]))]

    assert silent(typer.main.get_command(command_line()), []) == []
