"""Does the search of rate and decay from scratch pay? Tuned against default on the same test images, paired, over several splits.

    python benchmarks/scratch_search.py --shared ../shared --work FOLDER [--draws 3] [--only digits,cifar] [--images 500] [--time 10m]

Each draw is two runs of `receptron train --weights none` on one split, once searched and once with the default set by `--rate` and
`--decay`; the table adds up the answers mended and broken. The test side takes no part in the choice. `cifar` is so many training images
of CIFAR-10, written out as PNG once; `digits` are too many for a search and show that none takes their time.
FOLDER keeps every run, so that a benchmark that was broken off goes on.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from receptron.evaluation.grouped_intervals import paired_gain
from receptron.jobs.options import Extras
from receptron.jobs.training.earlier_run import RECORD, read_run
from receptron.jobs.training.train import train
from receptron.training.ladder.scratch_search import DECAYS, RATES
from receptron.training.loop.recipe import Recipe
from receptron.training.records import Run

NETS = {"digits": "lenet5", "cifar": "cifar_resnet20"}


def cifar(shared: Path, work: Path, count: int) -> Path:
    """So many of the training images of CIFAR-10 as class folders, the first of each class."""
    folder = work / f"cifar-{count}"
    if folder.is_dir():
        return folder
    source = shared / "data" / "cifar10" / "train"
    labels, left = np.load(source / "labels.npy"), dict.fromkeys(range(10), count // 10)
    for row, label in enumerate(labels.tolist()):
        if left[label]:
            left[label] -= 1
            mosaic, place = divmod(row, 1000)
            top, side = (32 * part for part in divmod(place, 40))
            (folder / str(label)).mkdir(parents=True, exist_ok=True)
            with Image.open(sorted(source.glob("*.webp"))[mosaic]) as image:
                image.crop((side, top, side + 32, top + 32)).save(folder / str(label) / f"{row}.png")
    return folder


def one(path: str | Path, net: str, out: Path, seed: int, recipe: Recipe, time: str) -> Run:
    """A run, or the one that lies there already."""
    if (out / RECORD).is_file():
        return read_run(out)[1]
    extras = Extras(precision="float32", recipe=recipe, overwrite=out.exists())
    return train(path, out, net, "none", time, seed, extras=extras)


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--shared", type=Path, required=True)
    asked.add_argument("--work", type=Path, required=True)
    asked.add_argument("--draws", type=int, default=3)
    asked.add_argument("--only", default="cifar")
    asked.add_argument("--images", type=int, default=500)
    asked.add_argument("--time", default="10m")
    given = asked.parse_args()
    table = Table("set", "draw", "tuned", "default", "gain", "chosen (rate, decay)", "seconds")
    for name in given.only.split(","):
        path = "digits" if name == "digits" else cifar(given.shared, given.work, given.images)
        hits: list[tuple[np.ndarray, np.ndarray]] = []
        for draw in range(given.draws):
            tuned = one(path, NETS[name], given.work / f"{name}-{draw}-tuned", draw, Recipe(), given.time)
            usual = one(path, NETS[name], given.work / f"{name}-{draw}-default", draw, Recipe(rate=RATES[0], decay=DECAYS[0]), given.time)
            ours, theirs = (np.array([image.predicted == image.label for image in run.judged]) for run in (tuned, usual))
            hits.append((ours, theirs))
            found, gain = tuned.searches[0], paired_gain(ours, theirs, None)
            chosen = f"{found.rate:g}, {found.decay:g}" if not found.unknown else found.unknown
            told = f"{100 * gain.value:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
            table.add_row(
                name, str(draw), f"{ours.mean():.1%}", f"{theirs.mean():.1%}", told, chosen, f"{tuned.seconds:.0f} / {usual.seconds:.0f}"
            )
        ours, theirs = (np.concatenate(side) for side in zip(*hits, strict=True))
        told = f"mended {int((ours & ~theirs).sum())}, broken {int((theirs & ~ours).sum())} of {len(ours):,}"
        table.add_row(name, "all", f"{ours.mean():.1%}", f"{theirs.mean():.1%}", told, "", "")
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
