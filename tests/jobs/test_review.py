"""A table of corrections goes round: written, edited, applied; every decision is either applied or the table is refused with the line."""

import csv
import hashlib
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from receptron.data.deduplication.perceptual_hash import PerceptualHashes
from receptron.data.ingest import Ingested
from receptron.data.records import Catalog, Entry, ImageFacts, Item
from receptron.errors import BadTable, BadValue, WouldReplace
from receptron.evaluation.records import SuspectLabel, SuspectLabels
from receptron.jobs.compare_runs import paired
from receptron.jobs.review import review
from receptron.jobs.training.earlier_run import read_earlier_run, read_run
from receptron.jobs.training.labels.corrections import COLUMNS, corrected, read_corrections, written
from receptron.jobs.training.labels.relabelling import Relabelling
from receptron.records import from_json, to_json
from receptron.training.records import Run

ROOT = Path("/photos")
LABELS = {"a/1.jpg": "a", "a/2.jpg": "a", "b/3.jpg": "b", "b/=4.jpg": "b", "-c/5.jpg": "-c", "a/copy.jpg": "a"}


def digest(name: str) -> str:
    return hashlib.sha256(("a/1.jpg" if name == "a/copy.jpg" else name).encode()).hexdigest()


def images() -> tuple[Catalog, Ingested]:
    facts = ImageFacts("JPEG", "RGB", 8, 8)
    entries = tuple(Entry(Item(ROOT / name, label), digest(name), facts) for name, label in LABELS.items())
    looks = PerceptualHashes.__new__(PerceptualHashes)
    return Catalog(ROOT, "class folders", tuple(entry.item for entry in entries)), Ingested(entries, looks, None)


def applied(tmp_path: Path, *rows: tuple[str, str, str], sha256: str = "") -> dict[str, str]:
    """Labels after a table of rows (path, label when reviewed, decision)."""
    file = tmp_path / "corrections.csv"
    file.write_bytes(written((path, sha256 or digest(path), label, "a", decision, "") for path, label, decision in rows))
    catalog, reading, counts = corrected(*images(), read_corrections(file))
    assert tuple(entry.item for entry in reading.entries) == catalog.items
    assert counts.changed == sum(item.label != LABELS[str(item.path.relative_to(ROOT))] for item in catalog.items)
    return {str(item.path.relative_to(ROOT)): item.label for item in catalog.items}


@pytest.mark.parametrize(
    ("path", "decision"), [("a/2.jpg", "b"), ("b/=4.jpg", "a"), ("b/=4.jpg", "-c"), ("-c/5.jpg", "a"), ("b/3.jpg", "b"), ("a/2.jpg", "")]
)
def test_a_decision_changes_one_label(tmp_path: Path, path: str, decision: str):
    assert applied(tmp_path, (path, LABELS[path], decision)) == LABELS | {path: decision or LABELS[path]}


def test_of_copies_the_path_tells_which(tmp_path: Path):
    assert applied(tmp_path, ("a/copy.jpg", "a", "b")) == LABELS | {"a/copy.jpg": "b"}


def test_an_image_that_was_moved_or_corrected_meanwhile_is_found_by_its_bytes(tmp_path: Path):
    assert applied(tmp_path, ("old/3.jpg", "b", "a"), sha256=digest("b/3.jpg")) == LABELS | {"b/3.jpg": "a"}
    assert applied(tmp_path, ("b/3.jpg", "a", "b")) == LABELS


@pytest.mark.parametrize(
    ("rows", "sha256", "said"),
    [
        ([("a/2.jpg", "a", ""), ("a/2.jpg", "a", "zebra")], "", "line 3: no class is called 'zebra': "),
        ([("a/2.jpg", "a", "B")], "", "line 2: no class is called 'B'"),
        ([("a/9.jpg", "a", "b")], "", "line 2: no image is at a/9.jpg, and none has these bytes"),
        ([("b/3.jpg", "b", "a")], "0" * 64, "line 2: b/3.jpg has other bytes than when it was reviewed"),
        ([("gone.jpg", "a", "b")], digest("a/1.jpg"), "line 2: 2 images have these bytes, and none of them is at gone.jpg"),
        ([("b/3.jpg", "a", "-c")], "", "line 2: b/3.jpg is labelled 'b', and was 'a' when it was reviewed"),
        ([("a/2.jpg", "a", "b"), ("a/2.jpg", "a", "-c")], "", "line 3: a/2.jpg is decided to be '-c' here and 'b' in line 2"),
    ],
)
def test_what_cannot_be_applied_is_refused_with_its_line(tmp_path: Path, rows: list[tuple[str, str, str]], sha256: str, said: str):
    with pytest.raises(BadTable) as fault:
        applied(tmp_path, *rows, sha256=sha256)
    assert said in fault.value.why


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,label\na,b\n", "sha256, decision must be there once"),
        (f"{','.join(COLUMNS)}\na/1.jpg,12,a,b,b,\n", "line 2: '12' is no SHA-256"),
        (f"{','.join(COLUMNS)}\na,{'0' * 64},a,b,b,one\nb,{'1' * 64},a,b,b,two\n", "the rows are of 2 runs"),
        ("", "line 1: the table is empty"),
        (f"{','.join(COLUMNS)}\na,b\n", "line 2: 2 cells where the header has 6"),
    ],
)
def test_what_is_no_table_of_corrections_is_refused(tmp_path: Path, text: str, said: str):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(BadTable) as fault:
        read_corrections(tmp_path / "c.csv")
    assert said in fault.value.why


@pytest.mark.parametrize("mark", [";", "\t", ","])
def test_a_spreadsheet_may_separate_and_sort_as_it_likes(tmp_path: Path, mark: str):
    rows = [[name, digest(name), LABELS[name], "a", "b", ""] for name in ("b/3.jpg", "a/2.jpg")]
    text = io.StringIO()
    csv.writer(text, delimiter=mark).writerows([[name.upper() for name in COLUMNS], *rows])
    (tmp_path / "c.csv").write_text("\ufeff" + text.getvalue())
    found = corrected(*images(), read_corrections(tmp_path / "c.csv"))[2]
    assert (found.changed, found.confirmed, found.undecided) == (1, 1, 0)


@pytest.fixture
def doubted(workshop: Path, tmp_path: Path) -> Path:
    """A run that doubts two of its labels."""
    run = from_json((workshop / "digits-model/run.json").read_bytes(), Run)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/model").symlink_to(workshop / "digits-model/model")
    train = [row.split(",") for row in (workshop / "digits-model/model/split.csv").read_text().splitlines() if ",train," in row]
    suspects = tuple(SuspectLabel(row[1], row[3], 0.1, 0.9, "8", 0.8, (train[9][1],), (train[8][1],)) for row in train[:2])
    (tmp_path / "run/run.json").write_text(to_json(replace(run, suspects=SuspectLabels(suspects, len(train), "linear head"))))
    return tmp_path / "run"


def test_the_table_names_each_suspect_by_its_bytes(doubted: Path, tmp_path: Path):
    found = review(doubted, tmp_path / "p.html", tmp_path / "c.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "c.csv").read_text())))
    for row, one in zip(rows, found.suspects, strict=True):
        assert row["sha256"] == hashlib.sha256((found.images / row["path"]).read_bytes()).hexdigest() == one.sha256
        assert (row["proposed"], row["decision"], row["run"]) == ("8", "", str(doubted))
    assert (tmp_path / "p.html").read_text().count("data:image/webp") == 6
    assert found.then.endswith(f"--labels {tmp_path / 'c.csv'}")


def test_nothing_of_the_user_is_replaced(doubted: Path, tmp_path: Path):
    (tmp_path / "c.csv").write_text("mine")
    (tmp_path / "p.html").write_text("mine")
    with pytest.raises(WouldReplace, match=r"c\.csv is there already"):
        review(doubted, table=tmp_path / "c.csv")
    with pytest.raises(BadValue, match="is no page of Receptron"):
        review(doubted, tmp_path / "p.html")
    assert (tmp_path / "c.csv").read_text() == (tmp_path / "p.html").read_text() == "mine"
    review(doubted, tmp_path / "p.html", tmp_path / "c.csv", overwrite=True)
    assert (tmp_path / "c.csv").read_text().startswith("path,sha256")
    with pytest.raises(BadValue, match="are both"):
        review(doubted, tmp_path / "x", tmp_path / "x")


def test_a_run_that_does_not_know_says_so(workshop: Path, tmp_path: Path):
    run = from_json((workshop / "digits-model/run.json").read_bytes(), Run)
    for suspects, said in ((None, "before labels were looked at"), (SuspectLabels((), 9, "linear head", "too few"), "too few")):
        (tmp_path / "run.json").write_text(to_json(replace(run, suspects=suspects)))
        if suspects is None:
            assert said in review(tmp_path).unknown
        with pytest.raises(BadValue) as fault:
            (tmp_path / "model").exists() or (tmp_path / "model").symlink_to(workshop / "digits-model/model")
            review(tmp_path, table=tmp_path / "c.csv")
        assert said in fault.value.why


def test_the_whole_way_round(doubted: Path, tmp_path: Path, workshop: Path):
    """Review, decide, train: the label changes, sides stay, and the gain is that of compare."""
    review(doubted, table=tmp_path / "c.csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "c.csv").read_text())))
    rows[1][4] = "8"
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    (tmp_path / "c.csv").write_text(text.getvalue())
    words = ["train", "digits", "--net", "lenet5", "--time", "2s", "--precision", "float32", "--labels", str(tmp_path / "c.csv")]
    done = subprocess.run(
        [sys.executable, "-m", "receptron", *words, "--out", str(tmp_path / "new")],
        capture_output=True,
        text=True,
        check=False,
        cwd=workshop,
    )
    assert done.returncode == 0, done.stderr
    run, before = read_run(tmp_path / "new"), read_run(doubted)
    record = run[1].corrections
    assert record is not None and (record.changed, record.undecided) == (1, 1)
    found = paired((before[1].report.parent, before[1]), run)
    assert record.gain == found.gain and record.images == found.images == len(before[1].judged)
    assert "1 label changed" in done.stdout and record.gain_words in done.stdout
    assert run[1].learning_curve is not None and "from scratch" in run[1].learning_curve.unknown
    sides = [
        {row.split(",")[0]: row.split(",")[2] for row in (folder / "model/split.csv").read_text().splitlines()}
        for folder in (tmp_path / "new", doubted)
    ]
    assert sides[0] == sides[1]


def test_what_was_timed_is_taken_over_for_the_same_network_alone(workshop: Path):
    before = read_earlier_run(workshop / "digits-model")
    timed = Relabelling((), before, "").formats(before.run.settings)
    assert timed and all(name == "views" or name.startswith("engine of ") for name in timed)
    assert all(value == before.run.decisions[name] for name, value in timed.items())
    for name, other in {
        "net": "resnet18",
        "weights": "x.safetensors",
        "device": "cuda",
        "precision": "bfloat16",
        "augment": "strong",
    }.items():
        assert Relabelling((), before, "").formats({**before.run.settings, name: other}) == {}
    chosen = replace(before, run=replace(before.run, settings={**before.run.settings, "net": "auto"}))
    assert Relabelling((), chosen, "").formats(chosen.run.settings) == {}
    assert Relabelling((), None, "lost").formats(before.run.settings) == {}
