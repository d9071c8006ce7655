"""`receptron inspect` and `receptron compare` as a person types them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from receptron.cli.app import commands
from receptron.errors import ReceptronError


def receptron(*words: str) -> tuple[int, str]:
    """Exit code and output, in this process; an error of ours as `main` would tell it."""
    ran = CliRunner().invoke(commands(), list(words))
    if isinstance(ran.exception, ReceptronError):
        return ran.exception.exit_code, f"{type(ran.exception).__name__}: {ran.exception}"
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return ran.exit_code, ran.output


def test_a_net_of_the_zoo_is_told_in_a_table():
    code, text = receptron("inspect", "resnet50", "--field", "stages.1", "--reconcile", "--memory", "--batch", "4", "--device", "a100")
    assert code == 0
    for told in ("25,557,032", "4,089,184,256", "91 px", "4.111 G", "4.134 G", "training peak", "waits for memory"):
        assert told in text


def test_json_is_the_whole_record():
    code, text = receptron("inspect", "lenet5", "--json")
    record = json.loads(text)
    assert code == 0
    assert record["cost"]["parameters"] == 61_706


def test_a_budget_decides_the_exit_code():
    assert receptron("inspect", "mobilenet_v2", "--budget", "macs<600M params<5M field>=224")[0] == 0
    code, text = receptron("inspect", "mobilenet_v2", "--budget", "macs<100M")
    assert code == 1
    assert "BROKEN: macs<100M (measured 300.774 M)" in text


def test_two_nets_are_compared(tmp_path: Path):
    code, text = receptron("compare", "resnet18", "resnet34", "--html", str(tmp_path / "both.html"))
    assert code == 0
    assert "21,797,672" in text
    assert "resnet34" in (tmp_path / "both.html").read_text()
    assert "only right" in receptron("compare", "resnet18", "resnet34", "--changed")[1]
    assert "only right" not in receptron("compare", "resnet18", "resnet18")[1], "twins have no layer alone"


def test_a_page_is_written(tmp_path: Path):
    assert receptron("inspect", "resnet18", "--html", str(tmp_path / "net.html"))[0] == 0
    assert (tmp_path / "net.html").read_text().startswith("<!doctype html>")


BROKEN = """
from torch import nn
net = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.Flatten(), nn.Linear(100, 10))
"""


def test_a_broken_model_is_told_with_its_repair(tmp_path: Path):
    (tmp_path / "model.py").write_text(BROKEN)
    code, text = receptron("inspect", f"{tmp_path}/model.py:net", "--size", "3x32x32")
    assert code == 1
    assert text.startswith("ShapeClash: 2 (Linear): 1x1800 meets 100x10")
    assert "set in_features=1800" in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["inspect", "resnet5O"], "Did you mean"),
        (["inspect", "resnet50", "--size", "3xx"], "is not a size"),
        (["inspect", "resnet50", "--field", "stages.9"], "no layer named"),
        (["inspect", "resnet50", "--device", "h1000"], "no device named"),
        (["inspect", "weights.pth"], "a checkpoint, not a model"),
        (["inspect", "nowhere.py"], "there is no file"),
        (["inspect", "resnet50", "--budget", "macs"], "cannot read the limit"),
    ],
)
def test_a_mistake_gets_a_message_and_exit_code_2(words: list[str], says: str):
    code, text = receptron(*words)
    assert code == 2
    assert says in text


def test_help_does_not_load_torch():
    code = "import sys; sys.argv = ['receptron', 'inspect', '--help']; from receptron.cli import main\ntry: main()\n"
    code += "finally: print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr.strip().endswith("False")
