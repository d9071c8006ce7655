"""Runs against runs: the same images in pairs, a folder of runs, and what does not compare."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from receptron.errors import BadValue, DataFault
from receptron.evaluation.confidence_intervals import paired_gain
from receptron.jobs.compare_runs import compare_runs, is_run, runs_below
from receptron.records import from_json, to_json
from receptron.training.records import JudgedImage, Run


@pytest.fixture
def made(workshop: Path) -> Run:
    return from_json((workshop / "digits-model" / "run.json").read_bytes(), Run)


def judged(answers: str, first: int = 0, label: str = "a", group: int | None = None) -> tuple[JudgedImage, ...]:
    """One image a letter, all of one class; `.` where the answer is right."""
    return tuple(
        JudgedImage(f"{first + i:064x}", label, label if letter == "." else "b", 0.9, i if group is None else i // group)
        for i, letter in enumerate(answers)
    )


def kept(folder: Path, run: Run, images: tuple[JudgedImage, ...]) -> Path:
    folder.mkdir(parents=True)
    right = sum(image.predicted == image.label for image in images)
    accuracy = replace(run.card.evaluation.accuracy, value=right / max(len(images), 1), count=len(images))
    run = replace(run, card=replace(run.card, classes=("a", "b", "c"), evaluation=replace(run.card.evaluation, accuracy=accuracy)))
    (folder / "run.json").write_text(to_json(replace(run, judged=images)))
    return folder


def test_gain_is_paired(tmp_path: Path, made: Run) -> None:
    left, right = "xxxxxxxxxx......................", "..........xx...................."
    found = compare_runs(kept(tmp_path / "l", made, judged(left)), kept(tmp_path / "r", made, judged(right)))
    hits = [[letter == "." for letter in text] for text in (right, left)]
    assert (found.mended, found.broken, found.images) == (10, 2, 32)
    assert (found.gain.value, found.gain.low, found.gain.high) == pytest.approx(tuple(vars(paired_gain(*hits)).values())[:3])
    assert found.accuracies[0].value == pytest.approx(22 / 32)
    assert found.classes == {"a": (32, 22, 30)}
    assert found.verdict == "the right one is clearly better"


def test_only_shared_images_count(tmp_path: Path, made: Run) -> None:
    found = compare_runs(kept(tmp_path / "l", made, judged("....xx")), kept(tmp_path / "r", made, judged("......", first=3)))
    assert (found.images, found.only_left, found.only_right, found.mended) == (3, 3, 3, 2)


def test_images_of_other_labels_are_left_out(tmp_path: Path, made: Run) -> None:
    mixed = judged("..") + judged("...", first=2, label="c")
    found = compare_runs(kept(tmp_path / "l", made, judged(".....")), kept(tmp_path / "r", made, mixed))
    assert (found.images, found.relabelled) == (2, 3)


def test_groups_of_either_run_are_units(tmp_path: Path, made: Run) -> None:
    alone = compare_runs(kept(tmp_path / "a", made, judged("xxxxxxxx" + "." * 24)), kept(tmp_path / "b", made, judged("." * 32)))
    grouped = compare_runs(kept(tmp_path / "c", made, judged("xxxxxxxx" + "." * 24)), kept(tmp_path / "d", made, judged("." * 32, group=4)))
    assert alone.verdict == "the right one is clearly better"
    assert "8 groups" in grouped.gain.method
    assert grouped.gain.low < alone.gain.low


def test_a_run_against_itself_is_no_difference(workshop: Path) -> None:
    found = compare_runs(workshop / "digits-model", workshop / "digits-model" / "run.json")
    assert (found.gain.value, found.mended, found.broken, found.settings) == (0.0, 0, 0, {})
    assert found.accuracies[0].value == pytest.approx(found.accuracies[1].value)
    assert is_run(workshop / "digits-model" / "model")


def test_what_the_run_says_is_what_its_images_say(made: Run) -> None:
    right = sum(image.predicted == image.label for image in made.judged)
    assert len(made.judged) == made.card.evaluation.count
    assert right / len(made.judged) == pytest.approx(made.card.evaluation.accuracy.value)


def test_nothing_shared_is_refused(tmp_path: Path, made: Run) -> None:
    left, right = kept(tmp_path / "l", made, judged("...")), kept(tmp_path / "r", made, judged("...", first=9))
    with pytest.raises(BadValue, match="no common image"):
        compare_runs(left, right)
    with pytest.raises(BadValue, match="no common image") as fault:
        compare_runs(left, kept(tmp_path / "s", made, judged("...", label="c")))
    assert "other labels" in fault.value.why


def test_an_older_run_is_told(tmp_path: Path, made: Run) -> None:
    with pytest.raises(BadValue, match="does not say what it answered"):
        compare_runs(kept(tmp_path / "l", made, ()), kept(tmp_path / "r", made, judged("..")))


def test_a_folder_of_runs(tmp_path: Path, made: Run) -> None:
    kept(tmp_path / "runs" / "first", made, judged(".x."))
    kept(tmp_path / "runs" / "deep" / "second", made, judged("..."))
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "run.json").write_text("{")
    found = runs_below(tmp_path / "runs")
    assert [row.path.name for row in found.runs] == ["second", "first"]
    assert found.same_data
    assert [Path(path).name for path in found.unreadable] == ["broken"]
    with pytest.raises(BadValue, match="holds no finished run"):
        runs_below(_empty(tmp_path))


def _empty(root: Path) -> Path:
    (root / "nothing").mkdir()
    return root / "nothing"


def test_other_images_are_told(tmp_path: Path, made: Run) -> None:
    other = replace(made.card, provenance=replace(made.card.provenance, data_sha256="0" * 64))
    kept(tmp_path / "one", made, judged(".."))
    kept(tmp_path / "two", replace(made, card=other), judged(".."))
    assert not runs_below(tmp_path).same_data


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["digits-model", "resnet18"], "is a run that train wrote, resnet18 is not"),
        (["resnet18", "digits-model"], "is a run that train wrote, resnet18 is not"),
        (["digits-model", "digits-model", "--size", "64"], "--size is about networks"),
        (["resnet18"], "resnet18 is no folder"),
    ],
)
def test_what_does_not_compare(workshop: Path, words: list[str], said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "receptron", "compare", *words], cwd=workshop, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert said in " ".join(ended.stderr.split())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('"confidence": 0.9', '"confidence": 5', 1), "confidence"),
        (lambda text: text.replace('"predicted": "a"', '"predicted": "whale"', 1), "no class of the network"),
        (lambda text: text.replace('"predicted": "a"', '"predicted": "b"', 1), "its answers say"),
        (lambda text: text.replace(f"{1:064x}", f"{0:064x}", 1).replace('"predicted": "a"', '"predicted": "b"', 1), "was answered as"),
        (lambda text: re.sub(r'"seconds": (?=[1-9])', '"seconds": -', text), "seconds"),
        (lambda text: "{" + " " * 300_000_000 + text[1:], "at most"),
    ],
    ids=["confidence", "class", "accuracy", "twice", "seconds", "size"],
)
def test_a_record_that_contradicts_itself_is_refused(tmp_path: Path, made: Run, change, said: str) -> None:
    whole, broken = kept(tmp_path / "whole", made, judged("....x.")), kept(tmp_path / "broken", made, judged("....x."))
    text = (broken / "run.json").read_text()
    (broken / "run.json").write_text(change(text))
    assert (broken / "run.json").read_text() != text
    with pytest.raises(DataFault) as fault:
        compare_runs(whole, broken)
    assert said in f"{fault.value.what} {fault.value.why}"
