"""Folds that a table gives: taken as they are, copies and groups kept together, and no test side cut out of them."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from test_split import clusters, entry

from receptron.data.dataset.scan import scan
from receptron.data.records import Entry
from receptron.data.splitting.folds import folds
from receptron.data.splitting.given_folds import check_folds, cross_validated
from receptron.data.splitting.split import split
from receptron.errors import BadValue


def folded(names: list[str | None], group: list[str] | None = None) -> list[Entry]:
    made = [entry(f"image {i}", f"class {i % 2}", group[i] if group else None) for i in range(len(names))]
    return [replace(one, item=replace(one.item, fold=name)) for one, name in zip(made, names, strict=True)]


@pytest.mark.parametrize("names", [["a", "b"] * 10, ["2", "10", "1"] * 8, [str(i % 7) for i in range(30)], ["x"] * 19 + ["y"]])
def test_given_folds_are_taken_as_they_are(names: list[str]):
    entries = folded([*names])
    made = split(entries, clusters(len(entries)), test_size=0)
    check_folds(made)
    for k in (2, 5, 10):
        parts = folds(made, k)
        assert [[names[place] for place in part] for part in parts] == [[name] * names.count(name) for name in sorted(set(names))]


def test_copies_and_groups_over_several_folds_go_to_the_one_that_has_most():
    entries = folded(["a", "a", "b", "b", "c", "c", "c", "a"], ["g1", "g2", "g1", "g1", "g3", "g4", "g5", "g6"])
    made = split(entries, clusters(8, (6, 7)), test_size=0)
    assert [sorted(part.tolist()) for part in folds(made, 5)] == [[1, 6, 7], [0, 2, 3], [4, 5]]


def test_a_given_test_side_keeps_its_place_beside_folds():
    entries = folded(["a", "b", "a", "b", None, None])
    entries = [replace(one, item=replace(one.item, split="train" if one.item.fold else "test")) for one in entries]
    made = split(entries, clusters(6))
    check_folds(made)
    assert made.test == (4, 5) and [part.tolist() for part in folds(made, 5)] == [[0, 2], [1, 3]]


@pytest.mark.parametrize(
    "names, words",
    [
        (["a", None, "b", "b"], "1 training image of 4 are in no fold"),
        (["a"] * 4, "the table gives 1 fold"),
        ([str(i) for i in range(21)], "21 folds"),
    ],
)
def test_folds_that_cannot_be_trained_are_refused(names: list[str | None], words: str):
    with pytest.raises(BadValue, match=words):
        check_folds(split(folded(names), clusters(len(names)), test_size=0))


def test_folds_that_copies_join_are_refused():
    with pytest.raises(BadValue, match="of 2 given folds 1 are left"):
        check_folds(split(folded(["a", "b"]), clusters(2, (0, 1)), test_size=0))


def test_a_table_with_folds_is_cross_validated_unless_it_has_sides(tmp_path: Path):
    (tmp_path / "t.csv").write_text("path,label,fold\na,x,0\nb,y,1\nc,x,2\n")
    catalog = scan(tmp_path / "t.csv")
    assert cross_validated(catalog) == 3 and Counter(item.fold for item in catalog.items) == {"0": 1, "1": 1, "2": 1}
    (tmp_path / "t.csv").write_text("path,label,fold,split\na,x,0,train\nb,y,1,train\nc,x,,test\n")
    assert cross_validated(scan(tmp_path / "t.csv")) == 0
