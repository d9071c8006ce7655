"""Small contexts for tests of training: drawn canvases of a few classes, a tiny network, and everything training stands on."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from receptron.blocks.classifier import Classifier
from receptron.data.augmentation.policy import Policy
from receptron.data.preprocessing.image_cache import Canvases
from receptron.data.reading.pixel_formats import Pixels
from receptron.training.checkpointing.decision_log import DecisionLog
from receptron.training.checkpointing.time_budget import TimeBudget
from receptron.training.context import Images, RunEnvironment, TrainingContext
from receptron.weights.inputs import InputSpec
from receptron.zoo import build

SPEC = InputSpec(32, (0.5, 0.45, 0.4), (0.25, 0.2, 0.3), "bilinear", 0.8)
VARIED = Policy(
    area=(0.5, 1.0), aspect=4 / 3, flip=True, brightness=0.2, contrast=0.2, rotation=10.0, translation=0.1, scale=0.1, shear=5.0
)
CLASSES = ("bars", "dots", "plain")


def drawn(count: int, seed: int = 0, side: int = 40) -> tuple[list[Pixels], list[int]]:
    """Noisy canvases (side, side + 0..3, 3): vertical bars, dots, or nothing but a tint, at random places and of random colours."""
    rng = np.random.default_rng(seed)
    canvases, labels = list[Pixels](), list[int]()
    for i in range(count):
        label = i % len(CLASSES)
        wide = side + int(rng.integers(4))
        x, y = np.meshgrid(np.arange(wide), np.arange(side))
        period, phase = rng.uniform(5, 9), rng.uniform(0, 6, 2)
        wave = [
            np.sin(2 * np.pi * x / period + phase[0]),
            np.sin(2 * np.pi * x / period + phase[0]) * np.sin(2 * np.pi * y / period + phase[1]),
        ]
        shape = wave[label] if label < 2 else np.zeros_like(x, float)
        colour = rng.uniform(60, 190, 3)
        pixels = colour + shape[:, :, None] * rng.uniform(20, 60) + rng.normal(0, 20, (side, wide, 3))
        canvases.append(np.clip(pixels, 0, 255).astype(np.uint8))
        labels.append(label)
    return canvases, labels


def net(seed: int = 0, classes: int = len(CLASSES), name: str = "cifar_resnet20") -> Classifier:
    """A network with fresh weights and drawn statistics, in eval mode, so that BatchNorm is no identity."""
    torch.manual_seed(seed)
    made = build(name, classes=classes)
    with torch.no_grad():
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2), module.running_var.uniform_(0.6, 1.6)
                module.weight.uniform_(0.7, 1.3), module.bias.normal_(0, 0.1)
    return made.eval()


def context(
    count: int = 60, work: Path | None = None, cache: Path | None = None, *, folds: int = 3, seconds: float = 3600, full: bool = False
) -> TrainingContext:
    """Drawn images, placed on folds in turn, on a machine without trials (float32)."""
    canvases, labels = drawn(count)
    store = Canvases()
    names = tuple(f"{CLASSES[label]}/{i}.png" for i, label in enumerate(labels))
    digests = tuple(f"{i:064x}" for i in range(count))
    for digest, canvas in zip(digests, canvases, strict=True):
        store.add(digest, canvas)
    parts = tuple(np.flatnonzero(np.arange(count) // len(CLASSES) % folds == fold) for fold in range(folds))
    environment = RunEnvironment(work, cache, TimeBudget(seconds), DecisionLog(work / "decisions.json" if work else None))
    return TrainingContext(
        images=Images(digests, names, torch.tensor(labels)), folds=parts, classes=CLASSES, canvases=store, spec=SPEC, channels=3,
        policy=VARIED, device="cpu", precision="float32", seed=0, environment=environment, full_folds=full,
    )  # fmt: skip
