"""A user's own file may print, end the program and rearrange the process: it is an error or it goes to stderr, and stdout stays ours."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from receptron.errors import BadValue
from receptron.jobs.networks import NetworkRequest, inspect_network
from shell import run

NET = """
{top}
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {construction}
        self.layer = nn.Conv2d(3, 4, 3)
    def forward(self, x):
        {forward}
        return self.layer(x)
"""
PLACES = ("top", "construction", "forward")


def network(path: Path, **said: str) -> str:
    """A file with a statement at one of the PLACES; the words that name its network."""
    path.write_text(NET.format(**{place: said.get(place, "pass") for place in PLACES}))
    return f"{path}:Net"


ENDS = {
    "import sys; sys.exit(0)": "ended the program with exit code 0",
    "import sys; sys.exit()": "ended the program with exit code 0",
    "import sys; sys.exit(3)": "ended the program with exit code 3",
    "import sys; sys.exit('bye')": "ended the program with exit code 1 ('bye')",
    "exit(0)": "ended the program with exit code 0",
    "raise SystemExit": "ended the program with exit code 0",
    "import argparse; argparse.ArgumentParser().parse_args(['--no'])": "ended the program with exit code 2",
    "raise GeneratorExit('odd')": "GeneratorExit: odd",
    "raise type('Own', (BaseException,), {})('x')": "Own: x",
    "raise MemoryError": "MemoryError: no message",
    "f = lambda: f(); f()": "",
    "raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})": "Mute: no message",
    "1 / 0": "ZeroDivisionError: division by zero",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("statement", ENDS)
def test_an_end_of_the_program_is_an_error_and_no_success(statement: str, place: str, tmp_path: Path):
    done = run("inspect", network(tmp_path / "n.py", **{place: statement}), "--budget", "params<1", "--json")
    assert done.code == (1 if place == "forward" else 2), done
    assert not done.out and "Traceback" not in done.err
    assert ENDS[statement] in done.err


def test_a_fault_while_importing_names_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert "(n.py, line 2)" in run("inspect", network(tmp_path / "n.py", top="1 / 0")).err
    assert "(n.py, line 7)" in run("inspect", network(tmp_path / "n.py", construction="1 / 0")).err
    assert "(n.py, line 7)" in run("inspect", "n.py:Net").err
    (tmp_path / "n.py").write_text("import os\nx = (\n")
    assert "SyntaxError: '(' was never closed (n.py, line 2)" in run("inspect", tmp_path / "n.py").err


NOISE = {
    "prints": "print('noise')",
    "writes": "import sys; sys.stdout.write('noise'); sys.stdout.buffer.write(b'noise\\xff')",
    "closes": "import sys; sys.stdout.close(); sys.stderr.close()",
    "replaces": "import sys, io; sys.stdout = sys.stderr = io.StringIO()",
    "takes away": "import sys; sys.stdout = sys.stderr = None",
    "moves": "import os; os.chdir('/')",
    "argues": "import sys; sys.argv = ['noise']; sys.argv.append('--json')",
    "warns": "import warnings; warnings.warn('noise'); warnings.simplefilter('error')",
    "logs": "import logging, sys; n = logging.getLogger('n'); n.addHandler(logging.StreamHandler(sys.stdout)); n.error('noise')",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("noise", NOISE)
def test_json_is_one_document_whatever_a_network_does(noise: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    before = sys.argv, sys.stdout, sys.stderr, list(warnings.filters)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("default")  # as in a program of one's own
        net = network(tmp_path / "n.py", **{place: NOISE[noise]})
        one = run("inspect", net, "--json", "--html", "page.html")
        two = run("compare", net, "lenet5", "--size", "3x32x32", "--json")
    assert json.loads(one.out)["cost"]["parameters"] == 112 and one.code == 0, one.err
    assert {row["quantity"] for row in json.loads(two.out)["totals"]} >= {"parameters"} and two.code == 0
    assert (tmp_path / "page.html").is_file() and Path.cwd() == tmp_path
    assert (sys.argv, sys.stdout, sys.stderr) == before[:3] and warnings.filters == before[3]
    if noise in ("prints", "writes", "logs"):
        assert "noise" in one.err and "noise" in two.err


def test_a_file_sees_itself_as_the_program(tmp_path: Path):
    done = run("inspect", network(tmp_path / "n.py", top="import sys; print(sys.argv)"), "--budget", "params<1M")
    assert done.code == 0 and f"['{tmp_path / 'n.py'}']" in done.err
    parsed = run("inspect", network(tmp_path / "n.py", top="import argparse; argparse.ArgumentParser().parse_args()"), "--json")
    assert parsed.code == 0, parsed.err


def test_a_property_that_ends_the_program_is_an_error(tmp_path: Path):
    text = NET.format(top="import sys", construction="pass", forward="pass") + "    parameters = property(lambda self: sys.exit(0))\n"
    (tmp_path / "n.py").write_text(text)
    done = run("inspect", f"{tmp_path}/n.py:Net", "--budget", "params<1")
    assert done.code == 1 and "broke off while it was looked at" in done.err and "exit code 0" in done.err


def test_an_interrupt_in_a_users_file_is_an_interrupt(tmp_path: Path):
    done = run("inspect", network(tmp_path / "n.py", forward="raise KeyboardInterrupt"))
    assert (done.code, done.out) == (130, "") and "Interrupted" in done.err


def test_a_module_is_run_behind_the_same_fence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    network(tmp_path / "noisy_module.py", top="print('noise')")
    monkeypatch.syspath_prepend(str(tmp_path))
    done = run("inspect", "noisy_module:Net", "--json")
    assert json.loads(done.out)["cost"]["parameters"] == 112 and "noise" in done.err
    with pytest.raises(BadValue, match="exit code 0"):
        inspect_network(NetworkRequest(network(tmp_path / "n.py", top="raise SystemExit")))


LOUD = "import atexit, os, subprocess; os.write(1, b'one'); subprocess.run(['echo', 'two']); atexit.register(print, 'three'); print('four')"


def test_what_a_process_writes_past_python_goes_to_stderr(tmp_path: Path):
    """Descriptor 1, child processes, and what is left for the end of the process; a closed descriptor is no harm either."""
    net = network(tmp_path / "n.py", top=LOUD, forward="import os; os.closerange(1, 3)")
    done = subprocess.run(
        [sys.executable, "-m", "receptron", "inspect", net, "--json"], capture_output=True, env=dict(os.environ), check=True
    )
    assert json.loads(done.stdout)["cost"]["parameters"] == 112
    assert all(word in done.stderr for word in (b"one", b"two", b"three", b"four"))


@pytest.mark.parametrize("command", ["inspect", "compare"])
def test_help_says_that_python_is_run(command: str):
    assert "run" in run(command, "--help").out
