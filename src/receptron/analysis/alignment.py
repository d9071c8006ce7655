"""Which layers of two networks stand for each other: the pairing in order that is worth most, where only like layers may pair.

Alike are layers that do the same (a depthwise convolution is no dense one, a 1x1 no window) at the same resolution beside the input.
Needleman and Wunsch 1970, A general method applicable to the search for similarities in the amino acid sequence of two proteins; a
layer without a partner costs nothing, so that a row of the table is a running maximum.
"""

from collections.abc import Sequence
from math import log2
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from receptron.analysis.form import LayerForm
from receptron.analysis.layers import Layer

_ALIKE, _KIND, _KERNEL, _STRIDE, _GROUPS, _PARAMETERS, _CHANNELS = 10, 4, 3, 2, 1, 3, 2
"""What a pair is worth, and how much more where these agree too."""
_ENDING, _PATH = 3, 2
Pair = tuple[int | None, int | None]


class _Trait(NamedTuple):
    """What of a layer is held against another one's."""

    kind: str
    form: LayerForm
    level: int | str
    before: tuple[int, ...]
    after: tuple[int, ...]
    parameters: int


def aligned(left: Sequence[Layer], right: Sequence[Layer], sizes: tuple[tuple[int, ...], tuple[int, ...]]) -> list[Pair]:
    """Places of paired layers in order, None where one has no partner. `sizes`: shapes of both networks' inputs, batch included."""
    worth = _Worth([_trait(layer, sizes[0]) for layer in left], [_trait(layer, sizes[1]) for layer in right], left, right)
    table = np.zeros((len(left) + 1, len(right) + 1), dtype=np.int32)
    for i in range(len(left)):
        row = worth.row(i)
        paired = np.where(row > 0, table[i, :-1] + row, 0)
        table[i + 1, 1:] = np.maximum.accumulate(np.maximum(table[i, 1:], paired))
    return _way(table)


def _way(table: NDArray[np.int32]) -> list[Pair]:
    """The pairing behind the last number of the table; of several, that which pairs earliest."""
    i, j = table.shape[0] - 1, table.shape[1] - 1
    found: list[Pair] = []
    while i or j:
        if j and table[i, j] == table[i, j - 1]:
            j -= 1
            found.append((None, j))
        elif i and table[i, j] == table[i - 1, j]:
            i -= 1
            found.append((i, None))
        else:
            i, j = i - 1, j - 1
            found.append((i, j))
    return found[::-1]


class _Worth:
    """What each pair is worth; layers of the same traits are held against each other once."""

    def __init__(self, ours: list[_Trait], theirs: list[_Trait], left: Sequence[Layer], right: Sequence[Layer]) -> None:
        kinds = {trait: n for n, trait in enumerate(dict.fromkeys(theirs))}
        self._ours, self._kinds = ours, list(kinds)
        self._kind_of = np.array([kinds[trait] for trait in theirs], dtype=np.intp)
        self._known: dict[_Trait, NDArray[np.int32]] = {}
        self._left, self._endings, self._paths = left, np.array([_ending(o.path) for o in right]), np.array([o.path for o in right])

    def row(self, i: int) -> NDArray[np.int32]:
        """Worth of a left layer with each right one; 0 where they are not alike."""
        trait, path = self._ours[i], self._left[i].path
        if trait not in self._known:
            self._known[trait] = np.array([_worth(trait, other) for other in self._kinds], dtype=np.int32)
        plain = self._known[trait][self._kind_of]
        named = _ENDING * (self._endings == _ending(path)) + _PATH * (self._paths == path)
        return np.where(plain > 0, plain + named, 0).astype(np.int32)


def _worth(a: _Trait, b: _Trait) -> int:
    one, other = a.form, b.form
    same_work = one.role == other.role and one.depthwise == other.depthwise and one.transposed == other.transposed
    if not same_work or a.level != b.level or _is_window(one) != _is_window(other):
        return 0
    tells_nothing = one.role in ("other", "shape", "reduction") or (one.role == "product" and not (one.channels and other.channels))
    if tells_nothing and a.kind != b.kind:
        return 0
    more = ((_KIND, a.kind == b.kind), (_KERNEL, one.kernel == other.kernel), (_STRIDE, one.stride == other.stride))
    more += ((_GROUPS, one.groups == other.groups), (_PARAMETERS, a.parameters == b.parameters))
    more += ((_CHANNELS, a.before[1:2] == b.before[1:2]), (_CHANNELS, a.after[1:2] == b.after[1:2]))
    return _ALIKE + sum(gain for gain, holds in more if holds)


def _trait(layer: Layer, size: tuple[int, ...]) -> _Trait:
    return _Trait(layer.kind, layer.form, _level(layer.after, size), layer.before, layer.after, layer.parameters)


def _level(shape: tuple[int, ...], size: tuple[int, ...]) -> int | str:
    """How often the input was halved on the way to a map; a word where it is a point, or no map."""
    if len(shape) != len(size) or len(shape) < 3:
        return "no map"
    if max(shape[2:]) == 1:
        return "point"
    return round(log2(max(size[2:]) / max(shape[2:])))


def _is_window(form: LayerForm) -> bool:
    return any(extent > 1 for extent in form.kernel)


def _ending(path: str) -> str:
    """The last two parts of a path: what a layer is called within its block."""
    return ".".join(path.split(".")[-2:])
