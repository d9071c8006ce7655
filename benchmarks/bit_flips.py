"""Damage a model directory in every way that a disk or a copy can, and count what loading finds.

    python benchmarks/bit_flips.py [--flips 1000]

Single bits are flipped in proportion to the files' sizes and, so that small files get their share, evenly over the files too. Then
each file is cut at many lengths, taken away, and joined by files that do not belong. Exits with 1 if anything passes unnoticed.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from cards import saved
from receptron.bundle import store
from receptron.bundle.store import Placed
from receptron.errors import BundleFault

Harm = Callable[[], Path]  # does the harm and says which file it befell


def flips(folder: Path, count: int, draw: random.Random) -> Iterator[Harm]:
    """Half of the flips anywhere in the folder, half in files taken in turn."""
    files = sorted(folder.iterdir())
    sizes = [path.stat().st_size for path in files]
    for i in range(count):
        path = draw.choices(files, sizes)[0] if i % 2 else files[i // 2 % len(files)]
        yield lambda path=path, bit=draw.randrange(8 * path.stat().st_size): flipped(path, bit)


def flipped(path: Path, bit: int) -> Path:
    """One bit of a file turned over."""
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    return path


def cuts(folder: Path, draw: random.Random) -> Iterator[Harm]:
    """Every file cut to nothing, by one byte, and at 20 lengths in between."""
    for path in sorted(folder.iterdir()):
        size = path.stat().st_size
        for length in (0, size - 1, *(draw.randrange(size) for _ in range(20))):
            yield lambda path=path, length=length: (path.write_bytes(path.read_bytes()[:length]), path)[1]


def losses(folder: Path) -> Iterator[Harm]:
    """Every file taken away."""
    for path in sorted(folder.iterdir()):
        yield lambda path=path: (path.unlink(), path)[1]


def guests(folder: Path) -> Iterator[Harm]:
    """Files and a folder that do not belong."""
    for name in ("model.pt", "MODEL.JSON", "model.json~", "model.safetensors.1", "x" * 200):
        yield lambda path=folder / name: (path.write_bytes(b""), path)[1]
    yield lambda path=folder / "inner": (path.mkdir(), path)[1]


def found(folder: Path, harms: Iterator[Harm]) -> tuple[int, int, int]:
    """How many harms were done, found, and blamed on the right file; the folder is whole again after each."""
    good = {path: path.read_bytes() for path in folder.iterdir()}
    done = seen = named = 0
    for harm in harms:
        path = harm()
        done += 1
        try:
            store.verify(folder)
        except BundleFault as error:
            seen += 1
            named += path.name in error.what
        if path not in good:
            path.rmdir() if path.is_dir() else path.unlink()
        for each, data in good.items():
            each.write_bytes(data)
    store.verify(folder)
    return done, seen, named


def main() -> int:
    """Print found / done for each kind of harm."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--flips", type=int, default=1000)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    draw, missed = random.Random(chosen.seed), 0
    with tempfile.TemporaryDirectory() as scratch:
        split = [Placed(f"{i:064x}", f"class/{i}.jpg", "train", "class") for i in range(200)]
        folder = saved(Path(scratch) / "model", split)
        kinds = {
            "single-bit flips": flips(folder, chosen.flips, draw),
            "cut files": cuts(folder, draw),
            "missing files": losses(folder),
            "extra files": guests(folder),
        }
        for kind, harms in kinds.items():
            done, seen, named = found(folder, harms)
            print(f"{kind:18} {seen}/{done} found, {named}/{done} name the file")
            missed += done - seen
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
