"""Small photos of three drawn classes, and a tiny backbone with everything that a local weights file must state; no network needed."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from receptron.blocks.init import initialise
from receptron.weights import store
from receptron.zoo import build

CLASSES = ("bars", "dots", "plain")
STEPS = 400  # of a batch of 64
SIDECAR = """\
net = "lenet5"
keys = "receptron"
licence = "made up"
[input]
pixels = 28
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]
interpolation = "bilinear"
crop = 0.8
"""


def photo(path: Path, label: str, seed: int, side: int = 44) -> Path:
    """Vertical bars, dots, or a plain ground, of random colour, contrast and place, under noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, CLASSES.index(label)])
    x, y = np.meshgrid(np.arange(side + 4), np.arange(side))
    period, phase = rng.uniform(5, 9), rng.uniform(0, 6, 2)
    across, down = (np.sin(2 * np.pi * axis / period + p) for axis, p in zip((x, y), phase, strict=True))
    shape = {"bars": across, "dots": across * down, "plain": np.zeros_like(across)}[label]
    # A broad gradient of its own, or pictures of one class would pass for near duplicates.
    slope = np.outer(*(np.interp(np.arange(n), np.linspace(0, n, 4), rng.uniform(0.4, 1.6, 4)) for n in shape.shape))
    pixels = (rng.uniform(60, 160, 3) + shape[:, :, None] * rng.uniform(25, 60)) * slope[:, :, None] + rng.normal(0, 12, (*shape.shape, 3))
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    return path


def folder(root: Path, per_class: int = 24, start: int = 0) -> Path:
    """Class folders of PNG files."""
    for label in CLASSES:
        for i in range(start, start + per_class):
            photo(root / label / f"{i:03d}.png", label, i)
    return root


def backbone(path: Path, sidecar: str | None = SIDECAR) -> Path:
    """Weights of a LeNet that has seen other such pictures, its last stage drawn anew, so that every rung has something to gain."""
    torch.manual_seed(0)
    net = build("lenet5", classes=10)
    optimiser = torch.optim.Adam(net.parameters(), 2e-3)
    with tempfile.TemporaryDirectory() as name:
        files = sorted(folder(Path(name), 60, start=1000).rglob("*.png"))
        pictures = [np.asarray(Image.open(file).convert("L").resize((40, 36)), np.float32) / 64 - 2 for file in files]
    labels = torch.tensor([CLASSES.index(file.parent.name) for file in files])
    draw = np.random.default_rng(0)
    for _ in range(STEPS):
        rows = draw.integers(0, len(files), 64)
        batch = np.stack([pictures[i][y : y + 28, x : x + 28] for i, y, x in zip(rows, *draw.integers(0, 9, (2, 64)), strict=True)])
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(torch.from_numpy(batch)[:, None]), labels[torch.from_numpy(rows)]).backward()
        optimiser.step()
    initialise(net.stages[-1])
    store.write(path, net.state_dict())
    if sidecar is not None:
        path.with_suffix(".toml").write_text(sidecar)
    return path
