"""Images in groups through the whole job: divided and trained however few, and no interval that takes them for independent."""

import csv
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from photos import CLASSES, photo

from cards import CLASSES as KNOWN
from cards import saved
from receptron.bundle.model import load
from receptron.data.dataset.scan_options import ScanOptions
from receptron.data.records import GivenFolds
from receptron.errors import BadValue
from receptron.evaluation.records import TOO_FEW
from receptron.jobs.audit import audit
from receptron.jobs.evaluate import Evaluated, evaluate
from receptron.jobs.options import Extras
from receptron.jobs.training.train import train
from receptron.records import from_json
from receptron.training.records import Run
from shell import run

pytestmark = pytest.mark.usefixtures("quick")


def table(root: Path, groups: int, size: int, *, by_group: bool = False) -> Path:
    """A table of drawn photos in groups, of both classes each or of one."""
    rows = list[tuple[str, str, str]]()
    for group in range(groups):
        for i in range(size):
            label = CLASSES[group % 2 if by_group else i % 2]
            photo(root / f"{group}-{i}.png", label, 1000 * group + i)
            rows.append((f"{group}-{i}.png", label, f"g{group}"))
    with (root / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "group"), *rows])
    return root / "table.csv"


def scratch(path: Path, out: Path, test_size: float = 0.2) -> Run:
    return train(
        path, out / "out", "lenet5", "none", time="20s", test_size=test_size, extras=Extras(precision="float32", cache=out / "cache")
    )


@pytest.mark.parametrize(
    "groups, size, by_group, sides", [(4, 20, False, (2, 2)), (4, 10, True, (2, 2)), (3, 12, False, (2, 1)), (5, 8, False, (3, 2))]
)
def test_few_groups_are_trained_and_their_intervals_are_unknown(
    tmp_path: Path, groups: int, size: int, by_group: bool, sides: tuple[int, int]
):
    found = scratch(table(tmp_path, groups, size, by_group=by_group), tmp_path)
    assert (found.split.train_groups, found.split.test_groups) == sides
    assert found.card.evaluation.source == f"{sides[1] * size} test images from {sides[1]} group{'s' * (sides[1] > 1)}"
    assert found.card.evaluation.accuracy.unknown and not any(row.better for row in found.card.comparisons)
    page = unescape(re.sub("<[^>]+>", "", found.report.read_text()))
    assert TOO_FEW in page and "expect between" not in page and "groups narrow them" in page
    assert load(found.model).card == found.card


def test_the_screen_says_unknown_and_the_record_too(tmp_path: Path):
    path, place = table(tmp_path, 4, 10), ("--net", "lenet5", "--weights", "none", "--precision", "float32", "--time", "10s")
    shown = run("train", path, "--out", tmp_path / "out", *place)
    assert shown.code == 0, shown.err
    assert re.search(r"Accuracy \d+\.\d % \(unknown: too few groups\) on 20 test images from 2 groups", shown.out)
    assert "2 groups to learn from and 2 groups for the test only" in " ".join(shown.out.split())
    assert "clearly better" not in shown.out
    record = from_json((tmp_path / "out/run.json").read_text(), Run)
    assert record.card.evaluation.accuracy.method == TOO_FEW


def test_without_a_test_side_groups_are_the_folds(tmp_path: Path):
    found = scratch(table(tmp_path, 5, 8), tmp_path, test_size=0)
    assert found.card.evaluation.source == "5-fold cross-validation on 40 images from 5 groups"
    assert "over 5 groups" in found.card.evaluation.accuracy.method


@pytest.mark.parametrize("groups, test_size, cure", [(1, 0.2, "another group"), (2, 0.2, "--test-size 0"), (1, 0, "another group")])
def test_too_few_groups_to_divide_are_refused_with_a_way_on(tmp_path: Path, groups: int, test_size: float, cure: str):
    with pytest.raises(BadValue, match=f"come from {groups} group") as caught:
        scratch(table(tmp_path, groups, 20), tmp_path, test_size)
    assert cure in str(caught.value)


def test_a_patient_column_and_names_are_groups_by_themselves_and_by_flag(tmp_path: Path):
    """Labels are drawn per patient, and no picture shows them: the truth is 50 %, and nothing may be called better."""
    rng, rows = np.random.default_rng(3), list[tuple[str, str, str, str]]()
    for patient in range(12):
        label, shown = CLASSES[int(rng.integers(2)) if patient > 1 else patient], CLASSES[patient % 2]
        for i in range(5):
            photo(tmp_path / label / f"person{patient}_{i}.png", shown, 100 * patient + i)
            rows.append((f"{label}/person{patient}_{i}.png", label, f"p{patient}", f"r{len(rows)}"))
    with (tmp_path / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "class", "patient_id", "remark"), *rows])
    by_column = scratch(tmp_path / "table.csv", tmp_path / "1")
    names = Extras(precision="float32", images=ScanOptions("classes", groups=("patient",)), cache=tmp_path / "cache")
    (tmp_path / "2").mkdir()
    (tmp_path / "table.csv").rename(tmp_path / "2/table.csv")
    by_name = train(tmp_path, tmp_path.parent / f"{tmp_path.name}-out", "lenet5", "none", time="20s", extras=names)
    for found in (by_column, by_name):
        assert found.split.train_groups is not None and found.split.train_groups + (found.split.test_groups or 0) == 12
        assert re.search(r"test images from \d+ patients?$", found.card.evaluation.source)
        assert not any(row.better for row in found.card.comparisons)
    assert {one.message for one in by_column.audit.findings} >= {
        "1 column not used: remark", "columns: path from file, label from class, group from patient_id",
    }  # fmt: skip
    assert by_name.settings["group"] == "patient"
    assert "images=receptron.ScanOptions(layout='classes', groups=('patient',))" in by_name.card.provenance.command
    page = unescape(re.sub("<[^>]+>", "", by_name.report.read_text()))
    assert "--layout classes --group patient" in page
    assert "1 column not used: remark" in unescape(re.sub("<[^>]+>", "", by_column.report.read_text()))


@pytest.mark.parametrize("names", [("0", "1", "2"), ("a", "b")])
def test_folds_of_a_table_are_those_that_are_cross_validated(tmp_path: Path, names: tuple[str, ...]):
    rows = [(f"{i}.png", CLASSES[i % 2], names[i % len(names)]) for i in range(24)]
    for i, (name, label, _) in enumerate(rows):
        photo(tmp_path / name, label, i)
    with (tmp_path / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "fold"), *rows])
    found = scratch(tmp_path / "table.csv", tmp_path)
    assert found.card.evaluation.source == f"{len(names)}-fold cross-validation on 24 images"
    assert found.settings["test size"] == "0"


@pytest.mark.parametrize(
    "patients, left, moved", [(lambda i: i // 2, 2, 12), (lambda i: i % 4 + 4 * (i > 11), 4, 0), (lambda i: i // 24, 0, 0)]
)
def test_folds_that_tear_groups_are_told_by_audit_training_and_report(
    tmp_path: Path, patients: Callable[[int], int], left: int, moved: int
):
    """Every patient in two folds, every patient in one, and all images one patient's."""
    rows = [(f"{i}.png", CLASSES[i // 2 % 2], f"f{i % 4}", f"p{patients(i)}") for i in range(24)]
    for i, (name, label, *_) in enumerate(rows):
        photo(tmp_path / name, label, i)
    with (tmp_path / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "fold", "patient"), *rows])
    torn = [one for one in audit(tmp_path / "table.csv").findings if one.kind == "groups across given folds"]
    assert bool(torn) == (left != 4)
    if not left:
        with pytest.raises(BadValue, match="given folds 1"):
            scratch(tmp_path / "table.csv", tmp_path)
        return
    found = scratch(tmp_path / "table.csv", tmp_path)
    assert found.split.given_folds == GivenFolds(4, left, moved)
    assert f"{left}-fold cross-validation" in found.card.evaluation.source
    page = unescape(re.sub("<[^>]+>", "", found.report.read_text()))
    assert (f"Of 4 given folds {left} are left: {moved} images held out with" in page) == bool(moved)


def test_evaluate_takes_the_group_as_the_unit(tmp_path: Path):
    model = saved(tmp_path / "model")
    rows, rng = list[tuple[str, str, str]](), np.random.default_rng(0)
    for group in range(8):
        for i in range(6):
            label = KNOWN[int(rng.integers(3))]
            photo(tmp_path / f"{group}-{i}.png", CLASSES[i % 3], 100 * group + i)
            rows.append((f"{group}-{i}.png", label, f"g{group}"))
    for name, columns in (("with", 3), ("without", 2), ("few", 3)):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(
                [("path", "label", "group")[:columns], *(row[:columns] for row in (rows[:12] if name == "few" else rows))]
            )
    with (tmp_path / "odd.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "keeper", "note"), *((*row, f"n{i}") for i, row in enumerate(rows))])
    told = run("evaluate", model, tmp_path / "odd.csv").err
    assert "Column keeper is not used, but looks like a group (8 values in 48 rows)." in told and "1 column: note" in told
    keeper = run("evaluate", model, tmp_path / "odd.csv", "--group-column", "keeper")
    assert "48 images new to the model from 8 keepers" in keeper.out and "keeper" not in keeper.err
    grouped, plain, few = (evaluate(model, tmp_path / f"{name}.csv").fresh for name in ("with", "without", "few"))
    assert grouped and plain and few
    assert grouped.source == "48 images new to the model from 8 groups" and plain.source == "48 images new to the model"
    assert grouped.accuracy.value == plain.accuracy.value and plain.accuracy.method == "Wilson" and "8 groups" in grouped.accuracy.method
    assert few.accuracy.unknown and few.source.endswith("from 2 groups")
    shown = run("evaluate", model, tmp_path / "few.csv")
    assert re.search(r"accuracy +\d+\.\d % \(unknown: too few groups\)", shown.out)
    assert from_json(run("evaluate", model, tmp_path / "few.csv", "--json").out, Evaluated).fresh == few


def test_files_of_the_same_bytes_count_once_in_evaluate(tmp_path: Path):
    model = saved(tmp_path / "model")
    for i in range(20):
        file = photo(tmp_path / "photos" / KNOWN[i % 3] / f"{i}.png", CLASSES[i % 3], i)
        for copy in range(3):
            file.with_name(f"{i}-{copy}.png").write_bytes(file.read_bytes())
    found = evaluate(model, tmp_path / "photos").fresh
    assert found and found.source == "80 images new to the model (20 counting copies once)"
    once = [file for file in (tmp_path / "photos").rglob("*-*.png")]
    for file in once:
        file.unlink()
    alone = evaluate(model, tmp_path / "photos").fresh
    assert alone and found.accuracy.value == alone.accuracy.value
    wide, narrow = found.accuracy.high - found.accuracy.low, alone.accuracy.high - alone.accuracy.low
    assert wide >= 0.95 * narrow, "copies tell nothing new"
