"""The network as a graph of modules with a position for each: what the page draws.

Containers are opened as long as the drawing keeps to `LIMIT` boxes.
"""

from dataclasses import dataclass

from receptron.analysis.tape import Tape

LIMIT = 90


@dataclass(frozen=True)
class Box:
    """One module: the scope it stands for, its row (longest way from the input) and its column among the boxes of that row."""

    scope: int
    row: int
    column: int


@dataclass(frozen=True)
class Graph:
    """Boxes and arrows between them, by position in `boxes`; -1 is the input."""

    boxes: tuple[Box, ...]
    arrows: tuple[tuple[int, int], ...]


def graph_of(tape: Tape) -> Graph:
    """Boxes for the modules of a tape and the flow of tensors between them."""
    shown = _shown(tape)
    index = {scope: i for i, scope in enumerate(shown)}
    owner = [_owner(tape, call.scope, index) for call in tape.forward]
    sources: dict[int, set[int]] = {value: {-1} for value in tape.inputs}
    arrows: set[tuple[int, int]] = set()
    for call, box in zip(tape.forward, owner, strict=True):
        feeding = set().union(*(sources.get(value, set()) for value in call.inputs)) if call.inputs else set()
        if box is None:
            made = feeding
        else:
            arrows |= {(source, box) for source in feeding if source != box}
            made = {box} if feeding else set()
        for value in call.outputs:
            sources[value] = made
    return _laid_out(shown, arrows)


def _shown(tape: Tape) -> list[int]:
    """Scopes to draw: the network's children, opened from the top while there is room."""
    children: dict[int, list[int]] = {}
    for i, scope in enumerate(tape.module_calls):
        if scope.last > scope.first:  # an identity does nothing and is left out
            children.setdefault(scope.parent, []).append(i)
    level = [i for root in children.get(0, []) for i in (children.get(root) or [root])]
    while True:
        opened = [i for scope in level for i in (children.get(scope) or [scope])]
        if len(opened) > LIMIT or opened == level:
            return level
        level = opened


def _owner(tape: Tape, scope: int, index: dict[int, int]) -> int | None:
    while scope >= 0:
        if scope in index:
            return index[scope]
        scope = tape.module_calls[scope].parent
    return None


def _laid_out(shown: list[int], arrows: set[tuple[int, int]]) -> Graph:
    rows: dict[int, int] = {-1: -1}
    for box in range(len(shown)):
        rows[box] = 1 + max((rows.get(source, -1) for source, target in arrows if target == box), default=-1)
    taken: dict[int, int] = {}
    boxes: list[Box] = []
    for box, scope in enumerate(shown):
        column = taken.get(rows[box], 0)
        taken[rows[box]] = column + 1
        boxes.append(Box(scope, rows[box], column))
    return Graph(tuple(boxes), tuple(sorted(arrows)))
