"""The graph of a network as a record: boxes of stacked layers and operations, blocks that hold more of them, and what flows between."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stripe:
    """One layer or operation: what its part of a box says. `share` is its work beside the busiest one's, 0 to 1."""

    title: str
    kind: str
    fact: str  # kernel, stride and channels
    size: str  # of its output
    role: str
    hint: str
    path: str
    share: float = 0.0


@dataclass(frozen=True)
class GraphItem:
    """A box, or a block where there is something `inside`.

    `takes` are the values that come in, one for each line (an addition of a value to itself takes it twice); `gives` those that are read.
    """

    stripes: tuple[Stripe, ...]
    takes: tuple[int, ...]
    gives: tuple[int, ...]
    inside: "tuple[GraphItem, ...] | None" = None
    shut: bool = False  # a block that is better not opened unasked

    @property
    def is_source(self) -> bool:
        """Whether it is a tensor that the network brings along."""
        return not self.takes and self.inside is None

    @property
    def layers(self) -> int:
        """Layers and operations in it."""
        return len(self.stripes) if self.inside is None else sum(item.layers for item in self.inside)


@dataclass(frozen=True)
class GraphLink:
    """A line within one block, between items by their place there. `out` counts the values that leave, `into` the lines that come in."""

    source: int
    out: int
    target: int
    into: int


def links_of(items: tuple[GraphItem, ...]) -> tuple[GraphLink, ...]:
    """What flows between the items of one block."""
    makers = {value: (i, out) for i, item in enumerate(items) for out, value in enumerate(item.gives)}
    return tuple(
        GraphLink(*makers[value], target, into)
        for target, item in enumerate(items)
        for into, value in enumerate(item.takes)
        if value in makers and makers[value][0] != target
    )
