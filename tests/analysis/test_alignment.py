"""Layers of two networks in pairs: only like ones, in order, and no pairing is worth more."""

import random
from functools import cache

import pytest
import torch
from torch import nn

from receptron.analysis import alignment
from receptron.analysis.alignment import aligned
from receptron.analysis.comparison import Comparison, compare
from receptron.analysis.inspection import Inspection, inspect
from receptron.analysis.layers import Layer
from receptron.zoo import build


def chain(seed: int) -> Inspection:
    """A short network by chance."""
    chance = random.Random(seed)
    layers: list[nn.Module] = []
    for _ in range(chance.randrange(1, 8)):
        layers.append(
            chance.choice([nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1), nn.ReLU(), nn.BatchNorm2d(4), nn.SiLU(), nn.MaxPool2d(2)])
        )
    with torch.device("meta"):
        return inspect(nn.Sequential(*layers), (4, 64, 64))


def best(worth: list[list[int]]) -> int:
    """The most that any pairing in order is worth, by trying all."""

    @cache
    def of(i: int, j: int) -> int:
        if i == len(worth) or j == len(worth[0]):
            return 0
        paired = worth[i][j] + of(i + 1, j + 1) if worth[i][j] else 0
        return max(paired, of(i + 1, j), of(i, j + 1))

    return of(0, 0)


@pytest.mark.parametrize("seed", range(12))
def test_no_pairing_is_worth_more(seed: int):
    one, two = chain(seed), chain(seed + 100)
    sizes = (one.inputs[0], two.inputs[0])
    pairs = aligned(one.layers, two.layers, sizes)
    worth = _table(one.layers, two.layers, sizes)
    assert sum(worth[i][j] for i, j in pairs if i is not None and j is not None) == best(worth)
    assert [i for i, _ in pairs if i is not None] == list(range(len(one.layers)))
    assert [j for _, j in pairs if j is not None] == list(range(len(two.layers)))
    assert all(worth[i][j] > 0 for i, j in pairs if i is not None and j is not None)


def _table(left: tuple[Layer, ...], right: tuple[Layer, ...], sizes: tuple[tuple[int, ...], tuple[int, ...]]) -> list[list[int]]:
    ours, theirs = ([alignment._trait(layer, size) for layer in layers] for layers, size in ((left, sizes[0]), (right, sizes[1])))  # pyright: ignore[reportPrivateUsage]
    rows = alignment._Worth(ours, theirs, left, right)  # pyright: ignore[reportPrivateUsage]
    return [[int(n) for n in rows.row(i)] for i in range(len(left))]


def compared(left: str, right: str, size: int = 224) -> Comparison:
    with torch.device("meta"):
        one, two = (inspect(build(name), (3, size, size), name=name) for name in (left, right))
    return compare(one, two)


@pytest.mark.parametrize(
    ("left", "right", "alone"),
    [("resnet18", "resnet34", (0, 56)), ("resnet50", "resnext50_32x4d", (0, 0)), ("vgg11", "vgg16", (0, 10))],
)
def test_every_layer_of_a_net_has_its_like_in_a_deeper_or_wider_one(left: str, right: str, alone: tuple[int, int]):
    found = compared(left, right).layers
    assert (sum(p.right is None for p in found), sum(p.left is None for p in found)) == alone
    assert all(p.left.kind == p.right.kind for p in found if p.left and p.right)


def test_a_deeper_net_of_equal_blocks_has_its_blocks_whole_and_its_pairs_are_twins():
    pairs = compared("resnet18", "resnet34").layers
    assert all(p.same and p.left and p.right and p.left.path == p.right.path for p in pairs if p.left)
    alone = {".".join(p.right.path.split(".")[:3]) for p in pairs if p.left is None and p.right}
    assert alone == {f"stages.{s}.{b}" for s, last in enumerate((3, 4, 6, 3)) for b in range(2, last)}


def test_depthwise_goes_with_depthwise_and_no_window_with_a_point():
    pairs = [p for p in compared("mobilenet_v2", "mobilenet_v3_large").layers if p.left and p.right]
    assert len(pairs) > 130
    for pair in pairs:
        assert pair.left and pair.right
        one, two = pair.left.form, pair.right.form
        assert one.role == two.role and one.depthwise == two.depthwise
        assert any(k > 1 for k in one.kernel) == any(k > 1 for k in two.kernel)


def test_other_kinds_that_do_the_same_are_like_and_what_does_otherwise_is_not():
    with torch.device("meta"):
        one = inspect(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8)), (3, 32, 32))
        two = inspect(nn.Sequential(nn.Conv2d(3, 8, 3), nn.GELU(), nn.Conv2d(8, 8, 3)), (3, 32, 32))
    verdicts = [p.verdict for p in compare(one, two).layers]
    assert verdicts[:2] == ["=", "differ: kind"] and sorted(verdicts[2:]) == ["only left", "only right"]


def test_a_changed_window_or_grouping_is_told():
    with torch.device("meta"):
        nets = (inspect(nn.Sequential(nn.Conv2d(4, 8, k, padding=k // 2, groups=g)), (4, 32, 32)) for k, g in ((3, 1), (5, 2)))
    assert compare(*nets).layers[0].verdict == "differ: kernel, groups, parameters, MACs"
