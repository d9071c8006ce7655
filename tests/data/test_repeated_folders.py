"""Folders that all hold the same folders: folds, places and sizes of one set are never read as its classes."""

import re
from pathlib import Path

import pytest
from trees import found, grow, sides

from receptron.data.dataset.scan import scan
from receptron.data.dataset.scan_options import ScanOptions
from receptron.errors import UnclearLayout

TWO = {"cat", "dog"}
REPEATED = {
    "folds with sides": ("fold_{1,2,3}/{train,val}/{cat,dog}/2",),
    "numbers with sides": ("{1,2,3}/{train,test}/{cat,dog}/2",),
    "folds with sides by other names": ("fold_{1,2}/{Training,Validation}/{cat,dog}/2",),
    "folds": ("fold_{1,2,3}/{cat,dog}/2",),
    "folds by another name": ("cv{1,2,3}/{cat,dog}/2",),
    "parts": ("split_{1,2}/{cat,dog}/2",),
    "sizes": ("{224,512}/{cat,dog}/2",),
    "places": ("site_{a,b}/{cat,dog}/2",),
    "sides in another language": ("{entrenamiento,validacion,prueba}/{cat,dog}/2",),
    "places with a folder between": ("{north,south}/images/{cat,dog}/2",),
    "places and days": ("north/{2021,2022}/{cat,dog}/2", "south/{2023,2024}/{cat,dog}/2"),
    "folds with classes in one side only": ("{a,b}/train/{cat,dog}/2", "{a,b}/test/cat/2"),
    "a rare class that one fold lacks": ("{a,b,c}/{cat,dog,owl}/2", "d/{cat,dog}/2"),
    "the second class that one fold lacks": ("{a,b,c}/{cat,dog}/2", "d/cat/2"),
    "classes with numbers": ("{north,south}/{class1,class2}/2",),
    "digits": ("fold{0,1}/{0,1,2,3}/2",),
    "patients and classes": ("patient{1,2}/{cat,dog}/2",),
    "patients and visits": ("patient{1,2}/session{1,2}/2",),
    "sides around places": ("{train,test}/{north,south}/{cat,dog}/2",),
    "below a folder alone": ("data/set/{a,b}/{cat,dog}/2",),
}


@pytest.mark.parametrize("case", REPEATED)
def test_folders_that_hold_the_same_are_refused_with_both_readings(case: str, tmp_path: Path):
    with pytest.raises(UnclearLayout) as raised:
        scan(grow(tmp_path, *REPEATED[case]))
    inner = {"cat, dog", "cat, dog, owl", "class1, class2", "0, 1, 2, 3", "session1, session2"}
    assert any(f"as parts of one set (folds, places, sizes), the classes are: {names}" in str(raised.value) for names in inner)


@pytest.mark.parametrize("case", REPEATED)
def test_every_way_on_that_is_named_works(case: str, tmp_path: Path):
    grow(tmp_path, *REPEATED[case])
    with pytest.raises(UnclearLayout) as raised:
        scan(tmp_path)
    mend = str(raised.value).partition("Mend: ")[2]
    flags = re.findall(r"--layout (\w+)", mend)
    assert flags == (["splits"] if case == "sides around places" else ["classes"])
    assert len(scan(tmp_path, ScanOptions(flags[0])).classes) > 1
    alone = re.search(r"such as ([^;]+)", mend)
    assert (alone is None) == (case == "sides around places")
    if alone:
        assert innermost(alone[1]) <= {"cat", "dog", "owl", "class1", "class2", "0", "1", "2", "3", "session1", "session2"}


def innermost(folder: str) -> set[str]:
    """Classes of a folder; where it is refused for the same reason, of the one that the refusal names."""
    try:
        return set(scan(folder).classes)
    except UnclearLayout as error:
        return innermost(re.findall(r"such as ([^;]+)", str(error))[0])


@pytest.mark.parametrize("case", [name for name in REPEATED if name != "sides around places"])
def test_the_flag_for_sides_does_not_make_folds_classes(case: str, tmp_path: Path):
    grow(tmp_path, *REPEATED[case])
    with pytest.raises(UnclearLayout):
        scan(tmp_path, ScanOptions("splits"))


@pytest.mark.parametrize("names", ["{train,val}_fold{1,2}/{cat,dog}/2", "fold{1,2,3}_{train,test}/{cat,dog}/2"])
def test_sides_of_several_folds_are_not_thrown_together(names: str, tmp_path: Path):
    with pytest.raises(UnclearLayout, match="sides of several folds") as raised:
        scan(grow(tmp_path, names))
    assert "--layout splits" not in str(raised.value)


@pytest.mark.parametrize(
    "names",
    [
        ("animals/{cat,dog}/2", "vehicles/{bus,car}/2"),
        ("animals/{cat,dog,other}/2", "vehicles/{bus,car,other}/2"),
        ("{cat,dog}/a/b/c/d/2",),
        ("{cat,dog}/images/2",),
        ("{cat,dog}/{images,masks}/2",),
        ("cat/{indoors,outdoors}/2", "dog/2"),
        ("cat/{indoors,outdoors}/2", "dog/indoors/2"),
        ("{cat,dog}/patient{1,2,3}/2",),
        ("{cat,dog}/{2021-03-01,2021-03-02}/2",),
        ("{cat,dog}/{clip_1,clip_2}/2",),
    ],
)
def test_folders_inside_that_are_no_choice_of_classes_are_passed(names: tuple[str, ...], tmp_path: Path):
    told = found(grow(tmp_path, *names))
    assert {label for label, _ in told.values()} == {path.split("/")[0] for path in told}


@pytest.mark.parametrize("names", ["{train,test}/{cat,dog}/patient{1,2}/2", "{cat,dog}/{train,test}/subject{1,2}/2"])
def test_patients_inside_classes_leave_the_sides(names: str, tmp_path: Path):
    assert sides(grow(tmp_path, names)) == {"train": TWO, "test": TWO}
