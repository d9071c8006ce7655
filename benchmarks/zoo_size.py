"""Length and repetition of the zoo's architecture files beside torchvision's and timm's files for the same nets.

python benchmarks/zoo_size.py

A line is repeated if it lies in a run of more than six equal lines (blank lines, comments and imports left out) that another file has too.
"""

import importlib.util
from collections import defaultdict
from pathlib import Path
from statistics import median

RUN = 7
OURS = Path(__file__).parents[1] / "src/receptron/zoo"
NOT_ARCHITECTURES = {"__init__", "adapt", "builder", "cards", "count", "knowledge", "loading", "nets", "notes", "papers", "scaling"}
TORCHVISION = [
    "alexnet", "convnext", "densenet", "efficientnet", "googlenet", "inception", "mobilenetv2", "mobilenetv3", "resnet", "squeezenet",
    "vgg", "vision_transformer", "segmentation/deeplabv3", "regnet", "swin_transformer",
]  # fmt: skip
TIMM = [
    "convnext", "densenet", "efficientnet", "inception_v3", "mobilenetv3", "resnet", "resnetv2", "senet", "vgg", "vision_transformer",
    "xception", "regnet", "byobnet", "swin_transformer",
]  # fmt: skip


def lines(path: Path) -> list[str]:
    stripped = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in stripped if line and not line.startswith(("#", "import ", "from "))]


def repeated(files: list[Path]) -> int:
    """Lines that stand in more than one file as part of a run of more than six."""
    places: dict[tuple[str, ...], set[tuple[Path, int]]] = defaultdict(set)
    for path in files:
        text = lines(path)
        for i in range(len(text) - RUN + 1):
            places[tuple(text[i : i + RUN])].add((path, i))
    marked = {(path, i + k) for found in places.values() if len({path for path, _ in found}) > 1 for path, i in found for k in range(RUN)}
    return len(marked)


def package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"{name} is not installed: pip install 'receptron[bench]'")
    return Path(found.submodule_search_locations[0])


def report(title: str, files: list[Path]) -> None:
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
    longest = max(files, key=lambda path: len(path.read_text(encoding="utf-8").splitlines())).name
    print(f"| {title} | {len(files)} | {sum(lengths):,} | {lengths[-1]:,} ({longest}) | {median(lengths):,.0f} | {repeated(files):,} |")


def main() -> None:
    print("| | files | lines | longest | median | repeated across files |\n|---|---:|---:|---:|---:|---:|")
    report("Receptron, architectures", [p for p in sorted(OURS.glob("*.py")) if p.stem not in NOT_ARCHITECTURES])
    report("Receptron, with blocks and key maps", [
        *(p for p in sorted(OURS.glob("*.py")) if p.stem not in NOT_ARCHITECTURES),
        *sorted((OURS / "keys").glob("*.py")), *sorted((OURS.parent / "blocks").glob("*.py")),
    ])  # fmt: skip
    for name, files in (("torchvision", TORCHVISION), ("timm", TIMM)):
        report(f"{name}, the same nets", [package(name) / "models" / f"{file}.py" for file in files])


if __name__ == "__main__":
    main()
