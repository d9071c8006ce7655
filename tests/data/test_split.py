"""Sides that cannot leak, have the share that was asked for, and do not move where an earlier run is given."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receptron.data.deduplication.duplicates import Clusters, CopyPair, joined
from receptron.data.records import Entry, ImageFacts, Item
from receptron.data.splitting.folds import folds
from receptron.data.splitting.split import split
from receptron.errors import BadValue, NoImages

FACTS = ImageFacts("PNG", "RGB", 64, 64)


def entry(name: str, label: str = "a", group: str | None = None, side: str | None = None) -> Entry:
    """An image whose content follows from its name."""
    return Entry(Item(Path(name), label, side, group), hashlib.sha256(name.encode()).hexdigest(), FACTS)


def clusters(count: int, *pairs: tuple[int, int]) -> Clusters:
    """Copies as they were found."""
    return Clusters(tuple(CopyPair(a, b, "near", 0.9) for a, b in pairs), joined(count, pairs))


def many(count: int, classes: int = 4) -> list[Entry]:
    """Independent images of several classes."""
    return [entry(f"image {index}", f"class {index % classes}") for index in range(count)]


def side_of(entries: list[Entry], **options: object) -> dict[str, str]:
    """Name of the image to its side."""
    made = split(entries, options.pop("clusters", clusters(len(entries))), **options)
    return {
        entries[place].item.path.name: side
        for side, places in (("train", made.train), ("test", made.test), ("aside", made.set_aside))
        for place in places
    }


@pytest.mark.parametrize(
    ("counts", "share"), [((10,) * 5, 0.2), ((24,), 0.2), ((7, 31, 100), 0.3), ((1000, 3), 0.1), ((5, 5), 0.5), ((11, 12, 13), 0.25)]
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_of_each_class_the_share_asked_for_is_tested_by_ascending_hash(counts: tuple[int, ...], share: float, seed: int):
    entries = [entry(f"{label} {i}", f"class {label}") for label, count in enumerate(counts) for i in range(count)]
    made = split(entries, clusters(len(entries)), test_size=share, seed=seed)
    assert [row.test for row in made.summary.counts] == [max(1, round(share * count)) for count in counts]
    hashes = [hashlib.sha256(f"{seed}:{e.sha256}".encode()).hexdigest() for e in entries]
    for row in made.summary.counts:
        on = [[hashes[p] for p in places if entries[p].item.label == row.label] for places in (made.test, made.train)]
        assert max(on[0]) < min(on[1])


@given(st.lists(st.integers(1, 25), min_size=6, max_size=30), st.sampled_from([0.1, 0.2, 0.35, 0.5]), st.integers(0, 3))
def test_with_groups_of_one_class_the_share_is_within_one_group(sizes: list[int], share: float, seed: int):
    """Groups of any sizes, of two classes in turn."""
    entries = [entry(f"{g} {i}", "ab"[g % 2], f"group {g}") for g, size in enumerate(sizes) for i in range(size)]
    made = split(entries, clusters(len(entries)), test_size=share, seed=seed)
    for row, own in zip(made.summary.counts, (sizes[::2], sizes[1::2]), strict=True):
        assert abs(row.test - share * sum(own)) <= max(own)
    assert made.summary.train_groups + made.summary.test_groups == len(sizes)


@given(st.integers(8, 40), st.integers(1, 12), st.integers(2, 5), st.integers(0, 3))
def test_with_groups_of_mixed_classes_the_share_is_within_one_group(groups: int, size: int, classes: int, seed: int):
    entries = [entry(f"{g} {i}", f"class {(g + i) % classes}", f"group {g}") for g in range(groups) for i in range(size)]
    made = split(entries, clusters(len(entries)), test_size=0.2, seed=seed)
    assert abs(len(made.test) - 0.2 * len(entries)) <= size + classes
    assert made.summary.test_groups >= 2


FEW_GROUPS = {
    "four of one class each": [(20, "a"), (20, "a"), (20, "b"), (20, "b")],
    "four of both classes": [(20, "ab")] * 4,
    "five of uneven sizes": [(5, "ab"), (50, "ab"), (8, "ab"), (30, "ab"), (7, "ab")],
    "six, a rare class in two": [(10, "ab"), (10, "ab"), (10, "a"), (10, "a"), (10, "a"), (10, "a")],
}


@pytest.mark.parametrize("case", FEW_GROUPS)
@pytest.mark.parametrize("seed", range(4))
def test_few_groups_give_two_to_each_side_every_class_to_both_and_as_many_folds_as_groups(case: str, seed: int):
    sizes = FEW_GROUPS[case]
    entries = [entry(f"{g} {i}", names[i % len(names)], f"group {g}") for g, (size, names) in enumerate(sizes) for i in range(size)]
    made = split(entries, clusters(len(entries)), test_size=0.2, seed=seed)
    assert made.summary.train_groups >= 2 and made.summary.test_groups >= 2
    assert all(row.train and row.test for row in made.summary.counts)
    assert len(folds(made, 10)) == made.summary.train_groups
    assert sorted(np.concatenate(folds(made, 10)).tolist()) == list(made.train)


def test_three_groups_leave_two_to_learn_from():
    entries = [entry(f"{g} {i}", "ab"[i % 2], f"group {g}") for g in range(3) for i in range(10)]
    made = split(entries, clusters(30), test_size=0.2)
    assert (made.summary.train_groups, made.summary.test_groups) == (2, 1)


def test_images_of_one_unit_have_one_number():
    entries = [entry(f"image {i}", "ab"[i % 2], f"group {i // 4}" if i < 12 else None) for i in range(20)]
    made = split(entries, clusters(20, (15, 16)))
    numbers = made.unit_numbers(range(20)).tolist()
    assert len(set(numbers)) == 3 + 7 and numbers[15] == numbers[16]
    assert all((numbers[a] == numbers[b]) == (a // 4 == b // 4) for a in range(12) for b in range(12))


def test_another_seed_gives_another_split():
    entries = many(200)
    assert side_of(entries, seed=0) != side_of(entries, seed=1)
    assert side_of(entries, seed=0) == side_of(entries, seed=0)


@given(st.integers(30, 60), st.integers(0, 60), st.integers(0, 5), st.randoms(use_true_random=False))
def test_beside_an_earlier_run_only_new_images_are_placed_and_the_share_is_kept(count: int, added: int, seed: int, random):
    entries = many(count, classes=2)
    earlier = split(entries, clusters(count), test_size=0.4, seed=seed).sides
    after = [*entries, *(entry(f"new {index}", f"class {index % 3}") for index in range(added))]
    random.shuffle(after)
    now = split(after, clusters(len(after)), test_size=0.4, seed=seed + 1, placed=earlier)
    assert {digest: now.sides[digest] for digest in earlier} == earlier
    for row in now.summary.counts:
        assert abs(row.test - 0.4 * (row.train + row.test)) <= 1


@given(
    st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=8),
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=12),
    st.lists(st.sampled_from([None, "p", "q", "r"]), min_size=30, max_size=30),
)
def test_what_is_remembered_never_moves_and_nothing_new_leaks(old_pairs, new_pairs, groups):
    """Any copies and groups, known and new: what has a side keeps it, and no new image stands on the other side of its unit."""
    entries = [entry(f"image {index}", "ab"[index % 2], groups[index]) for index in range(30)]
    first = split(entries[:20], clusters(20, *old_pairs), test_size=0.3)
    second = split(entries, clusters(30, *old_pairs, *new_pairs), test_size=0.3, placed=first.sides)
    for digest, side in first.sides.items():
        assert second.sides[digest] == side
    for unit in second.units:
        old = {first.sides[entries[p].sha256] for p in unit.places if entries[p].sha256 in first.sides}
        new = {second.sides.get(entries[p].sha256, "aside") for p in unit.places if entries[p].sha256 not in first.sides}
        assert new <= (old or new) if len(old) < 2 else new <= {"aside"}
        assert len(new) <= 1
    assert second.summary.remembered == len(first.sides)
    assert sorted([*second.train, *second.test, *second.set_aside]) == list(range(30))


@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=40), st.integers(0, 3))
def test_copies_and_groups_stay_together(pairs, seed):
    entries = [entry(f"image {index}", "ab"[index % 2], f"g{index // 3}" if index < 9 else None) for index in range(40)]
    made = split(entries, clusters(40, *pairs), test_size=0.4, seed=seed)
    side = {place: name for name, places in (("train", made.train), ("test", made.test)) for place in places}
    assert all(side[a] == side[b] for a, b in pairs)
    assert all(side[a] == side[b] for a in range(9) for b in range(9) if a // 3 == b // 3)
    assert made.summary.leaks == 0


def test_sides_do_not_depend_on_names_or_order():
    entries = many(50)
    renamed = [Entry(Item(Path(f"other/{index}.png"), e.item.label), e.sha256, FACTS) for index, e in enumerate(entries)]
    assert split(entries, clusters(50)).sides == split(renamed[::-1], clusters(50)).sides


def test_every_class_of_two_gets_an_image_on_both_sides():
    for seed in range(30):
        made = split([entry(f"{label}{i} {seed}", label) for label in "abc" for i in range(2)], clusters(6), test_size=0.1, seed=seed)
        assert all((row.train, row.test) == (1, 1) for row in made.summary.counts)


def test_the_only_image_of_a_class_is_for_training():
    for seed in range(10):
        entries = [*many(20, 2), entry("alone", "single")]
        assert side_of(entries, test_size=0.9, seed=seed)["alone"] == "train"


def test_without_a_test_size_all_are_for_training():
    made = split(many(20), clusters(20), test_size=0)
    assert (len(made.train), made.test, made.summary.method) == (20, (), "k-fold")


@pytest.mark.parametrize("test_size", [-0.1, 1.0, 20])
def test_a_share_outside_its_range_is_refused(test_size: float):
    with pytest.raises(BadValue, match="test size"):
        split(many(4), clusters(4), test_size=test_size)


def test_a_bridge_between_two_sides_is_set_aside_and_counted():
    entries = [entry("left"), entry("right"), entry("bridge")]
    placed = {entries[0].sha256: "train", entries[1].sha256: "test"}
    made = split(entries, clusters(3, (0, 2), (1, 2)), placed=placed)
    assert (made.train, made.test, made.set_aside) == ((0,), (1,), (2,))
    assert made.summary.counts[0].set_aside == 1
    assert entries[2].sha256 not in made.sides


def test_a_twin_goes_where_its_twin_is():
    entries = [entry("old"), entry("twin"), *many(10, 1)]
    for side in ("train", "test"):
        assert side_of(entries, clusters=clusters(12, (0, 1)), placed={entries[0].sha256: side})["twin"] == side


def given_split() -> tuple[list[Entry], Clusters]:
    """Six images, a copy across sides and a group across sides."""
    entries = [
        entry(f"{i}", "ab"[i % 2], group, side)
        for i, (group, side) in enumerate([(None, "train")] * 3 + [("g", "val"), ("g", "train"), (None, "val")])
    ]
    return entries, clusters(6, (0, 5))


def test_a_given_split_is_used_and_its_leaks_are_told():
    entries, found = given_split()
    made = split(entries, found, test_size=0.9)
    assert (made.train, made.test, made.summary.method) == ((0, 1, 2, 4), (3, 5), "given")
    assert made.summary.leaks == 2


def test_a_test_side_comes_before_a_val_side():
    entries = [entry(str(i), "a", None, side) for i, side in enumerate(["train", "val", "test"])]
    made = split(entries, clusters(3))
    assert (made.train, made.test) == ((0, 1), (2,))


def test_a_given_split_without_training_images_is_refused():
    with pytest.raises(NoImages, match="only test images"):
        split([entry("x", "a", None, "test")], clusters(1))


def test_broken_images_are_on_no_side():
    broken = Entry(Item(Path("x"), "a"), "", None, "the file is empty")
    made = split([broken, *many(10)], clusters(11))
    assert 0 not in {*made.train, *made.test, *made.set_aside}


@given(st.integers(2, 7), st.integers(20, 60), st.integers(1, 4), st.integers(0, 3))
def test_folds_of_single_images_are_exactly_balanced(k: int, count: int, classes: int, seed: int):
    entries = many(count, classes)
    made = split(entries, clusters(count), test_size=0)
    parts = folds(made, k, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(made.train)
    per_fold = [Counter(entries[p].item.label for p in part) for part in parts]
    for label in {e.item.label for e in entries}:
        numbers = [counter[label] for counter in per_fold]
        assert max(numbers) - min(numbers) <= 1
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert all(np.array_equal(a, b) for a, b in zip(parts, folds(made, k, seed), strict=True))


@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=20))
def test_folds_keep_units_whole_and_the_test_side_out(pairs):
    entries = many(30, 2)
    made = split(entries, clusters(30, *pairs), test_size=0.2)
    parts = folds(made, 3)
    fold = {int(place): index for index, part in enumerate(parts) for place in part}
    assert fold.keys() == set(made.train)
    assert all(fold[a] == fold[b] for a, b in pairs if a in fold)


def test_more_folds_than_units_are_as_many_as_units():
    made = split(many(4), clusters(4), test_size=0)
    assert len(folds(made, 5)) == 4
    with pytest.raises(BadValue, match="1 folds"):
        folds(made, 1)


def test_images_that_all_belong_together_have_no_folds():
    entries = [entry(f"image {i}", "ab"[i % 2], "one patient") for i in range(8)]
    with pytest.raises(BadValue, match="8 training images cannot be divided into folds"):
        folds(split(entries, clusters(8), test_size=0), 5)
