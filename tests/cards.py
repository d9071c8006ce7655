"""A small model directory for tests: a real network with random weights and a card that fits it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from receptron.bundle import store
from receptron.bundle.card import ModelCard, Provenance
from receptron.evaluation.metrics import compare, evaluate
from receptron.weights.inputs import IMAGENET_MEAN, IMAGENET_STD, InputSpec
from receptron.zoo import build

CLASSES = ("daisy", "rose", "tulip")
GREY = InputSpec(28, (0.5,), (0.25,), "bilinear", 0.875)
COLOUR = InputSpec(64, IMAGENET_MEAN, IMAGENET_STD, "bicubic", 0.8)


def randomised(net: nn.Module, seed: int = 0) -> nn.Module:
    """Every parameter and statistic drawn, so that none is at its neutral value."""
    draw = torch.Generator().manual_seed(seed)
    for name, tensor in net.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=draw)
        elif name.endswith(("norm.weight", "bn.weight")):
            tensor.uniform_(0.5, 1.5, generator=draw)
        elif tensor.is_floating_point():
            tensor.normal_(0, (2 / max(1, tensor[0].numel())) ** 0.5 if tensor.ndim > 1 else 0.1, generator=draw)
    return net


def network(name: str = "lenet5", channels: int = 1, seed: int = 0, classes: int = len(CLASSES)) -> nn.Module:
    """The net of that name with drawn weights, in eval mode."""
    return randomised(build(name, classes=classes, channels=channels), seed).eval()


def card(name: str = "lenet5", channels: int = 1, spec: InputSpec = GREY, classes: Sequence[str] = CLASSES) -> ModelCard:
    """A card for `network(name, channels)`; its evaluation comes from drawn logits."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, len(classes), 60)
    logits = rng.normal(size=(60, len(classes))) + 2 * np.eye(len(classes))[labels]
    came = Provenance(
        "0.1.0", {"torch": torch.__version__}, "receptron train x", 0, "0" * 64, "none", "", "cpu", "32", "contiguous", "2026-01-01"
    )
    return ModelCard(
        net=name,
        classes=tuple(classes),
        channels=channels,
        input=spec,
        temperature=1.7,
        rung="from scratch",
        parameters=sum(p.numel() for p in network(name, channels, classes=len(classes)).parameters()),
        macs=1,
        evaluation=evaluate(logits, labels, classes, 1.7, "60 test images"),
        comparisons=(compare(logits.argmax(1) == labels, labels == 0, "majority class"),),
        provenance=came,
    )


def saved(folder: Path, split: Sequence[store.Placed] = (), name: str = "lenet5", channels: int = 1, spec: InputSpec = GREY) -> Path:
    """A model directory at `folder`."""
    return store.save(folder, card(name, channels, spec), network(name, channels).state_dict(), split)
