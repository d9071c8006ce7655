"""Lower floors never import higher ones, nor a neighbour on their own floor: the picture in ARCHITECTURE.md, held against the code."""

import ast
import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
ROOT = HOUSE / "src/receptron"
PICTURE = (HOUSE / "ARCHITECTURE.md").read_text().partition("\nsrc/receptron/\n")[2].partition("\n```")[0]
FLOOR_OF = {name.rstrip("/").removesuffix(".py"): int(floor) for name, floor in re.findall(r"^  ([\w.]+/?) +(\d+) ", PICTURE, re.MULTILINE)}
TOP = {"__init__", "__main__"}  # what the package offers and how it is started: above all floors
MOST_FILES = 12
LARGE = {  # folders with more files, and why
    "arithmetic": "one closed form a file",
    "blocks": "one block a file",
    "zoo": "one paper a file",
}
GROUND = {part for part, floor in FLOOR_OF.items() if floor == 0}


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_parts(source: str) -> set[str]:
    """Parts of the package that a file imports anywhere, even inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(level=0, module=str(name)) if name.startswith("receptron."):
                found.add(name.split(".")[1])
            case ast.ImportFrom(level=0, module="receptron", names=names):
                found |= {alias.name for alias in names}
            case ast.Import(names=names):
                found |= {a.name.split(".")[1] for a in names if a.name.startswith("receptron.")}
            case _:
                pass
    return found


def faults(part: str, source: str) -> list[str]:
    """Imported parts on the same floor or above; the ground floor's files may know each other."""
    here = floor_of(part)
    return sorted(p for p in imported_parts(source) - {part} if floor_of(p) >= here and not {p, part} <= GROUND)


def floor_of(part: str) -> int:
    return max(FLOOR_OF.values()) + 1 if part in TOP else FLOOR_OF[part]


def folders_drawn() -> set[str]:
    """Every folder of the picture, as a path below src/receptron."""
    found: set[str] = set()
    above: list[str] = []
    for indent, name in re.findall(r"^( +)(\w+)/ ", PICTURE, re.MULTILINE):
        above[len(indent) // 2 - 1 :] = [name]
        found.add("/".join(above))
    return found


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downwards(path: Path):
    part = part_of(path)
    above = faults(part, path.read_text())
    assert not above, f"{part} (floor {floor_of(part)}) imports {above} from its own floor or above"


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_are_absolute(path: Path):
    relative = [n.lineno for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom) and n.level]
    assert not relative, f"relative imports at lines {relative}; write receptron.part.file in full"


def test_an_import_upwards_or_sideways_would_be_found():
    assert faults("data", "def f():\n    from receptron.training import loop") == ["training"]
    assert faults("analysis", "from receptron.zoo import build") == ["zoo"]
    assert faults("zoo", "from receptron.blocks.conv import conv") == []


def test_the_picture_shows_every_part_and_no_ghost():
    parts = {part_of(p) for p in ROOT.rglob("*.py")} - TOP
    assert parts == FLOOR_OF.keys()


def test_the_picture_shows_every_folder_and_no_ghost():
    there = {str(p.parent.relative_to(ROOT)) for p in ROOT.rglob("*.py")} - {"."}
    assert there == folders_drawn()


def test_folders_hold_few_files():
    many = {str(d.relative_to(ROOT)): n for d in [ROOT, *ROOT.rglob("*/")] if (n := len([*d.glob("*.py")])) > MOST_FILES}
    assert many.keys() <= LARGE.keys(), f"folders of more than {MOST_FILES} files: {many}"
    assert LARGE.keys() <= many.keys(), "an exception that is none any more"
