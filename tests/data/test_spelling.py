"""One name in several spellings: Unicode forms are taken as one and told; capitals, numbers and missing values are told."""

import unicodedata
from pathlib import Path

import pytest
from malformed import encoded, photo
from trees import grow

from receptron.data.dataset.scan import find_images, scan
from receptron.data.ingest import read
from receptron.data.records import Audit
from receptron.errors import BadTable, BadValue
from receptron.jobs.audit import audit, obstacle

NAMES = ["café", "Löwe", "ねこが", "Ångström", "각"]


def forms(name: str) -> tuple[str, str]:
    return unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)


@pytest.mark.parametrize("name", NAMES)
def test_folders_of_one_name_in_two_forms_are_one_class_and_told(name: str, tmp_path: Path):
    whole, apart = forms(name)
    grow(tmp_path, f"{whole}/a.png", f"{apart}/b.png", "dog/c.png")
    catalog = scan(tmp_path)
    assert catalog.classes == tuple(sorted(["dog", whole]))
    assert catalog.respelled == (whole,)
    assert [one.labels for one in audit(tmp_path).findings if one.kind == "Unicode forms"] == [(whole,)]


@pytest.mark.parametrize("name", NAMES)
def test_sides_of_two_forms_have_the_class_in_common(name: str, tmp_path: Path):
    whole, apart = forms(name)
    grow(tmp_path, f"train/{whole}/1", "train/dog/1", f"test/{apart}/1")
    assert {item.split for item in scan(tmp_path).items if item.label == whole} == {"train", "test"}
    grow(tmp_path / "inside", f"{whole}/train/1", f"{apart}/test/1", "dog/train/1")
    assert scan(tmp_path / "inside").classes == tuple(sorted(["dog", whole]))
    assert scan(tmp_path / "inside").respelled == (whole,)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("turned", [False, True])
def test_a_table_in_one_form_and_a_disk_in_the_other(name: str, turned: bool, tmp_path: Path):
    written, kept = forms(name)[:: -1 if turned else 1]
    grow(tmp_path, f"{kept}/{kept}.png", "b.png")
    (tmp_path / "t.csv").write_text(f"path,label\n{written}/{written}.png,{written}\nb.png,{kept}\n", encoding="utf-8")
    catalog = scan(tmp_path / "t.csv")
    assert all(entry.good for entry in read(catalog).entries)
    assert catalog.classes == (forms(name)[0],)
    assert set(catalog.respelled) == {forms(name)[0], f"{forms(name)[0]}/{forms(name)[0]}.png"}


@pytest.mark.parametrize("name", NAMES)
def test_paths_to_predict_in_the_other_form(name: str, tmp_path: Path):
    whole, apart = forms(name)
    grow(tmp_path, f"{apart}/1.png")
    assert find_images([tmp_path / whole / "1.png"]).files == (tmp_path / apart / "1.png",)
    with pytest.raises(BadValue):
        find_images([tmp_path / "cafe"])


@pytest.mark.parametrize(("written", "kept"), [("Cat/1.png", "cat/1.png"), ("cat/1.PNG", "cat/1.png"), ("cat/É.png", "cat/é.png")])
def test_capitals_that_differ_are_refused_with_the_file_that_is_there(written: str, kept: str, tmp_path: Path):
    grow(tmp_path, kept)
    if (tmp_path / written).exists():
        pytest.skip("this disk does not tell capitals apart")
    (tmp_path / "t.csv").write_text(f"path,label\n{written},a\n", encoding="utf-8")
    with pytest.raises(BadTable, match=f"line 2: there is no .*, but '{kept}' is: capitals differ"):
        scan(tmp_path / "t.csv")


def labelled(root: Path, *labels: str) -> Audit:
    """An audit of a table whose images, ten of each, have these labels."""
    rows = ["path,label"]
    for number, label in enumerate(labels):
        for index in range(10):
            (root / f"{number}-{index}.png").write_bytes(encoded("PNG", photo(64, 100 * number + index)))
            rows.append(f"{number}-{index}.png,{label}")
    (root / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    return audit(root / "t.csv")


@pytest.mark.parametrize(
    ("labels", "kind", "words"),
    [
        (("7", "007"), "class names alike", "7 and 007"),
        (("1", "1.0", "01"), "class names alike", "1 and 1.0 and 01"),
        (("-3", "-03"), "class names alike", "-3 and -03"),
        (("NaN", "cat"), "missing labels", "NaN"),
        (("none", "N/A", "cat"), "missing labels", "N/A, none"),
        (("?", "cat", "null"), "missing labels", "?, null"),
        (("Cat", "cat"), "class names alike", "Cat and cat"),
        (("side view", "side-view"), "class names alike", "side view and side-view"),
    ],
)
def test_labels_that_may_be_meant_otherwise_are_told(labels: tuple[str, ...], kind: str, words: str, tmp_path: Path):
    found = [one for one in labelled(tmp_path, *labels).findings if one.kind == kind]
    assert len(found) == 1
    told = sorted(words.replace(" and ", ", ").split(", "))
    assert sorted(found[0].message.split(": ", 1)[1].replace(" and ", ", ").split(", ")) == told


@pytest.mark.parametrize("labels", [("1", "-1"), ("1.0", "10"), ("7", "70"), ("cat", "dog"), ("inf", "cat"), ("nancy", "cat")])
def test_labels_that_differ_are_not_told(labels: tuple[str, ...], tmp_path: Path):
    kinds = {one.kind for one in labelled(tmp_path, *labels).findings}
    assert not kinds & {"class names alike", "missing labels"}


@pytest.mark.parametrize("case", ["one class", "one readable class", "test side only", "a name too long", "all broken"])
def test_what_training_would_refuse_ends_the_audit_with_an_error(case: str, tmp_path: Path):
    one = encoded("PNG", photo(64, 1))
    images = {"cat/1.png": one, "cat/2.png": encoded("PNG", photo(64, 2)), "dog/1.png": encoded("PNG", photo(64, 3))}
    rows = [f"{name},{name[:3]}" for name in images]
    for name, data in images.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"" if case == "all broken" or (case == "one readable class" and "dog" in name) else data)
    place: Path = tmp_path / "t.csv"
    text = {
        "one class": "path,label\n" + "\n".join(f"{name},cat" for name in images),
        "test side only": "path,label,split\n" + "\n".join(f"{row},test" for row in rows),
        "a name too long": "path,label\n" + "\n".join(f"{row}{'x' * 1200}" for row in rows),
    }.get(case, "path,label\n" + "\n".join(rows))
    place.write_text(text)
    assert obstacle(audit(place), allow_broken=True)
    place.write_text("path,label\n" + "\n".join(rows))
    for name, data in images.items():
        (tmp_path / name).write_bytes(data)
    assert not obstacle(audit(place), allow_broken=False)
