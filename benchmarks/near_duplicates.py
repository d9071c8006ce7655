"""Plant altered copies among real photos and count which are found, and how many pairs are named that are none.

    python benchmarks/near_duplicates.py FOLDER [--images 600] [--seed 0]

FOLDER is anything that `receptron audit` takes, or a folder of CIFAR-10 mosaics (with --mosaic). Near duplicates that were in the folder
before are left out of the plantings and of the false pairs, but printed, to be looked at.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from receptron.data.dataset.scan import scan
from receptron.data.deduplication.duplicates import find_duplicates
from receptron.data.ingest import read

TILE = 32


def resized(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Half to three quarters of the size."""
    share = rng.uniform(0.5, 0.75)
    return image.resize((max(1, round(image.width * share)), max(1, round(image.height * share))), Image.Resampling.BICUBIC)


def recompressed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """JPEG of quality 30 to 60."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(30, 61)))
    return Image.open(buffer).convert("RGB")


def cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """95 % of width and height, from anywhere."""
    width, height = round(image.width * 0.95), round(image.height * 0.95)
    left, top = int(rng.integers(0, image.width - width + 1)), int(rng.integers(0, image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


def trimmed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """5 % off one edge."""
    cut = (image.width * 0.05, image.height * 0.05)
    edges = [(cut[0], 0, image.width, image.height), (0, cut[1], image.width, image.height)]
    edges += [(0, 0, image.width - cut[0], image.height), (0, 0, image.width, image.height - cut[1])]
    return image.crop(tuple(round(edge) for edge in edges[rng.integers(4)]))


def lighter(image: Image.Image, _: np.random.Generator) -> Image.Image:
    """20 % brighter."""
    return ImageEnhance.Brightness(image).enhance(1.2)


def darker(image: Image.Image, _: np.random.Generator) -> Image.Image:
    """20 % darker."""
    return ImageEnhance.Brightness(image).enhance(0.8)


def mirrored(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Left to right or top to bottom."""
    return ImageOps.mirror(image) if rng.random() < 0.5 else ImageOps.flip(image)


def turned(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """By one, two or three quarters."""
    return image.transpose(list(Image.Transpose)[rng.integers(2, 5)])


def turned_and_cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Mirrored, turned, 5 % cropped, recompressed."""
    return recompressed(cropped(turned(ImageOps.mirror(image), rng), rng), rng)


PLANTINGS: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "resize": resized,
    "recompress": recompressed,
    "crop 5 %": cropped,
    "trim 5 % off one edge": trimmed,
    "brightness +20 %": lighter,
    "brightness -20 %": darker,
    "mirror": mirrored,
    "quarter turns": turned,
    "mirror, turn, crop, JPEG": turned_and_cropped,
}


def originals(folder: str, count: int, mosaic: bool, rng: np.random.Generator) -> list[Image.Image]:
    """Up to `count` images, drawn at random."""
    if mosaic:
        sheets = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(Path(folder).glob("*.webp"))]
        tiles = [sheet.reshape(25, TILE, 40, TILE, 3).swapaxes(1, 2).reshape(-1, TILE, TILE, 3) for sheet in sheets]
        pool = np.concatenate(tiles)
        return [Image.fromarray(pool[place]) for place in rng.permutation(len(pool))[:count]]
    items = scan(folder).items
    return [Image.open(items[place].path).convert("RGB") for place in rng.permutation(len(items))[:count]]


def plant(images: list[Image.Image], folder: Path, rng: np.random.Generator) -> dict[str, str]:
    """Write originals and one copy of every other image; the kind of each copy by its name."""
    kinds: dict[str, str] = {}
    for index, image in enumerate(images):
        image.save(folder / f"{index:05d}.png")
        if index % 2 == 0:
            kind = list(PLANTINGS)[index // 2 % len(PLANTINGS)]
            PLANTINGS[kind](image, rng).save(folder / f"{index:05d}-copy.png")
            kinds[f"{index:05d}-copy.png"] = kind
    return kinds


def main() -> None:
    """Plant, look, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--mosaic", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    images = originals(options.folder, options.images, options.mosaic, rng)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "all"
        folder.mkdir()
        kinds = plant(images, folder, rng)
        reading = read(scan(name), workers=2)
        start = time.perf_counter()
        clusters = find_duplicates(reading)
        seconds = time.perf_counter() - start
    names = [entry.item.path.name for entry in reading.entries]
    pairs = [(names[pair.first], names[pair.second]) for pair in clusters.pairs]
    found = Counter(kinds[b if b in kinds else a] for a, b in pairs if a[:5] == b[:5])
    planted = Counter(kinds.values())
    others = sorted({tuple(sorted((a[:5], b[:5]))) for a, b in pairs if a[:5] != b[:5]})
    for kind, count in planted.items():
        print(f"{kind:24} {found[kind]:4} of {count:4} found = {found[kind] / count:6.1%}")
    everything = sum(planted.values())
    print(f"{'all planted':24} {sum(found.values()):4} of {everything:4} found = {sum(found.values()) / everything:6.1%}")
    print(f"pairs of different originals: {len(others)} of {len(pairs)} named = {len(others) / max(1, len(pairs)):.2%} {others[:10]}")
    print(f"{len(names):,} images compared in {seconds:.1f} s")


if __name__ == "__main__":
    main()
