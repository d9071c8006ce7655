"""Functions that a file brings with it, put in where they are called, as long as that stays within bounds."""

from pathlib import Path
from typing import Any

from receptron.errors import BadValue

MANY = 100_000
"""Nodes that a graph may come to."""
DEEPEST = 100
"""Functions that may lie within each other."""
Name = tuple[str, str]


def inlined(model: Any, path: Path) -> Any:
    """The model without functions; those that could pass for ONNX's own operators go unread.

    Raises: BadValue for functions that call themselves, or come to more nodes than MANY or lie deeper than DEEPEST.
    """
    kept = [one for one in model.functions if one.domain not in ("", "ai.onnx")]
    del model.functions[:]
    if not kept:
        return model
    bodies = {(one.domain, one.name): [(node.domain, node.op_type) for node in one.node] for one in kept}
    sizes: dict[Name, int] = {}
    count = sum(_size((node.domain, node.op_type), bodies, sizes, (), path) for node in model.graph.node)
    if count > MANY:
        raise BadValue(
            f"{path} comes to {count:,} nodes.", why=f"its functions call each other; up to {MANY:,} are read", mend="export it again"
        )
    from onnx.inliner import inline_local_functions

    model.functions.extend(kept)
    out = inline_local_functions(model)
    del out.functions[:]
    return out


def _size(name: Name, bodies: dict[Name, list[Name]], sizes: dict[Name, int], above: tuple[Name, ...], path: Path) -> int:
    """Nodes that a call comes to."""
    if name not in bodies:
        return 1
    if len(above) > DEEPEST:
        raise BadValue(
            f"{path} has functions that call each other more than {DEEPEST} deep.", why=f"up to {DEEPEST} are read",
            mend="export it without functions",
        )  # fmt: skip
    if name in above:
        raise BadValue(f"{path} is a damaged ONNX model.", why=f"its function {name[1][:80]!r} calls itself", mend="export it again")
    if name not in sizes:
        sizes[name] = sum(_size(inner, bodies, sizes, (*above, name), path) for inner in bodies[name])
    return sizes[name]
