"""Closed, full, abandoned and badly encoded streams: a message or nothing, the right exit code, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cards import saved
from shell import run

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    saved(folder / "model")
    pixels = np.random.default_rng(0).integers(0, 256, (30, 30), np.uint8)
    Image.fromarray(pixels).save(folder / "naïve 图.png")
    for label in ("cat", "dog"):
        (folder / f"photos/{label}").mkdir(parents=True)
        Image.fromarray(pixels[:: -1 if label == "dog" else 1]).save(folder / f"photos/{label}/1.png")
    return folder


def shell(line: str, desk: Path, **environment: str) -> tuple[int, str, str]:
    """Exit code of `receptron` in a shell line where R stands for it, stdout and stderr."""
    done = subprocess.run(
        ["bash", "-c", f"R() {{ '{sys.executable}' -m receptron \"$@\"; }}; {line}"],
        cwd=desk, capture_output=True, env={**os.environ, **environment},
    )  # fmt: skip
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    assert "Traceback" not in err and "Exception ignored" not in err and "lost sys" not in err, err
    return done.returncode, out, err


CALC = "calc conv 224"


@pytest.mark.parametrize("command", [CALC, "--help", "practice --store p --count 1 <&-"])
def test_a_closed_stdout_is_a_failure_that_is_told(command: str, desk: Path):
    code, out, err = shell(f"R {command} >&-", desk)
    assert (code, out) == (1, "") and "StorageFault: could not write to stdout." in err and "closed" in err


@needs_full
@pytest.mark.parametrize("command", [CALC, "zoo", "predict model 'naïve 图.png' --csv"])
def test_a_full_disk_is_a_failure_that_is_told(command: str, desk: Path):
    code, _, err = shell(f"R {command} >/dev/full", desk)
    assert code == 1 and "StorageFault: could not write to stdout." in err and "No space left" in err


@needs_full
@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_a_lost_stderr_changes_nothing(where: str, desk: Path):
    command, told = (
        ("audit photos", "2 images in class folders") if "full" in where else ("predict model naïve*.png gone.png", "naïve 图.png")
    )
    code, out, err = shell(f"R {command} {where}", desk, PYTHONIOENCODING="utf-8")
    assert code == 0 and told in out and not err


@needs_full
@pytest.mark.parametrize("where", [">/dev/full 2>&1", "<&- >&- 2>&-"])
def test_without_any_place_for_words_the_exit_code_still_tells(where: str, desk: Path):
    assert shell(f"R {CALC} {where}", desk)[0] == 1


def test_a_reader_who_leaves_does_not_change_the_exit_code(desk: Path):
    line = "set -o pipefail; R zoo --timeline | head -1; echo $?; R inspect lenet5 --budget 'params<1' | true; echo $?"
    code, out, err = shell(line, desk)
    assert code == 0 and out.splitlines()[-2:] == ["0", "1"], (out, err)
    assert "BROKEN: params<1" in err, "a gate is no opener for a pipe"


def test_a_conversation_ends_when_its_partner_leaves(desk: Path):
    code, out, _ = shell("yes 1 | R practice --store q --template size.floor --seed 1 | head -2", desk)
    assert code == 0 and "size.floor" in out


def test_a_closed_stdin_is_an_empty_list_and_an_ended_conversation(desk: Path):
    code, _, err = shell("R predict model - <&-", desk)
    assert code == 1 and "The list of images is empty." in err
    assert run("practice", "--store", desk / "r", stdin=b"\xff\xfe\x00\x9b\n").code == 0
    assert run("practice", "--store", desk / "r", "assess").code == 0
    assert run("predict", desk / "model", "-", stdin=bytes(range(256))).code == 1


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "utf-8"])
def test_what_an_encoding_lacks_is_shown_as_an_escape(encoding: str, desk: Path):
    names = [desk / "naïve 图.png", "图.png"]
    table = run("predict", desk / "model", *names, encoding=encoding)
    has_it = encoding == "utf-8"
    assert table.code == 0 and ("图" if has_it else r"\u56fe") + ".png: no such file" in table.err
    assert ("ï" in table.out) == (encoding != "ascii") and ("图" in table.out) == has_it
    answers = json.loads(run("predict", desk / "model", *names, "--json", encoding=encoding).out)["answers"]
    assert answers[0]["path"] == str(names[0]), "JSON has escapes of its own"
    assert run("predict", desk / "model", *names, "--csv", encoding=encoding).code == 0
    assert ("⌊" if has_it else r"\u230a") in run("calc", "conv", "9", encoding=encoding).out
    assert run("calc", "--help", encoding=encoding).code == 0
    assert run("--图", encoding=encoding).code == 2


def test_the_process_takes_the_encoding_that_it_is_given(desk: Path):
    code, out, err = shell("R predict model 'naïve 图.png' 图.png", desk, PYTHONIOENCODING="cp1252")
    assert code == 0 and r"ve \u56fe.png" in out and r"\u56fe.png: no such file" in err


def test_the_plain_locale_is_enough(desk: Path):
    code, out, _ = shell("R calc conv 9 --notation latex", desk, LC_ALL="C", LANG="", PYTHONUTF8="0")
    assert code == 0 and "lfloor" in out


@pytest.mark.parametrize("columns", ["20", "80", "10000"])
def test_a_pipe_is_never_wrapped(columns: str, desk: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", columns)
    folder = desk / "a folder of quite some length/and another one with blanks in it" / ("x" * 60)
    told = run("predict", desk / "model", folder / "gone one.png", desk / "naïve 图.png")
    assert f"{folder / 'gone one.png'}: no such file\n" in told.err
    assert run("inspect", folder / "model.py").err.splitlines()[0] == f"BadValue: there is no file {folder / 'model.py'}."
    assert f"{desk / 'naïve 图.png'}  " in told.out
    assert "stages.0.0.body.conv1.conv Conv2d" in run("compare", "resnet18", "resnet34").out
