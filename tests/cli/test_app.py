"""The command line as a whole: its version, its groups, its completion."""

import os
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from receptron.cli.app import COMMANDS, DATA, LEARNING, NETWORKS
from shell import run


def test_the_version_is_told():
    told = run("--version")
    assert (told.code, told.out.strip()) == (0, f"receptron {version('receptron')}")


def test_help_shows_every_command_in_its_group():
    text = run("--help").out
    groups = {name: text.index(name) for name in (DATA, NETWORKS, LEARNING)}
    assert sorted(groups, key=lambda name: groups[name]) == [DATA, NETWORKS, LEARNING]
    for command, (_, group) in COMMANDS.items():
        at = re.search(rf"^[\s│]*{command}\s", text, re.MULTILINE)
        assert at, f"{command} is not there"
        assert max((name for name in groups if groups[name] < at.start()), key=lambda name: groups[name]) == group


@pytest.mark.parametrize(("typed", "offered"), [("receptron tr", "train"), ("receptron inspect --ba", "--batch"), ("receptron zo", "zoo")])
def test_the_shell_completes_commands_and_flags(typed: str, offered: str):
    asked = {**os.environ, "_RECEPTRON_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    done = subprocess.run([sys.executable, "-m", "receptron"], env=asked, capture_output=True, text=True)
    assert offered in done.stdout.split(), done.stderr
