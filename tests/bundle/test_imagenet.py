"""Folders called by WordNet id, name or number mean the classes that torchvision lists; names of two classes mean none."""

import pytest

from oracles import declare_schemas
from receptron.bundle import imagenet


def test_names_stand_in_torchvisions_order():
    declare_schemas()
    from torchvision.models._meta import _IMAGENET_CATEGORIES as theirs

    assert [name for _, name in imagenet.classes()] == theirs
    ids = [wordnet for wordnet, _ in imagenet.classes()]
    assert ids == sorted(set(ids)) and len(ids) == 1000


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("n01440764", 0), ("n01440764_tench", 0), ("tench", 0), ("0", 0), ("Great_White-Shark", 2), ("great white shark", 2), ("999", 999),
        ("crane bird", 134), ("crane", None), ("Cardigan", None), ("maillot", None), ("1000", None), ("-1", None), ("n00000000", None),
        ("cat", None), ("", None), ("²", None),
    ],
)  # fmt: skip
def test_a_folder_means_a_class_or_none(text: str, place: int | None):
    assert imagenet.place_of(text) == place


def test_every_class_is_found_by_its_id_number_and_name():
    for place, (wordnet, name) in enumerate(imagenet.classes()):
        assert imagenet.place_of(wordnet) == imagenet.place_of(str(place)) == place
        assert imagenet.place_of(name) == (None if name.lower() in imagenet.AMBIGUOUS else place)
