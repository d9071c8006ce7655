"""Lower floors never import higher ones, nor a neighbour on their own floor: the picture in ARCHITECTURE.md, held against the code."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src/receptron"
FLOORS = [
    "errors fault_kind printable wording given_path atomic_write checksummed_record cache_dir records progress",
    "arithmetic blocks weights",
    "zoo analysis data",
    "evaluation",
    "bundle",
    "training explain tutor",
    "report deploy",
    "jobs lab",
    "cli",
    "__init__ __main__",
]
FLOOR_OF = {part: floor for floor, parts in enumerate(FLOORS) for part in parts.split()}
GROUND = set(FLOORS[0].split())


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
    return sorted(p for p in imported_parts(source) - {part} if FLOOR_OF[p] >= FLOOR_OF[part] and not {p, part} <= GROUND)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downwards(path: Path):
    part = part_of(path)
    above = faults(part, path.read_text())
    assert not above, f"{part} (floor {FLOOR_OF[part]}) imports {above} from its own floor or above"


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_are_absolute(path: Path):
    relative = [n.lineno for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom) and n.level]
    assert not relative, f"relative imports at lines {relative}; write receptron.part.file in full"


def test_an_import_upwards_or_sideways_would_be_found():
    assert faults("data", "def f():\n    from receptron.training import loop") == ["training"]
    assert faults("zoo", "from receptron.analysis import record") == ["analysis"]
    assert faults("zoo", "from receptron.blocks.conv import conv") == []


def test_every_part_stands_on_a_floor():
    parts = {part_of(p) for p in ROOT.rglob("*.py")}
    assert parts <= FLOOR_OF.keys(), f"parts without a floor: {sorted(parts - FLOOR_OF.keys())}"
