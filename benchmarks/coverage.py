"""Do the intervals mean what they say? How often the 95 % interval of a cross-validated accuracy covers the accuracy on all other images.

    OMP_NUM_THREADS=1 python benchmarks/coverage.py --shared ../shared [--subsets 200] [--size 150] [--population 10000]

CIFAR-10's test images through the ResNet-20 of shared/weights are the population: its features before the class layer, once. Each of the
random subsets gets what `receptron train --test-size 0` does at rung 1: five folds, a linear head chosen and judged out of fold, the
interval of the report. The truth is the accuracy on all images outside the subset: of the five heads that were judged, which is what
the figure estimates, and of the head on the whole subset, which is what a user gets and is a little better.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from receptron.data.stateless_random import keyed
from receptron.evaluation.confidence_intervals import out_of_fold, wilson
from receptron.evaluation.records import Estimate
from receptron.training.features.frozen_backbone import divide, frozen
from receptron.training.hardware.device import Hardware
from receptron.training.ladder.linear_probe import Chosen, choose_head
from receptron.weights.inputs import IMAGENET_MEAN, IMAGENET_STD, InputSpec
from receptron.weights.pretrained import Pretrained
from receptron.zoo import build

SPEC = InputSpec(32, IMAGENET_MEAN, IMAGENET_STD, "bilinear", 1.0)
TILE, FOLDS = 32, 5


def population(shared: Path, count: int, noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (count, 1, 64) and labels. Noise makes the task as hard as people's own are: the network was trained for this one."""
    path = shared / "weights/cifar_resnet20.th"
    net = build("cifar_resnet20", classes=10, pretrained=Pretrained("shared", "cifar_resnet20", path, "akamaster", SPEC, "BSD-2"))
    sheets = [np.asarray(Image.open(file).convert("RGB")) for file in sorted((shared / "data/cifar10/test").glob("*.webp"))]
    tiles = np.concatenate([sheet.reshape(25, TILE, 40, TILE, 3).swapaxes(1, 2).reshape(-1, TILE, TILE, 3) for sheet in sheets])
    labels = np.load(shared / "data/cifar10/test/labels.npy")
    picked = keyed(0, "population").permutation(len(labels))[:count]
    mean, std = np.array(IMAGENET_MEAN, np.float32), np.array(IMAGENET_STD, np.float32)
    pixels = torch.from_numpy(((tiles[picked] / np.float32(255) - mean) / std).transpose(0, 3, 1, 2).astype(np.float32))
    divided, engine = divide(net, 3, TILE), Hardware()
    front, tail = frozen(divided.front, engine), frozen(divided.tail, engine)
    with torch.inference_mode():
        rows = torch.cat([tail.pooled(front(engine.place(part))) for part in pixels.split(250)])
    rows = rows.clone() + noise * rows.std(0) * torch.randn(rows.shape, generator=torch.Generator().manual_seed(0))
    return rows[:, None], torch.from_numpy(labels[picked].astype(np.int64))


def judged(features: torch.Tensor, labels: torch.Tensor, rows: np.ndarray) -> tuple[Chosen, np.ndarray]:
    """Cross-validated head on a subset, and which of its images it gets right out of fold."""
    folds = [np.flatnonzero(np.arange(len(rows)) % FOLDS == fold) for fold in range(FOLDS)]
    chosen = choose_head(features[rows], labels[rows], 10, folds)
    return chosen, chosen.logits.argmax(1) == labels[rows].numpy()


def main() -> None:
    """Resample, count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--subsets", type=int, default=200)
    parser.add_argument("--size", type=int, default=150)
    parser.add_argument("--population", type=int, default=10000)
    parser.add_argument("--noise", type=float, default=1.5, help="standard deviations of the features")
    options = parser.parse_args()
    features, labels = population(options.shared, options.population, options.noise)
    told: list[tuple[Estimate, Estimate, float, float]] = []
    for number in range(options.subsets):
        rows = keyed(number, "subset").permutation(len(labels))[: options.size]
        chosen, right = judged(features, labels, rows)
        rest = np.setdiff1d(np.arange(len(labels)), rows)
        shares = [(head.logits(features[rest, 0]).argmax(1) == labels[rest].numpy()).mean() for head in (*chosen.folds, chosen.head)]
        counts = int(right.sum()), len(right)
        told.append((out_of_fold(*counts, FOLDS), wilson(*counts), float(np.mean(shares[:-1])), float(shares[-1])))
    table = Table("figure", "heads of the folds", "the head on all of the subset", title=f"{options.subsets} subsets of {options.size}")
    table.add_row("mean cross-validated accuracy", *[f"{np.mean([found.value for found, *_ in told]):.1%}"] * 2)
    truths = np.array([rest for _, _, *rest in told])
    low, high = (np.array([[limit(found)] for found, *_ in told]) for limit in (lambda f: f.low, lambda f: f.high))
    table.add_row("mean true accuracy", *(f"{share:.1%}" for share in truths.mean(0)))
    table.add_row("intervals that cover it (wanted: 93 %)", *(f"{s:.1%}" for s in ((low <= truths) & (truths <= high)).mean(0)))
    plain = np.array([[[found.low], [found.high]] for _, found, *_ in told])
    held = (plain[:, 0] <= truths) & (truths <= plain[:, 1])
    table.add_row("Wilson's, as for independent images, would cover", *(f"{share:.1%}" for share in held.mean(0)))
    table.add_row("truth below the interval", *(f"{share:.1%}" for share in (truths < low).mean(0)))
    table.add_row("truth above the interval", *(f"{share:.1%}" for share in (truths > high).mean(0)))
    Console().print(table)


if __name__ == "__main__":
    main()
