"""Conditions on the extents of inputs that a program was exported under, such as `L['x'].size()[2] // 32 != 1`.

They stand in the file as Python and are never run as such: the text is parsed, and only comparisons and whole-number arithmetic on the
extents of an input are worked out here. A condition with anything else in it is refused.
"""

import ast
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from receptron.errors import AnalysisFault

LONGEST = 200_000
"""Characters of a condition; those of padding that depends on the size have thousands."""
_BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
_COMPARED: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
_CALLED: dict[str, Callable[..., Any]] = {
    "max": max,
    "min": min,
    "Max": max,
    "Min": min,
    "Mod": operator.mod,
    "FloorDiv": operator.floordiv,
}

Shapes = Mapping[str, tuple[int, ...]]


class Condition:
    """One condition. Raises: AnalysisFault for what is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            if len(text) > LONGEST:
                raise self._unknown()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Python, about spellings in a text that is not ours
                self._tree = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise self._unknown() from error

    def holds(self, shapes: Shapes) -> bool:
        """Whether it holds for inputs of these shapes. Raises: AnalysisFault for what is not known here."""
        try:
            return bool(_value(self._tree, shapes))
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
            raise self._unknown() from error

    def _unknown(self) -> AnalysisFault:
        return AnalysisFault(
            f"the exported program was made under a condition that is not known here: {self.text[:120]!r}.",
            why="only arithmetic on the extents of its inputs is worked out",
            mend="export it without that condition, or give its Python file",
        )


def _value(node: ast.expr, shapes: Shapes) -> Any:
    match node:
        case ast.Constant(value=int()):
            return node.value
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, shapes)
        case ast.UnaryOp(op=ast.Not()):
            return not _value(node.operand, shapes)
        case ast.BoolOp(op=ast.And()):
            return all(_value(part, shapes) for part in node.values)
        case ast.BoolOp(op=ast.Or()):
            return any(_value(part, shapes) for part in node.values)
        case ast.BinOp() if type(node.op) in _BINARY:
            return _BINARY[type(node.op)](_value(node.left, shapes), _value(node.right, shapes))
        case ast.Compare(ops=[ast.cmpop() as op], comparators=[right]) if type(op) in _COMPARED:
            return _COMPARED[type(op)](_value(node.left, shapes), _value(right, shapes))
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in _CALLED:
            return _CALLED[name](*[_value(part, shapes) for part in node.args])
        case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr=("sym_max" | "sym_min") as name), keywords=[]):
            return _CALLED[name.removeprefix("sym_")](*[_value(part, shapes) for part in node.args])
        case _:
            return _extent(node, shapes)


def _extent(node: ast.expr, shapes: Shapes) -> int:
    """`L['x'].size()[2]`: one extent of an input."""
    match node:
        case ast.Subscript(
            value=ast.Call(
                func=ast.Attribute(value=ast.Subscript(value=ast.Name(id="L"), slice=ast.Constant(value=str(name))), attr="size"), args=[]
            ),
            slice=ast.Constant(value=int(axis)),
        ):
            return shapes[name][axis]
        case _:
            raise LookupError(type(node).__name__)
