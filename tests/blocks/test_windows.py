"""Attention inside windows and with shared keys, against loops over single pixels; patches merged by hand."""

from itertools import product

import pytest
import torch
from torch import Tensor

import oracles
from receptron.blocks.multi_query import MultiQueryAttention
from receptron.blocks.windows import MergePatches, WindowAttention


def by_pixels(layer: WindowAttention, x: Tensor) -> Tensor:
    """One image (H, W, width): each pixel asks those that share its window after the move, unless the move alone brought them there."""
    high, wide, width = x.shape
    window, each = layer.window, width // layer.heads
    query, key, value = (part.unflatten(-1, [layer.heads, each]) for part in layer.qkv(x).chunk(3, dim=-1))
    down, right = (layer.shift if size > window else 0 for size in (high, wide))
    answer = torch.zeros(high, wide, layer.heads, each)
    for i, j in product(range(high), range(wide)):
        near = [
            (k, m)
            for k, m in product(range(high), range(wide))
            if (k - down) % high // window == (i - down) % high // window
            and (m - right) % wide // window == (j - right) % wide // window
            and abs(k - i) < window
            and abs(m - j) < window
        ]
        for head in range(layer.heads):
            scores = torch.stack(
                [
                    query[i, j, head] @ key[k, m, head] / each**0.5
                    + layer.table[(i - k + window - 1) * (2 * window - 1) + j - m + window - 1, head]
                    for k, m in near
                ]
            )
            answer[i, j, head] = scores.softmax(0) @ torch.stack([value[k, m, head] for k, m in near])
    return layer.out(answer.flatten(2))


@pytest.mark.parametrize(("high", "wide", "window", "shift"), [(4, 6, 2, 0), (4, 6, 2, 1), (6, 9, 3, 1), (3, 6, 3, 1), (3, 3, 3, 1)])
def test_a_pixel_asks_those_of_its_window(high: int, wide: int, window: int, shift: int):
    layer = WindowAttention(8, 2, window, shift)
    oracles.randomise(layer)
    x = torch.randn(2, high, wide, 8)
    with torch.no_grad():
        found = layer(x)
        assert all(oracles.relative(found[n], by_pixels(layer, x[n])) < 1e-5 for n in range(2))
        layer.shift = (shift + 1) % window
        assert oracles.relative(layer(x)[0], found[0]) > 1e-3 or (high, wide) == (window, window)


def test_a_moved_window_hands_nothing_round_the_edge():
    layer = WindowAttention(8, 2, 4, 2)
    x = torch.randn(1, 8, 8, 8)
    other = x.clone()
    other[:, 7] += 1
    with torch.no_grad():
        changed = (layer(x) - layer(other)).abs().amax((0, 2, 3)) > 1e-6
    assert changed.tolist() == [False] * 6 + [True] * 2


@pytest.mark.parametrize(("high", "wide"), [(4, 4), (5, 4), (3, 7)])
def test_four_neighbours_are_merged(high: int, wide: int):
    layer, x = MergePatches(3), torch.randn(1, high, wide, 3)
    with torch.no_grad():
        found = layer(x)
        assert found.shape == (1, (high + 1) // 2, (wide + 1) // 2, 6)
        four = torch.cat([x[0, 0, 0], x[0, 1, 0], x[0, 0, 1], x[0, 1, 1]])
        assert torch.allclose(found[0, 0, 0], layer.reduction(layer.norm(four)), atol=1e-6)


@pytest.mark.parametrize(("heads", "width", "reduce"), [(1, 4, 1), (3, 4, 1), (2, 5, 2)])
def test_heads_share_keys_and_values(heads: int, width: int, reduce: int):
    layer = oracles.randomise(MultiQueryAttention(6, heads, width, reduce)).eval()
    x = torch.randn(1, 6, 4, 6)
    with torch.no_grad():
        key, value = layer.key(x)[0].flatten(1).T, layer.value(x)[0].flatten(1).T  # (pixels, width)
        assert len(key) == 24 // reduce**2
        answers = []
        for part in layer.query(x)[0].flatten(1).T.split(width, dim=1):  # of one head: (24, width)
            answers.append(torch.stack([((key @ asked) / width**0.5).softmax(0) @ value for asked in part]))
        expected = layer.out(torch.cat(answers, 1).T.reshape(1, heads * width, 4, 6))
        assert oracles.relative(layer(x), expected) < 1e-5
