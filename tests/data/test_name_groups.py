"""Groups from the names of files: expressions, presets, what they do not fit, and names that suggest them."""

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from malformed import encoded, photo
from PIL import Image
from trees import grow

from receptron.data.dataset.name_groups import folders_below_class, name_pattern
from receptron.data.dataset.scan import scan
from receptron.data.dataset.scan_options import ScanOptions, flags_of
from receptron.data.records import Item
from receptron.errors import BadValue
from receptron.jobs.audit import audit
from shell import run


def groups(root: Path, *given: str, ungrouped: str = "refuse") -> dict[str, str | None]:
    catalog = scan(root, ScanOptions(groups=given, ungrouped=ungrouped))
    return {item.path.relative_to(root).as_posix(): item.group for item in catalog.items}


PATTERNS = {
    r"person(\d+)_": {"a/person1_x_1.png": "1", "a/person12_x_2.png": "12", "b/person1_y_3.png": "1"},
    r"^\d{3}": {"a/001-1.png": "001", "b/001-2.png": "001", "b/002-9.png": "002"},
    r"(\w+)-\d+-(\w+)": {"a/x-1-l.png": "x-l", "a/x-2-l.png": "x-l", "b/x-3-r.png": "x-r"},
    r"p(\d+)_|(\d+)\.": {"a/p1_x.png": "1", "b/1.png": "1", "b/2.png": "2"},
    r"([^/]+)/[^/]+$": {"a/m1/1.png": "m1", "a/m1/2.png": "m1", "b/m2/1.png": "m2"},
    r"(?P<animal>[A-Z]\d)": {"a/K1.png": "K1", "b/K1-.png": "K1", "b/L2.png": "L2"},
}


@pytest.mark.parametrize("given", PATTERNS)
def test_what_the_brackets_catch_is_the_group(given: str, tmp_path: Path):
    grow(tmp_path, *PATTERNS[given])
    assert groups(tmp_path, given) == PATTERNS[given]


@pytest.mark.parametrize(
    "preset, names, noun",
    [
        ("patient", {"person1000_b_2.jpg": "1000", "Patient-07_a.png": "07", "scan_subject12.png": "12", "case_3.tif": "3"}, "patient"),
        ("clip", {"clip007_0012.png": "clip007", "vid1-frame-003.png": "vid1", "a2.b_17.jpg": "a2.b"}, "clip"),
        ("burst", {"IMG_20190101_120000_BURST001.jpg": "20190101_120000", "x_BURST20190101120000123.jpg": "20190101120000123"}, "burst"),
        ("day", {"IMG_20240131_120000.jpg": "20240131", "2024-01-31 b.jpg": "2024-01-31"}, "day"),
    ],
)  # fmt: skip
def test_presets_find_what_they_are_called_for(preset: str, names: dict[str, str], noun: str):
    pattern = name_pattern(preset)
    assert {name: pattern.group(f"class9/{name}") for name in names} == names
    assert pattern.noun == noun


@pytest.mark.parametrize(
    "preset, name", [("patient", "suitcase12.png"), ("patient", "person.png"), ("clip", "IMG_0001.jpg"), ("day", "10466290366_cc72e.jpg")]
)
def test_presets_find_nothing_elsewhere(preset: str, name: str):
    assert name_pattern(preset).group(name) == ""


@pytest.mark.parametrize("given, noun", [(r"person(\d+)", "person"), (r"(?P<horse>h\d)", "horse"), (r"(\d+)", "group"), ("burst", "burst")])
def test_a_group_is_called_what_the_expression_says(given: str, noun: str):
    assert name_pattern(given).noun == noun


@pytest.mark.parametrize("given", ["(", "[a", "*", "(?P<x", ""])
def test_what_is_no_expression_is_refused(given: str):
    with pytest.raises(BadValue, match="--group"):
        name_pattern(given)


BELOW = {
    "on sides": ("train/cat/patient3/0.png", "cat", ("patient3",)),
    "on wrapped sides": ("set/train/images/cat/patient3/left/0.png", "cat", ("left", "patient3")),
    "with sides inside": ("cat/train/patient3/0.png", "cat", ("patient3",)),
    "without sides": ("cat/a/b/0.png", "cat", ("b", "a")),
    "right in the class": ("cat/0.png", "cat", ()),
    "in a table": ("images/patient3/0.png", "cat", ("patient3", "images")),
}


@pytest.mark.parametrize("case", BELOW)
def test_folders_between_class_and_file(case: str):
    path, label, expected = BELOW[case]
    item = Item(Path("/r") / path, label, "train" if "train" in path else None)
    assert folders_below_class(item, Path("/r")) == expected


FOLDERS = {
    r"patient(\d+)": {"train/cat/patient3/0.png": "3", "test/cat/patient3/0.png": "3", "test/dog/patient4/a/0.png": "4"},
    "patient": {"cat/subject_7/0.png": "7", "dog/subject_7/0.png": "7", "dog/Patient 08/0.png": "08"},
    "clip": {"cat/clip_01/0001.png": "clip_01", "cat/video2/0001.png": "video2", "dog/seq-3/0001.png": "seq-3"},
    "day": {"cat/2024-01-31/0.png": "2024-01-31", "dog/20240131/0.png": "20240131"},
    "burst": {"cat/burst_1/0.png": "1", "dog/burst2/0.png": "2"},
    r"^K\d+$": {"cat/K1/0.png": "K1", "cat/K2/K9.png": "K2", "dog/K1/0.png": "K1"},
    r"p(\d+)": {"cat/p1/p2.png": "2", "cat/p1/x.png": "1", "dog/p3/x.png": "3"},
}


@pytest.mark.parametrize("given", FOLDERS)
def test_folders_below_the_class_tell_where_the_name_of_the_file_does_not(given: str, tmp_path: Path):
    grow(tmp_path, *FOLDERS[given])
    assert groups(tmp_path, given) == FOLDERS[given]


@pytest.mark.parametrize("names", [("person1/{0,1}.png", "person2/{0,1}.png"), ("train/{cat1,cat2}/0.png", "test1/{cat1,cat2}/0.png")])
def test_the_folder_of_the_class_or_the_side_is_no_group(names: tuple[str, ...], tmp_path: Path):
    grow(tmp_path, *names)
    with pytest.raises(BadValue, match="fits nothing in the names of 4 of 4") as raised:
        groups(tmp_path, r"(?:person|cat|test)(\d+)")
    assert "in the folders below that of the class" in raised.value.why


def test_folders_of_a_table_tell_too(tmp_path: Path):
    grow(tmp_path, "images/patient{1,2}/2")
    rows = "".join(f"images/patient{p}/{i}.png,{'cat' if i else 'dog'}\n" for p in (1, 2) for i in (0, 1))
    (tmp_path / "t.csv").write_text(f"path,label\n{rows}")
    assert sorted(item.group or "" for item in scan(tmp_path / "t.csv", ScanOptions(groups=("patient",))).items) == ["1", "1", "2", "2"]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Two classes with persons in their names, two without; all images differ."""
    for i in range(12):
        for label, name in (("sick", f"person{i // 3}_{i}"), ("ill", f"person{i // 3 + 2}_{i}"), ("well", f"IM-{i}"), ("fine", f"x{i}")):
            path = tmp_path / label / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encoded("PNG", photo(64, i + 100 * len(label) + 1000 * ord(label[0]))))
    return tmp_path


def test_images_that_nothing_fits_are_refused_with_count_classes_and_three_names(mixed: Path):
    with pytest.raises(BadValue, match="fits nothing in the names of 24 of 48 images") as caught:
        groups(mixed, r"person(\d+)_")
    assert "fine (12), well (12)" in caught.value.why and caught.value.why.count(".png") == 3
    assert "--ungrouped own" in caught.value.mend
    with pytest.raises(BadValue, match="12 of 48 images") as caught:
        groups(mixed, r"person(\d+)_", r"IM-(\d+)")
    assert "fine (12)" in caught.value.why and "well" not in caught.value.why


def test_an_expression_that_fits_nothing_at_all_is_refused_even_so(mixed: Path):
    with pytest.raises(BadValue, match="48 of 48 images") as caught:
        groups(mixed, "nobody", ungrouped="own")
    assert "--ungrouped" not in caught.value.mend


def test_numbers_of_two_expressions_are_never_one_group(mixed: Path):
    found = groups(mixed, r"person(\d+)_", r"IM-(\d+)", r"^x(\d+)")
    assert found["sick/person1_3.png"] == "1:1" != found["well/IM-1.png"] == "2:1" != found["fine/x1.png"]
    assert found["ill/person2_0.png"] == found["sick/person2_6.png"], "one person in two classes"


def test_ungrouped_images_stand_alone_and_a_gathering_is_warned_of(mixed: Path):
    found = groups(mixed, r"person(\d+)_", ungrouped="own")
    assert sum(group is None for group in found.values()) == 24
    told = {one.kind: one for one in audit(mixed, options=ScanOptions(groups=(r"person(\d+)_",), ungrouped="own")).findings}
    alone = told["images without a group"]
    assert alone.severity == "warning" and set(alone.labels) == {"well", "fine"}
    assert "24 images of 48" in alone.message and "well (12 of 12)" in alone.message
    assert "24 images from 6 persons by --group person(\\d+)_; the largest has 6" in told["groups"].message


def test_images_that_stand_alone_in_every_class_are_a_note(mixed: Path):
    for label in ("sick", "ill", "well", "fine"):
        for old in list((mixed / label).iterdir()):
            old.rename(old.with_name(f"person{sum(old.name.encode()) % 9}_{old.name[-6:]}" if "2" not in old.name else f"z{old.name[-6:]}"))
    told = {one.kind: one for one in audit(mixed, options=ScanOptions(groups=(r"person(\d+)_",), ungrouped="own")).findings}
    assert told["images without a group"].severity == "note"


def test_groups_of_one_image_each_are_warned_of(mixed: Path):
    told = {one.kind for one in audit(mixed, options=ScanOptions(groups=(r"(.*)\.png",))).findings}
    assert "groups of one" in told


def test_a_column_and_names_do_not_both_say_the_group(tmp_path: Path):
    (tmp_path / "t.csv").write_text("path,label,patient\nperson1_1.png,x,7\nperson2_1.png,y,8\n")
    with pytest.raises(BadValue, match="--group patient and column patient both"):
        scan(tmp_path / "t.csv", ScanOptions(groups=("patient",)))
    catalog = scan(tmp_path / "t.csv", ScanOptions(groups=("patient",), group_column="none"))
    assert [item.group for item in catalog.items] == ["1", "2"]


# suggestions


def frames(root: Path, name: str, clips: int, length: int, *, alike: bool) -> Path:
    """Clips of two classes whose frames are one picture, moved by a pixel each, or pictures of their own."""
    rng = np.random.default_rng(0)
    for clip in range(clips):
        still = Image.fromarray(rng.integers(0, 256, (8, 9, 3), np.uint8)).resize((120, 100), Image.Resampling.BICUBIC)
        for i in range(length):
            shown = (
                still if alike else Image.fromarray(rng.integers(0, 256, (8, 9, 3), np.uint8)).resize((120, 100), Image.Resampling.BICUBIC)
            )
            path = root / "ab"[clip % 2] / name.format(clip=clip, i=i)
            path.parent.mkdir(parents=True, exist_ok=True)
            moved = np.roll(np.asarray(shown), (3 * i, 4 * i), (0, 1)).astype(int) + rng.integers(0, 40, (100, 120, 3))
            Image.fromarray(moved.clip(0, 255).astype(np.uint8)).save(path)
    return root


@pytest.mark.parametrize("name, alike, preset", [
    ("clip{clip:02d}_{i:04d}.png", True, "clip"), ("v{clip}-frame-{i}.png", True, "clip"), ("2024_{clip}.{i}.png", True, "clip"),
    ("clip{clip:02d}_{i:04d}.png", False, None), ("IMG_{clip}{i:03d}.png", True, None),
    ("person{clip}_{i}.png", False, "patient"), ("subject-{clip} ({i}).png", True, "patient"),
])  # fmt: skip
def test_names_with_numbered_stems_suggest_a_group_where_neighbours_look_alike(name: str, alike: bool, preset: str | None, tmp_path: Path):
    found = [one for one in audit(frames(tmp_path, name, 10, 5, alike=alike)).findings if one.kind == "groups in names"]
    assert [one.severity for one in found] == (["warning"] if preset else [])
    if preset:
        assert f"--group {preset};" in found[0].cure and "50 of 50 images" in found[0].message
        assert not [
            one for one in audit(tmp_path, options=ScanOptions(groups=(preset,))).findings if one.kind == "groups in names"
        ]  # fmt: skip


def nested(root: Path, *places: str) -> Path:
    """Different pictures, three in each of these folders."""
    for number, place in enumerate(places):
        (root / place).mkdir(parents=True)
        for i in range(3):
            (root / place / f"{i}.png").write_bytes(encoded("PNG", photo(64, 10 * number + i)))
    return root


IN_FOLDERS = {
    "patients on both sides": ([f"{side}/{label}/patient{n}" for side, n in (("train", 1), ("train", 3), ("test", 3), ("test", 4))
                                for label in ("cat", "dog")], r"^patient(\d+)$"),
    "subjects in several classes": ([f"{label}/subject{n}" for label in ("cat", "dog") for n in range(4)], "patient"),
    "animals on both sides": ([f"{side}/{label}/{name}" for side, name in (("train", "K1"), ("train", "K2"), ("test", "K2"), ("test", "K3"))
                               for label in ("cat", "dog")], r"^K(\d+)$"),
    "letters and numbers": ([f"{side}/{label}/{name}" for side, name in (("train", "a1x"), ("train", "b2"), ("test", "b2"), ("test", "c3"))
                             for label in ("cat", "dog")], r"^([^.]*\d[^.]*)$"),
    "numbers alone": ([f"{label}/{n}" for label in ("cat", "dog") for n in range(4)], r"^(\d+)$"),
}  # fmt: skip


@pytest.mark.parametrize("case", IN_FOLDERS)
def test_numbered_folders_in_several_classes_or_on_several_sides_suggest_a_group_that_works(case: str, tmp_path: Path):
    places, given = IN_FOLDERS[case]
    options = ScanOptions("splits" if places[0].startswith("train") else "classes")
    (one,) = [found for found in audit(nested(tmp_path, *places), options=options).findings if found.kind == "groups in names"]
    assert shlex.join(["--group", given]) in one.cure and one.severity == "warning"
    catalog = scan(tmp_path, replace(options, groups=(given,)))
    assert len({item.group for item in catalog.items}) == len({Path(place).name for place in places})
    told = {found.kind for found in audit(tmp_path, options=replace(options, groups=(given,))).findings}
    assert ("groups across given sides" in told) == (options.layout == "splits") and "groups in names" not in told


@pytest.mark.parametrize("places", [
    ["cat/K1", "cat/K2", "dog/K3", "dog/K4"], ["cat/left", "cat/right", "dog/left", "dog/right"], ["cat", "dog"],
    ["class1", "class2"], ["train/class1", "train/class2", "test/class1", "test/class2"],
])  # fmt: skip
def test_folders_that_are_in_one_class_only_or_have_no_number_suggest_nothing(places: list[str], tmp_path: Path):
    options = ScanOptions("splits" if places[0].startswith("train") else "classes")
    assert "groups in names" not in {found.kind for found in audit(nested(tmp_path, *places), options=options).findings}


def test_the_next_command_carries_every_flag(mixed: Path):
    done = run("audit", mixed, "--group", r"person(\d+)_", "--group", "IM-", "--ungrouped", "own", "--layout", "classes")
    told = " ".join(done.out.split())
    assert f"receptron train {mixed} --layout classes --group 'person(\\d+)_' --group IM- --ungrouped own" in told


def test_flags_of_settings_are_those_that_were_given():
    options = ScanOptions(path_column="my file", root="/a b", suffix=".jpg", groups=(r"a(\d) b", "clip"), ungrouped="own")
    assert (
        flags_of(options.settings) == r"--path-column 'my file' --root '/a b' --suffix .jpg --group 'a(\d) b' --group clip --ungrouped own"
    )


@pytest.mark.shared
def test_x_rays_with_patients_in_their_names(shared: Path):
    root = shared / "data/chest_xray"
    with pytest.raises(BadValue, match=r"759 of 1,959 images") as caught:
        scan(root, ScanOptions(groups=(r"person(\d+)_",)))
    assert "COVID (159), NORMAL (600)" in caught.value.why
    catalog = scan(root, ScanOptions(groups=(r"person(\d+)_",), ungrouped="own"))
    counted = {path.name.partition("_")[0] for path in root.rglob("person*_*.jpg")}
    assert len({item.group for item in catalog.items if item.group}) == len(counted)
