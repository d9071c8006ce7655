"""A few kinds of moves, by which positions of an operator's result depend on positions of its operands.

Dimensions are counted from the end (-1 is the last), so that broadcasting needs no bookkeeping.
"""

from dataclasses import dataclass
from math import prod

from receptron.analysis.receptive_field.index_relation import Relation
from receptron.analysis.tape import Call

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Windowed:
    """Along some dimensions a position reads what a relation says; along the others, itself.

    `extents` are the sizes after it, where the operator's result has others.
    """

    relations: dict[int, Relation]
    extents: dict[int, int] | None = None


@dataclass(frozen=True)
class Normalised:
    """Every number is scaled by statistics over all along `dims`: it sees them, and along the way of the convolutions itself."""

    dims: tuple[int, ...]


@dataclass(frozen=True)
class Reduced:
    """Every position along `dims` reads all of them; the dimensions stay with extent 1 if `keep`."""

    dims: tuple[int, ...]
    keep: bool = True


@dataclass(frozen=True)
class Reshaped:
    """The same numbers in the same order in another shape."""

    before: Shape
    after: Shape


@dataclass(frozen=True)
class Permuted:
    """Dimension i of the result is dimension order[i] of the operand, both counted from the front."""

    order: tuple[int, ...]


@dataclass(frozen=True)
class Selected:
    """One position along a dimension, which goes away."""

    dim: int
    index: int


@dataclass(frozen=True)
class Taken:
    """Listed positions along a dimension; `relation` is what it amounts to far from the ends, None if that has no sense."""

    dim: int
    positions: tuple[int, ...]
    relation: Relation | None = None


@dataclass(frozen=True)
class Joined:
    """The operand stands at [start, start + its extent) of the result's dimension `dim`."""

    dim: int
    start: int
    extent: int


@dataclass(frozen=True)
class Inserted:
    """Position i of the operand stands at start + step * i of the result's dimension `dim`, which has `extent`."""

    dim: int
    start: int
    step: int
    count: int
    extent: int


@dataclass(frozen=True)
class Outside:
    """The operand's own positions, those left out that something else was written to: all of them that lie in each of the sides."""

    sides: tuple[Inserted, ...]

    @property
    def share(self) -> float:
        """Of the positions, those that keep their own."""
        return 1 - prod(side.count / side.extent for side in self.sides)


@dataclass(frozen=True)
class Unfolded:
    """Windows of `size` numbers at every `step` of a dimension; where in its window a number lies is one dimension more at the end."""

    dim: int
    size: int
    step: int


@dataclass(frozen=True)
class Rearranged:
    """Numbers in other places, step by step as `exactly` says; far from the ends that amounts to a relation along some dimensions."""

    exactly: "tuple[Move, ...]"
    relations: dict[int, Relation]


@dataclass(frozen=True)
class Everywhere:
    """Any position may read any other: an operator whose reach is not worked out."""


Move = (
    Windowed
    | Normalised
    | Reduced
    | Reshaped
    | Permuted
    | Selected
    | Taken
    | Joined
    | Inserted
    | Outside
    | Unfolded
    | Rearranged
    | Everywhere
)
Moves = tuple[Move, ...]


def only(call: Call, moves: Moves) -> dict[int, Moves]:
    """The same moves, from the first operand alone."""
    return {call.inputs[0]: moves} if call.inputs else {}


def from_end(dim: int, shape: Shape) -> int:
    """A dimension counted from the end."""
    return dim - len(shape) if dim >= 0 else dim
