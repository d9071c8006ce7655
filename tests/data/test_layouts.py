"""What folders mean: classes, sides of a split around or inside classes, wrappers; and what is not certain is refused with its readings."""

from pathlib import Path

import pytest
from trees import found, grow, sides

from receptron.data.dataset.layout import CLASSES, SPLITS, SPLITS_INSIDE
from receptron.data.dataset.scan import scan
from receptron.data.dataset.scan_options import ScanOptions
from receptron.data.dataset.side_names import side_of
from receptron.data.unused import UnusedKind
from receptron.errors import BadValue, NoImages, UnclearLayout, UnknownName

TWO = {"cat", "dog"}


@pytest.mark.parametrize(
    ("name", "side"),
    [
        *((name, "train") for name in ("train", "TRAIN", "Training", "train2017", "train_set", "Training Set", "01-train", "trainset")),
        *((name, "train") for name in ("my_train", "seg_train", "trainval", "train-val2012", "train_images", "TrainData", "train.v2")),
        *((name, "val") for name in ("val", "valid", "validation", "Val2017", "dev", "dev-set", "eval", "VALIDATION_DATA", "x_val")),
        *((name, "test") for name in ("test", "testing", "test1", "Test Set", "testset", "seg_test", "seg_pred", "pred", "test-dev2017")),
        *((name, None) for name in ("trainers", "trains", "contest", "valley", "devil", "greatest", "evaluate_me", "cat", "", "2017")),
        *((name, None) for name in ("train_test_split", "restrained", "protest", "predator", "testudo", "valve", "medieval")),
    ],
)
def test_names_of_sides(name: str, side: str | None):
    assert side_of(name) == side


@pytest.mark.parametrize(
    ("train", "test"),
    [
        *(("train", name) for name in ("val", "valid", "Validation", "test", "Test", "testing", "dev", "eval")),
        *(("train2017", "val2017"), ("Training Set", "Test Set"), ("01-train", "02-test"), ("seg_train", "seg_pred")),
        *(("my_train", "test"), ("TRAIN", "TEST"), ("pets_train_v1", "pets_test_v1"), ("train", "test_a")),
    ],
)
def test_sides_with_classes_inside(train: str, test: str, tmp_path: Path):
    grow(tmp_path, f"{train}/{{cat,dog}}/2", f"{test}/{{cat,dog}}/1")
    expected = "val" if side_of(test) == "val" else "test"
    assert sides(tmp_path) == {"train": TWO, expected: TWO}
    assert scan(tmp_path).layout == SPLITS


@pytest.mark.parametrize(
    "around", ["photos", "data/set1", "a/b/c/d", "images", "train_test_split", "dataset/dataset"]
)  # fmt: skip
@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (("train/{cat,dog}/2", "test/{cat,dog}/1"), {"train": TWO, "test": TWO}),
        (("{cat,dog}/{train,val}/2",), {"train": TWO, "val": TWO}),
        (("{cat,dog}/2",), {None: TWO}),
        (("train/{cat,dog}/2",), {"train": TWO}),
    ],
)
def test_superfluous_folders_around_are_passed_through(around: str, inside: tuple[str, ...], expected: object, tmp_path: Path):
    grow(tmp_path / around, *inside)
    assert sides(tmp_path) == expected


@pytest.mark.parametrize(
    "names",
    [
        ("train/images/{cat,dog}/2", "test/images/{cat,dog}/1"),
        ("train/train/{cat,dog}/2", "test/test/{cat,dog}/1"),
        ("train/{cat,dog}/2", "test/images/{cat,dog}/1"),
        ("train/data/a/{cat,dog}/2", "test/{cat,dog}/1"),
        ("images/train/{cat,dog}/2", "images/test/{cat,dog}/1"),
    ],
)
def test_superfluous_folders_between_side_and_class_are_passed_through(names: tuple[str, ...], tmp_path: Path):
    assert sides(grow(tmp_path, *names)) == {"train": TWO, "test": TWO}


@pytest.mark.parametrize("pair", ["train,test", "train,val,test", "Training,Validation", "train_2020,test_2021", "train,dev"])
def test_sides_inside_classes(pair: str, tmp_path: Path):
    grow(tmp_path, f"{{cat,dog}}/{{{pair}}}/2", "cat/train/deep/er/1")
    told = scan(tmp_path)
    assert told.layout == SPLITS_INSIDE
    assert told.classes == ("cat", "dog")
    assert {item.split for item in told.items} == {side_of(name) for name in pair.split(",")}
    assert all(item.split == side_of(item.path.relative_to(tmp_path).parts[1]) for item in told.items)


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (("{train,bus,car}/2",), {"train", "bus", "car"}),
        (("{test,control}/2",), {"test", "control"}),
        (("test/day1/2", "control/2"), {"test", "control"}),
        (("{cat,dog,test}/2",), {"cat", "dog", "test"}),
        (("{trains,buses}/2",), {"trains", "buses"}),
        (("train/{freight,fast}/2", "bus/{city,coach}/2", "car/{old,new}/2"), {"train", "bus", "car"}),
        (("{valley,hill}/2",), {"valley", "hill"}),
        (("cat/indoors/2", "cat/outdoors/far/2", "dog/2"), TWO),
        (("{cat,dog}/a/b/c/d/2",), TWO),
        (("{1,2,3}/2",), {"1", "2", "3"}),
    ],
)
def test_classes_that_are_called_like_a_side_or_hold_folders_are_classes(names: tuple[str, ...], classes: set[str], tmp_path: Path):
    told = scan(grow(tmp_path, *names))
    assert (set(told.classes), told.layout) == (classes, CLASSES)
    assert told.side_like == tuple(sorted(name for name in classes if side_of(name)))


UNCLEAR = {
    "flat sides": ("train/2", "test/2"),
    "flat sides with years": ("train2017/2", "val2017/2"),
    "flat sides below images": ("images/{train,val}/2",),
    "flat sides with a wrapper each": ("{train,test}/images/2",),
    "one flat side": ("train/2",),
    "flat train, labelled test": ("train/2", "test/{cat,dog}/2"),
    "no side for training": ("val/{cat,dog}/2", "test/{cat,dog}/2"),
    "a lone test": ("test/{cat,dog}/2",),
    "sides and one class": ("train/{cat,dog}/2", "test/{cat,dog}/2", "bird/2"),
    "sides and one folder of sides' classes": ("train/{cat,dog}/2", "test/{cat,dog}/2", "more/{cat,dog}/2"),
    "train and one more": ("train/{cat,dog}/2", "more/2"),
    "flat sides and a class": ("train/2", "test/2", "cat/2"),
    "train and what is not labelled": ("train/2", "unlabeled/2"),
    "classes with a test of the same": ("{cat,dog}/2", "test/{cat,dog}/2"),
    "names that only begin like sides": ("train_station/2", "test_tube/2"),
    "sides without a class in common": ("train/{cat,dog}/2", "test/{ant,bee}/2"),
    "domains": ("{trainA,trainB,testA,testB}/2",),
    "images and masks": ("images/2", "masks/2"),
    "images and masks on a side": ("train/{image,label}/2",),
    "images and masks on each side": ("{train,test}/{images,masks}/2",),
    "folds of other classes": ("fold_1/{cat,dog}/2", "fold_2/{ant,bee}/2"),
    "folds without classes": ("fold_{1,2,3}/2",),
    "words that are unknown beside a side": ("train/{cat,dog}/2", "prueba/{cat,dog}/2"),
    "sides inside one class only": ("cat/{train,test}/2", "dog/2"),
    "sides inside, images beside them": ("{cat,dog}/{train,test}/2", "cat/2"),
    "sides inside, none for training": ("{cat,dog}/{val,test}/2",),
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_what_is_not_certain_is_refused_with_its_readings(case: str, tmp_path: Path):
    grow(tmp_path, *UNCLEAR[case])
    with pytest.raises(UnclearLayout) as raised:
        scan(tmp_path)
    assert "as classes, they are: " in str(raised.value)
    assert "as sides of a split, the classes are: " in str(raised.value)
    several = len([*tmp_path.iterdir()]) > 1 or case == "flat sides below images"
    assert ("--layout splits" in str(raised.value)) == ("none, for" not in str(raised.value))
    assert ("--layout classes" in str(raised.value)) == several


@pytest.mark.parametrize("case", UNCLEAR)
def test_the_flag_decides_what_is_not_certain(case: str, tmp_path: Path):
    grow(tmp_path, *UNCLEAR[case])
    assert scan(tmp_path, ScanOptions("classes")).layout == CLASSES
    assert not scan(tmp_path, ScanOptions("classes")).has_given_split
    try:
        told = scan(tmp_path, ScanOptions("splits"))
    except (UnclearLayout, NoImages):
        return  # there are no sides, or no classes in them
    assert told.has_given_split
    assert not any(side_of(label) for label in told.classes)


def test_with_the_flag_the_readings_are_those_that_were_named(tmp_path: Path):
    grow(tmp_path, "train/{cat,dog}/2", "test/{cat,dog}/2", "bird/3")
    assert sides(tmp_path, "classes") == {None: {"train", "test", "bird"}}
    assert sides(tmp_path, "splits") == {"train": TWO, "test": TWO}
    (left,) = scan(tmp_path, ScanOptions("splits")).unused
    assert (left.path, left.kind, left.count) == ("bird/", UnusedKind.OUTSIDE, 3)
    with pytest.raises(UnknownName, match="layout"):
        scan(tmp_path, ScanOptions("folders"))


def test_the_flag_is_refused_for_a_table(tmp_path: Path):
    grow(tmp_path, "a.png")
    (tmp_path / "t.csv").write_text("path,label\na.png,cat\n")
    with pytest.raises(BadValue, match="is for folders"):
        scan(tmp_path / "t.csv", ScanOptions("splits"))


@pytest.mark.parametrize("flat", ["test/3", "test/images/3", "test/unknown/3", "test/test/3", "seg_pred/3"])
def test_an_unlabelled_side_beside_a_labelled_one_is_left_out_and_told(flat: str, tmp_path: Path):
    grow(tmp_path, "train/{cat,dog}/2", flat)
    told = scan(tmp_path)
    assert {item.split for item in told.items} == {"train"}
    assert told.classes == ("cat", "dog")
    (left,) = told.unused
    assert (left.path, left.kind, left.count) == (f"{flat.split('/')[0]}/", UnusedKind.UNLABELLED, 3)


def test_a_side_of_one_class_that_training_has_is_labelled(tmp_path: Path):
    grow(tmp_path, "train/{cat,dog}/2", "test/cat/2")
    assert found(tmp_path)["test/cat/0.png"] == ("cat", "test")


def test_annotations_beside_the_sides_are_told(tmp_path: Path):
    grow(tmp_path, "images/train/{cat,dog}/2", "images/val/{cat,dog}/1")
    for side in ("train", "val"):
        for index in range(30 if side == "train" else 2):
            (tmp_path / f"labels/{side}").mkdir(parents=True, exist_ok=True)
            (tmp_path / f"labels/{side}/{index:02d}.txt").write_text("0 0.5 0.5 1 1")
    assert sides(tmp_path) == {"train": TWO, "val": TWO}
    told = {one.path: (one.kind, one.count) for one in scan(tmp_path).unused}
    no = UnusedKind.NO_IMAGE
    assert told == {"labels/train/*.txt": (no, 30), "labels/val/00.txt": (no, 1), "labels/val/01.txt": (no, 1)}


@pytest.mark.parametrize("given", ["valid/2", "valid/2;dev/2", "train/2;valid/{cat,dog}/2"])
def test_one_side_sounds_and_several_sound(given: str, tmp_path: Path):
    with pytest.raises(UnclearLayout) as raised:
        scan(grow(tmp_path, *given.split(";")))
    assert ("sounds like a side" in str(raised.value)) == (given != "valid/2;dev/2")


@pytest.mark.parametrize("name", ["validate", "vld", "hold-out", "Held_Out", "tst", "holdout"])
def test_further_words_for_sides(name: str, tmp_path: Path):
    expected = "val" if name in ("validate", "vld") else "test"
    assert sides(grow(tmp_path, "trn/{cat,dog}/2", f"{name}/{{cat,dog}}/1")) == {"train": TWO, expected: TWO}


@pytest.mark.parametrize("stranger", ["prueba", "more", "train_test_split"])
def test_a_folder_beside_the_sides_that_holds_their_classes_is_to_be_renamed(stranger: str, tmp_path: Path):
    grow(tmp_path, "train/{cat,dog}/2", "test/{cat,dog}/2", f"{stranger}/{{cat,dog}}/3")
    with pytest.raises(UnclearLayout, match=f"call {stranger} train, val or test if that is a side"):
        scan(tmp_path)
    (left,) = scan(tmp_path, ScanOptions("splits")).unused
    assert (left.path, left.kind, left.count) == (f"{stranger}/", UnusedKind.NO_SIDE, 6)
    assert "call them train, val or test" in left.kind.cure
