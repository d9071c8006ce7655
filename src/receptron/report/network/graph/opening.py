"""Which blocks are open at first: from the top as long as the drawing stays of a size to look at, then one of each kind."""

from collections.abc import Iterator

from receptron.report.network.graph.place import Block

LIMIT = 120
"""Boxes that are shown at first."""


def opened_at_first(whole: Block) -> frozenset[int]:
    """Numbers of the blocks that are open, the network's own among them."""
    opened = {whole.number}
    level = _blocks(whole)
    shown = len(whole.nodes)
    while level:
        more = sum(_boxes(block) for block in level)
        if shown + more > LIMIT:
            return frozenset(opened | set(_examples(level, LIMIT - shown)))
        opened |= {block.number for block in level}
        shown += more
        level = [inner for block in level for inner in _blocks(block)]
    return frozenset(opened)


def _examples(level: list[Block], room: int) -> Iterator[int]:
    """The first block of each kind, while there is room."""
    seen: set[tuple[str, int]] = set()
    for block in level:
        kind = (block.item.stripes[0].kind, len(block.nodes))
        if kind not in seen and _boxes(block) <= room:
            seen.add(kind)
            room -= _boxes(block)
            yield block.number


def _blocks(block: Block) -> list[Block]:
    return [node for node in block.nodes if node.plan is not None and not node.item.shut]


def _boxes(block: Block) -> int:
    """Boxes that opening a block adds."""
    return sum(1 for node in block.nodes if node.item.stripes)
