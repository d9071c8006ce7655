"""Columns of tables: names that are understood, flags that name others, two for one role refused, and what is not used told."""

import csv
import random
from pathlib import Path

import pyarrow as pa
import pytest
from malformed import encoded, photo
from pyarrow import parquet

from receptron.data.dataset.scan import scan
from receptron.data.dataset.scan_options import ScanOptions, flags_of
from receptron.data.records import Catalog, Item
from receptron.data.tables.columns import SYNONYMS, WEAK
from receptron.errors import BadTable, BadValue, ReceptronError, UnknownName
from receptron.jobs.audit import audit

CELLS = {"path": ("a.png", "b.png"), "label": ("cat", "dog"), "split": ("train", "test"), "fold": ("1", "2"), "group": ("p1", "p2")}


def write(path: Path, columns: dict[str, tuple[str, ...]] | list[tuple[str, tuple[str, ...]]]) -> Path:
    named = list(columns.items()) if isinstance(columns, dict) else columns
    if path.suffix == ".parquet":
        parquet.write_table(pa.table(dict(named)), path)
        return path
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([[name for name, _ in named], *zip(*(cells for _, cells in named), strict=True)])
    return path


def played(item: Item) -> dict[str, str | None]:
    return {"path": item.path.name, "label": item.label, "split": item.split, "fold": item.fold, "group": item.group}


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
@pytest.mark.parametrize("dress", [str, str.upper, str.title, lambda name: name.replace("_", " "), lambda name: name.replace("_", "")])
@pytest.mark.parametrize(
    "role, name", [(role, name) for role, names in SYNONYMS.items() for name in (*names, *WEAK.get(role, ())) if not name.startswith("is_")]
)
def test_a_column_by_any_of_its_names_plays_its_role(role: str, name: str, dress, ending: str, tmp_path: Path):
    table = write(tmp_path / f"t{ending}", {dress(name) if one == role else one: cells for one, cells in CELLS.items()})
    catalog = scan(table)
    assert [played(item) for item in catalog.items] == [{role: CELLS[role][i] for role in CELLS} for i in (0, 1)]
    assert catalog.columns[role] == dress(name) and catalog.unused_columns == ()


@pytest.mark.parametrize(
    "column, cells, sides",
    [
        ("is_valid", ("True", "False", "False"), ["val", "train", "train"]),
        ("is_test", ("1", "0", "0"), ["test", "train", "train"]),
        ("IsTrain", ("no", "yes", "yes"), ["test", "train", "train"]),
        ("is_val", ("0.0", "1.0", "0.0"), ["train", "val", "train"]),
        ("subset", ("Training", "VALID", "testing"), ["train", "val", "test"]),
    ],
)
def test_sides_are_said_by_words_or_by_yes_and_no(column: str, cells: tuple[str, ...], sides: list[str], tmp_path: Path):
    table = write(tmp_path / "t.csv", {"path": ("a", "b", "c"), "label": ("x", "y", "x"), column: cells})
    assert [item.split for item in scan(table).items] == sides


@pytest.mark.parametrize(
    "columns, role",
    [
        (("path", "label", "species"), "label"),
        (("file", "image", "label"), "path"),
        (("path", "label", "split", "is_valid"), "split"),
        (("path", "label", "patient_id", "site"), "group"),
        (("path", "label", "group", "patient"), "group"),
        (("id", "image_id", "label"), "path"),
        (("path", "label", "fold", "folds"), "fold"),
    ],
)
def test_two_columns_for_one_role_are_refused_until_a_flag_says_which(columns: tuple[str, ...], role: str, tmp_path: Path):
    values = {"split": ("train", "test"), "is_valid": ("0", "1")}
    table = write(tmp_path / "t.csv", {name: values.get(name, (f"{name}1", f"{name}2")) for name in columns})
    with pytest.raises(BadTable, match=f"2 columns that may be the {role}") as caught:
        scan(table)
    for name in columns:
        if f"--{role}-column {name}" in caught.value.mend:
            catalog = scan(table, ScanOptions(**{f"{role}_column": name}))
            assert catalog.columns[role] == name
            assert len(catalog.unused_columns) == 1
    assert caught.value.mend.count(f"--{role}-column") == (2 if role in ("path", "label") else 3)
    if role not in ("path", "label"):
        assert role not in scan(table, ScanOptions(**{f"{role}_column": "none"})).columns


def test_a_row_number_called_id_does_not_take_the_place_of_the_path(tmp_path: Path):
    catalog = scan(write(tmp_path / "t.csv", {"id": ("1", "2"), "filename": ("a.png", "b.png"), "label": ("x", "y")}))
    assert [item.path.name for item in catalog.items] == ["a.png", "b.png"]
    assert [one.name for one in catalog.unused_columns] == ["id"]


@pytest.mark.parametrize("case", ["exact", "another case", "over a synonym"])
def test_a_flag_names_any_column(case: str, tmp_path: Path):
    columns = {"Foto": ("a.png", "b.png"), "Art": ("cat", "dog"), "Halter": ("h1", "h2"), "label": ("1", "2")}
    given = {"exact": ("Foto", "Art", "Halter"), "another case": ("foto", "ART", "halter"), "over a synonym": ("Foto", "label", "Art")}[
        case
    ]
    options = ScanOptions(path_column=given[0], label_column=given[1], group_column=given[2])
    catalog = scan(write(tmp_path / "t.csv", columns), options)
    real = {name.casefold(): name for name in columns}
    item = catalog.items[0]
    assert (item.path.name, item.label, item.group) == tuple(columns[real[name.casefold()]][0] for name in given)
    assert catalog.group_noun == given[2].casefold() and catalog.grouped_by == f"column {real[given[2].casefold()]}"


@pytest.mark.parametrize(
    "options, error, words",
    [
        (ScanOptions(label_column="colour"), UnknownName, "no column named 'colour'"),
        (ScanOptions(label_column="none"), UnknownName, "no column named 'none'"),
        (ScanOptions(label_column="kind", group_column="kind"), BadValue, "'kind' is named for label and group"),
        (ScanOptions(root="gone"), BadValue, "--root gone is no folder"),
        (ScanOptions(suffix="a/b"), BadValue, "--suffix 'a/b' cannot end"),
        (ScanOptions("classes"), BadValue, "--layout classes is for folders"),
        (ScanOptions(ungrouped="maybe"), UnknownName, "maybe"),
        (ScanOptions(groups="person"), BadValue, "must be a list"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_what_cannot_be_meant_is_refused(options: ScanOptions, error: type[ReceptronError], words: str, tmp_path: Path):
    table = write(tmp_path / "t.csv", {"path": ("a.png",), "label": ("x",), "kind": ("k",)})
    with pytest.raises(error) as caught:
        scan(table, options)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "options", [ScanOptions(path_column="a"), ScanOptions(root="."), ScanOptions(suffix=".jpg"), ScanOptions(fold_column="f")]
)
def test_flags_of_tables_are_refused_for_folders(options: ScanOptions, tmp_path: Path):
    with pytest.raises(BadValue, match="is for tables") as caught:
        scan(tmp_path, options)
    assert flags_of(options.settings).split()[0] in caught.value.what


def test_a_missing_role_names_what_it_may_be_called_and_the_flag(tmp_path: Path):
    with pytest.raises(BadTable, match="no column path and no column label; it has photo, kind") as caught:
        scan(write(tmp_path / "t.csv", {"photo": ("a",), "kind": ("x",)}))
    assert "image_id" in caught.value.why and "species" in caught.value.why
    assert "--path-column NAME --label-column NAME" in caught.value.mend


# ids without folder or ending


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A table of ids in meta/, the files in photos/raw/."""
    (tmp_path / "photos/raw").mkdir(parents=True)
    (tmp_path / "meta").mkdir()
    for name in ("a1", "b2", "c.3"):
        (tmp_path / f"photos/raw/{name}.jpg").write_bytes(encoded("JPEG", photo(64, len(name))))
    return write(tmp_path / "meta/t.csv", {"id": ("a1", "b2", "c.3", "d4.jpg"), "label": ("x", "y", "x", "y")})


@pytest.mark.parametrize("suffix", [".jpg", "jpg", ".JPG"])
def test_root_and_suffix_find_ids(suffix: str, elsewhere: Path):
    root = elsewhere.parent.parent / "photos/raw"
    if suffix == ".JPG":
        with pytest.raises(BadTable, match="capitals differ"):
            scan(elsewhere, ScanOptions(root=root, suffix=suffix))
        return
    catalog = scan(elsewhere, ScanOptions(root=root, suffix=suffix))
    assert [item.path.name for item in catalog.items] == ["a1.jpg", "b2.jpg", "c.3.jpg", "d4.jpg"]
    assert catalog.root == root and catalog.items[0].path.is_file()


def test_no_path_leads_out_of_the_root(elsewhere: Path):
    root = elsewhere.parent.parent / "photos"
    for cell in ("../meta/t.csv", str(elsewhere), "raw/../../x"):
        with pytest.raises(BadTable, match="leads out of"):
            scan(write(elsewhere, {"id": (cell,), "label": ("x",)}), ScanOptions(root=root))


@pytest.mark.parametrize("cells, files, flags", [
    (("a", "b"), ("a.jpg", "b.jpg"), "--suffix .jpg"),
    (("a.png", "b.png"), ("in/a.png", "in/b.png"), "--root {}/in"),
    (("x/a", "x/b"), ("one/two/x/a.tif", "one/two/x/b.tif"), "--root {}/one/two --suffix .tif"),
])  # fmt: skip
def test_where_no_file_is_there_the_error_says_what_its_path_lacks(cells, files, flags: str, tmp_path: Path):
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"x")
    table = write(tmp_path / "t.csv", {"path": cells, "label": ("x", "y")})
    with pytest.raises(BadTable, match="none of the files") as caught:
        scan(table)
    assert flags.format(tmp_path) in caught.value.mend
    words = caught.value.mend.partition(": ")[2].split()
    given = dict(zip(words[::2], words[1::2], strict=True))
    catalog = scan(table, ScanOptions(root=given.get("--root"), suffix=given.get("--suffix", "")))
    assert all(item.path.is_file() for item in catalog.items)


# columns that play no role


def of(catalog: Catalog) -> dict[str, str]:
    return {one.name: one.looks_like for one in catalog.unused_columns}


def test_unused_columns_are_listed_and_those_like_groups_or_splits_marked(tmp_path: Path):
    rng, n = random.Random(0), 96
    labels = [rng.choice("xyz") for _ in range(n)]
    columns = {
        "path": [f"{i}.png" for i in range(n)],
        "label": labels,
        "who": [f"w{i // 8}" for i in range(n)],  # by its values
        "nr": [str(i // 6) for i in range(n)],
        "Animal Name": [("Rex", "Mia", "Tom")[i % 3] for i in range(n)],  # by its name
        "purpose": [("train", "val", "test")[i % 3] for i in range(n)],  # a split by its values
        "holdout": [str(i % 5 == 0) for i in range(n)],  # and by its name
        "class_number": [{"x": "0", "y": "1", "z": "2"}[label] for label in labels],
        "latin": [{"x": "felis", "y": "canis", "z": "bos"}[label] for label in labels],
        "weight": [f"{i % 7}.5" for i in range(n)],
        "sex": ["fm"[i % 2] for i in range(n)],
        "note": [f"note {i}" for i in range(n)],
        "constant": ["v1"] * n,
        "age": [str(20 + i // 5) for i in range(n)],
        "xmin": [str(i % 9) for i in range(n)],
        "category_id": [{"x": "1", "y": "2", "z": "2"}[label] for label in labels],
        "lesion_id": [f"L{i if i % 3 else i // 12}" for i in range(n)],  # most have one image
        "": [str(i) for i in range(n)],
    }
    found = of(scan(write(tmp_path / "t.csv", {name: tuple(cells) for name, cells in columns.items()})))
    assert {name for name, role in found.items() if role == "group"} == {"who", "nr", "Animal Name", "lesion_id"}
    assert {name for name, role in found.items() if role == "split"} == {"purpose", "holdout"}
    assert {name for name, role in found.items() if not role} == {
        "class_number", "latin", "weight", "sex", "note", "constant", "age", "xmin", "category_id", "column 18, without a name",
    }  # fmt: skip


def test_a_column_called_set_without_sides_is_no_split(tmp_path: Path):
    columns = {"path": ("a", "b"), "label": ("x", "y"), "set": ("7", "8")}
    catalog = scan(write(tmp_path / "t.csv", columns))
    assert not catalog.has_given_split and of(catalog) == {"set": ""}
    with pytest.raises(BadTable, match="split 'mid' is not train"):
        scan(write(tmp_path / "t.csv", columns | {"set": ("train", "mid")}))
    with pytest.raises(BadTable, match="split '7' is not train"):
        scan(write(tmp_path / "t.csv", columns), ScanOptions(split_column="set"))


def test_nested_columns_of_parquet_are_listed_and_not_read(tmp_path: Path):
    parquet.write_table(pa.table({"image": ["a", "b"], "class": ["x", "y"], "box": [[1, 2], [3, 4]]}), tmp_path / "t.parquet")
    assert of(scan(tmp_path / "t.parquet")) == {"box": ""}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """24 different images in photos/, for tables beside it."""
    (tmp_path / "photos").mkdir()
    for i in range(24):
        (tmp_path / f"photos/{i:02d}.png").write_bytes(encoded("PNG", photo(64, i)))
    return tmp_path


def test_the_audit_tells_columns_used_by_other_names_and_those_not_used(photos: Path):
    table = write(
        photos / "t.csv",
        {
            "filename": tuple(f"photos/{i:02d}.png" for i in range(24)), "species": ("cat", "dog") * 12,
            "patient_id": tuple(f"p{i // 4}" for i in range(24)), "keeper": tuple(f"k{i % 6}" for i in range(24)),
            "remark": tuple(f"r{i}" for i in range(24)),
        },
    )  # fmt: skip
    told = {(one.kind, one.severity): one for one in audit(table).findings}
    assert told["columns", "note"].message == "columns: path from filename, label from species, group from patient_id"
    assert "column keeper is not used, but looks like a group" not in str(told), "there is a group already"
    assert told["column not used", "note"].message == "2 columns not used: keeper, remark"
    assert told["groups", "note"].message.startswith("24 images from 6 patients by column patient_id; the largest has 4")
    told = {(one.kind, one.severity): one for one in audit(table, options=ScanOptions(group_column="none")).findings}
    assert "--group-column keeper" in told["column not used", "warning"].cure


TAGS = {
    "blanks": (["cat", "dog", "cat dog"], ["cat dog"]),
    "commas": (["clear", "clear, water", "water, road", "road"], ["clear, water", "water, road"]),
    "bars": (["a|b", "b|a", "c"], ["a|b", "b|a"]),
    "many": (["clear primary", "cloudy", "clear primary water", "partly primary clear", "partly clear"], None),
    "semicolons": (["x;y", "y;z", "x;z"], ["x;y", "y;z", "x;z"]),
    "a tag after a bar": (["cat", "cat|outdoor", "dog", "dog|outdoor"], ["cat|outdoor", "dog|outdoor"]),
    "a tag once": (["cat", "cat;small", "dog"], ["cat;small"]),
    "a tag before a comma": (["Cat", "young, cat", "dog"], ["young, cat"]),
    "three with bars": (["effusion", "edema|effusion|mass", "nothing"], ["edema|effusion|mass"]),
    "a tag after a blank": (["cat", "cat outdoor", "dog", "dog outdoor"], ["cat outdoor", "dog outdoor"]),
}
WHOLE = {
    "breeds": ["golden retriever", "labrador retriever", "border collie"],
    "Latin names": ["Panthera leo", "Panthera tigris", "Gorilla gorilla"],
    "colours of fruit": ["red apple", "green apple", "red pear", "green pear"],
    "single words": ["cat", "dog"],
    "a comma in one": ["cat, big", "dog"],
    "a kind of another": ["car", "police car", "bus"],
    "a kind of another, twice": ["car", "police car", "bus", "school bus"],
    "bars in all": ["dog|poodle", "dog|beagle", "cat|siamese"],
}


@pytest.mark.parametrize("name", [*TAGS, *WHOLE])
def test_labels_that_look_like_several_are_told_and_names_of_two_words_are_not(name: str, photos: Path):
    labels, expected = TAGS[name] if name in TAGS else (WHOLE[name], [])
    cells = tuple(labels[i % len(labels)] for i in range(24))
    table = write(photos / "t.csv", {"path": tuple(f"photos/{i:02d}.png" for i in range(24)), "label": cells})
    found = [one for one in audit(table).findings if one.kind == "several labels"]
    assert bool(found) == (name in TAGS)
    if found and expected:
        assert sorted(found[0].labels) == sorted(expected)


MIXED = ("a.JPG", "b.png", "c.jpeg", "d.Png")


@pytest.mark.parametrize("folder", ["", "mix/", "far/mix/"])
@pytest.mark.parametrize("names", [MIXED[:2], MIXED, MIXED[2:]])
def test_ids_of_files_with_different_endings_are_found_as_the_refusal_says(names: tuple[str, ...], folder: str, tmp_path: Path):
    for name in names:
        (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / name).write_bytes(b"x")
    table = write(tmp_path / "t.csv", {"id": tuple(Path(name).stem for name in names), "label": ("cat", "dog", "cat", "dog")[: len(names)]})
    with pytest.raises(BadTable, match="--suffix any") as caught:
        scan(table)
    root = tmp_path / folder if folder else None
    assert (f"--root {root}".rstrip("/") in caught.value.mend) == bool(folder)
    assert [item.path.name for item in scan(table, ScanOptions(root=root, suffix="any")).items] == sorted(names)
    with pytest.raises(BadTable, match="not end in") as caught:
        scan(table, ScanOptions(root=root, suffix=Path(names[0]).suffix))
    assert "--suffix any" in caught.value.mend, "half of them are not silently lost"


def test_an_id_that_fits_two_files_is_a_fault_with_its_line_and_one_that_fits_none_is_missing(tmp_path: Path):
    for name in ("a.jpg", "b.jpg", "b.png", "c.txt"):
        (tmp_path / name).write_bytes(b"x")
    table = write(tmp_path / "t.csv", {"id": ("a", "b"), "label": ("cat", "dog")})
    with pytest.raises(BadTable, match=r"line 3: b may be b\.jpg or b\.png"):
        scan(table, ScanOptions(suffix="any"))
    table = write(tmp_path / "u.csv", {"id": ("a", "c", "a.jpg"), "label": ("cat", "dog", "cat")})
    assert [item.path.name for item in scan(table, ScanOptions(suffix="any")).items] == ["a.jpg", "c"]
    with pytest.raises(BadTable, match="leads out"):
        scan(write(tmp_path / "v.csv", {"id": ("../a",), "label": ("cat",)}), ScanOptions(suffix="any"))


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("again", [("00.png",), ("./01.png", "00.png"), ("x/../02.png",) * 3, ()])
def test_rows_that_say_the_same_again_count_once_and_are_told(again: tuple[str, ...], ending: str, photos: Path):
    names = tuple(f"{i:02d}.png" for i in range(24))
    (photos / "photos/x").mkdir()
    label = {name: ("cat", "dog")[i % 2] for i, name in enumerate(names)}
    labels = tuple(label[name.rpartition("/")[2]] for name in names + again)
    found = audit(write(photos / f"photos/t{ending}", {"path": names + again, "label": labels}))
    told = [one for one in found.findings if one.kind == "repetitions of others"]
    assert found.images == 24
    if not again:
        assert told == []
        return
    assert [one.severity for one in told] == ["note"] and told[0].files == (f"t{ending}",)
    assert told[0].message == f"{len(again)} row{'s' * (len(again) > 1)} not used: repetitions of others"
    assert ("line 26 repeats 2" if ending == ".csv" else "row 25 repeats 1") in told[0].notes[0] or again[0] != "00.png"


SPLITS = {
    "Usage": ("Training", "Training", "PublicTest", "PrivateTest"),
    "phase": ("train2017", "val2017", "train2017", "test2017"),
    "partition": ("Training Set", "Test Set", "Training Set", "Training Set"),
    "part": ("my_train", "my_train", "train", "Validation"),
    "stage": ("train", "train", "train", "train", "train", "train", "train", "test", "test", "extra"),
}


@pytest.mark.parametrize("name", SPLITS)
def test_a_column_that_sounds_like_a_split_is_warned_of_and_the_cure_works(name: str, photos: Path):
    cells = tuple(SPLITS[name][i % len(SPLITS[name])] for i in range(24))
    paths, labels = tuple(f"photos/{i:02d}.png" for i in range(24)), tuple(("cat", "dog")[i // 2 % 2] for i in range(24))
    table = write(photos / "t.csv", {"path": paths, "label": labels, name: cells})
    told = [one for one in audit(table).findings if one.kind == "column not used"]
    assert [(one.severity, f"column {name} is not used, but looks like a split" in one.message) for one in told] == [("warning", True)]
    if name == "stage":
        with pytest.raises(BadTable, match="split 'extra' is not train, val or test"):
            scan(table, ScanOptions(split_column=name))
        return
    sides = {item.split for item in scan(table, ScanOptions(split_column=name)).items}
    assert (
        sides
        == {"Usage": {"train", "test"}, "phase": {"train", "val", "test"}, "partition": {"train", "test"}, "part": {"train", "val"}}[name]
    )


@pytest.mark.parametrize("cells", [("test tube", "flask"), ("trainer", "player"), ("no test", "not for training"), ("untested", "trained")])
def test_words_that_are_no_sides_are_no_split(cells: tuple[str, str], photos: Path):
    paths, labels = tuple(f"photos/{i:02d}.png" for i in range(24)), tuple(("cat", "dog")[i // 2 % 2] for i in range(24))
    found = audit(write(photos / "t.csv", {"path": paths, "label": labels, "kind": cells * 12}))
    assert not [one for one in found.findings if "looks like a split" in one.message]
