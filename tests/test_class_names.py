"""A class's name says what it is of: no two classes of the package share one, so that a name in an error or a trace leads to one place."""

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent / "src/receptron"


def shared_names(sources: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Names of classes that stand in more than one place of the (file, text) given, with the places."""
    places: dict[str, list[str]] = defaultdict(list)
    for file, text in sources:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{file}:{node.lineno}")
    return {name: found for name, found in places.items() if len(found) > 1}


def test_no_two_classes_share_a_name():
    assert not shared_names((str(path.relative_to(ROOT)), path.read_text()) for path in sorted(ROOT.rglob("*.py")))


def test_a_shared_name_would_be_found():
    one, two = "class Line: ...", "def f():\n    class Line: ...\nclass Row(Line): ..."
    assert shared_names([("a.py", one), ("b.py", two)]) == {"Line": ["a.py:1", "b.py:2"]}
    assert shared_names([("a.py", f"{one}\n{one}")]) == {"Line": ["a.py:1", "a.py:2"]}
    assert not shared_names([("a.py", one), ("b.py", "class Row: ...\nLine = 1")])
