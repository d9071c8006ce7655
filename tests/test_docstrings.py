"""Docstrings held against the code: they exist, the names they mention exist, and every example in them runs."""

import ast
import builtins
import doctest
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src"
FILES = sorted((ROOT / "receptron").rglob("*.py"))
IDS = [str(path.relative_to(ROOT / "receptron")) for path in FILES]
TORCH = {"forward", "extra_repr"}  # torch's own contract; the class says what goes in and comes out
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
RAISES = re.compile(r"Raises:(.*?)(?:\n\s*\n|\n\s*(?:Returns|Source|>>>)|\Z)", re.DOTALL)
ERROR = re.compile(r"(?:^|[;,.]|\bor\b|\band\b)\s*([A-Z][A-Za-z]+)")
PROPER = {"TensorBoard", "BatchNorm", "ONNX", "CSV", "TOML", "JSON"}  # products and formats, not errors
FOREIGN = {"aligned", "num_batches_tracked", "r_3", "__MACOSX", "_bn"}  # LaTeX, torch, a symbol, a folder, an ending of names
MENTION = re.compile(r"(?<!`)`([a-z_]\w*)`(?!`)")


@dataclass(frozen=True)
class Documented:
    """One public function or class, and what its docstring may speak of."""

    name: str
    line: int
    text: str | None
    near: frozenset[str]  # parameters, fields and names of the file


def public(tree: ast.Module) -> Iterator[Documented]:
    """Public functions and classes at the top of a file, and public methods of public classes."""
    known = file_names(tree)
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield Documented(node.name, node.lineno, ast.get_docstring(node), frozenset(known | parameters(node)))
            if isinstance(node, ast.ClassDef):
                yield from methods(node, known)


def methods(owner: ast.ClassDef, known: set[str]) -> Iterator[Documented]:
    for node in owner.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.name not in TORCH:
            near = known | parameters(owner) | parameters(node)
            yield Documented(f"{owner.name}.{node.name}", node.lineno, ast.get_docstring(node), frozenset(near))


def parameters(node: Definition) -> set[str]:
    """Arguments of a function; of a class its fields, methods, and the arguments and attributes of `__init__`."""
    found: set[str] = set()
    for inner in ast.walk(node):
        match inner:
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
                found.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.keyword(arg=str(name)):
                found.add(name)
            case _:
                pass
    return found


def file_names(tree: ast.Module) -> set[str]:
    """Names that a file defines or imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(names=names) | ast.Import(names=names):
                found |= {alias.asname or alias.name.split(".")[0] for alias in names}
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]):
                found.add(name)
            case _:
                pass
    return found


@cache
def vocabulary() -> frozenset[str]:
    """Public names of the package: modules, functions, classes, their fields and methods; and Python's own."""
    found = {path.stem for path in FILES} | {path.parent.name for path in FILES} | set(dir(builtins)) | {"receptron"}
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, Definition):
                found |= {node.name} | (parameters(node) if isinstance(node, ast.ClassDef) else set())
    return frozenset(found)


@cache
def errors() -> frozenset[str]:
    """Classes of the package, and Python's own exceptions."""
    own = {node.name for path in FILES for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)}
    return frozenset(own | {name for name in dir(builtins) if isinstance(getattr(builtins, name), type)})


def strangers(one: Documented) -> list[str]:
    """Lower-case names in backticks that are no parameter and no name of this file or package."""
    return sorted(set(MENTION.findall(one.text or "")) - one.near - vocabulary() - FOREIGN)


def unknown_errors(text: str) -> list[str]:
    """Names after `Raises:` that no class bears."""
    told = [name for part in RAISES.findall(text) for name in ERROR.findall(re.sub(r"\([^)]*\)", "", part))]
    return sorted({name for name in told if name not in errors() and name not in PROPER})


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_every_public_name_has_a_docstring(path: Path):
    bare = [f"{one.name} (line {one.line})" for one in public(ast.parse(path.read_text())) if not one.text]
    assert not bare, f"without a docstring: {', '.join(bare)}"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_names_in_backticks_exist(path: Path):
    wrong = {one.name: names for one in public(ast.parse(path.read_text())) if (names := strangers(one))}
    assert not wrong


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_errors_told_under_raises_exist(path: Path):
    wrong = {one.name: names for one in public(ast.parse(path.read_text())) if (names := unknown_errors(one.text or ""))}
    assert not wrong


@pytest.mark.parametrize("path", [path for path in FILES if ">>>" in path.read_text()], ids=lambda p: str(p.relative_to(ROOT)))
def test_every_example_runs(path: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    if '"digits' in path.read_text():
        request.getfixturevalue("workshop")
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted, "the examples are not in docstrings, where doctest looks"
    assert not result.failed


MUTATED = '''
def grow(width: int) -> int:
    """Twice the `widht`.

    Raises: BadValeu if it is negative; UnknownName.
    """


def bare(): ...
'''


def test_a_missing_docstring_a_wrong_parameter_and_a_wrong_error_would_be_found():
    grow, bare = public(ast.parse(MUTATED))
    assert strangers(grow) == ["widht"]
    assert unknown_errors(grow.text or "") == ["BadValeu"]
    assert bare.text is None
