"""Does making batches keep up? Training throughput through the loop's own source, against the same steps on a batch already in memory.

    python benchmarks/loader.py --shared ../shared [--images 160] [--rounds 6] [--precision float32]

Photos of shared/data/flowers at 224 px from canvases in memory, all of MobileNetV2 learns, batches of 32, through the same loop both
times; who goes first alternates, and the median of the ratios of neighbours counts.
"""

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from feature_cache import SPEC, backbone, spread
from receptron.data.augmentation.policy import POLICIES
from receptron.data.dataset.scan import scan
from receptron.data.ingest import read
from receptron.training.batches.sources import CanvasSource, Source
from receptron.training.hardware.device import Hardware
from receptron.training.loop.hooks import Hooks
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.loop import Phase, fit
from receptron.training.records import PhaseName


class Held:
    """The same batch again and again."""

    def __init__(self, inner: CanvasSource, batch: int) -> None:
        self.names = inner.names
        self.inputs, self.targets = inner.batch(np.arange(batch), 0)

    def batch(self, rows: np.ndarray, epoch: int) -> tuple[Tensor, Tensor]:
        return self.inputs[: len(rows)], self.targets[: len(rows)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    options = parser.parse_args()
    engine = Hardware(precision=options.precision)
    reading = read(spread(scan(options.shared / "data/flowers/train"), options.images), SPEC.resize)
    labels = sorted({entry.item.label for entry in reading.good})
    names = [entry.sha256 for entry in reading.good]
    targets = torch.tensor([labels.index(entry.item.label) for entry in reading.good])
    source = CanvasSource([reading.canvases[name] for name in names], names, targets, SPEC, 3, POLICIES["light"], 0, len(labels))
    net = backbone(options.shared)

    def speed(images: Source) -> tuple[float, float]:
        """Images per second of one epoch, and per second of processor time over all threads."""
        began = time.process_time()
        seen = fit(Phase(PhaseName("one epoch"), net, images, Hyperparameters(1, 32, 1e-3)), engine, Hooks()).points[-1].images_per_second
        return seen, len(names) / (time.process_time() - began)

    held = Held(source, 32)
    speed(Held(source, 32))  # warm
    pairs = list[tuple[tuple[float, float], tuple[float, float]]]()
    for number in range(options.rounds):  # who goes first changes, so that neither gains from it
        first, second = (speed(images) for images in ((source, held) if number % 2 else (held, source)))
        pairs.append((first, second) if number % 2 else (second, first))
    table = Table("images per second", *(f"round {i + 1}" for i in range(len(pairs))), title=f"{options.precision}, {len(names)} photos")
    for kind, what in enumerate(("wall clock", "processor time")):
        table.add_row(f"batches made as the loop makes them, {what}", *(f"{ours[kind]:.1f}" for ours, _ in pairs))
        table.add_row(f"one batch already in memory, {what}", *(f"{theirs[kind]:.1f}" for _, theirs in pairs))
    Console().print(table)
    wall, spent = (median(ours[kind] / theirs[kind] for ours, theirs in pairs) for kind in range(2))
    print(f"median share {wall:.1%} by the wall clock (wanted: 95 % or more), {spent:.1%} by processor time, which other work on the")
    print(f"machine does not disturb; {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
