"""How fast are the operations of augmentation beside torchvision v2 and kornia? A batch of 32 float images of 224 px, one thread.

    python benchmarks/augmentation.py [--rounds 7] [--side 224] [--batch 32]

Every image has parameters of its own. Ours take four images at a time, as training does, kornia one batch,
and torchvision's functions one image, as in a data loader.
Milliseconds are medians of rounds in which all three take turns; above 1 a ratio says how many times faster ours are. Kornia is told as
absent where it is not installed. What each computes is held against torchvision in tests/data/test_augmentation_oracle.py.
"""

import argparse
import importlib
import importlib.util
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from oracles import torchvision
from receptron.data.augmentation import automatic, color_jitter, cutting, erasing, mixing, tone, warping
from receptron.data.augmentation.blurring import gaussian_blur
from receptron.data.augmentation.policy import POLICIES
from receptron.data.augmentation.views import PART, augmented
from receptron.weights.inputs import IMAGENET_MEAN, IMAGENET_STD, InputSpec

Run = Callable[[], object]


class Rivals:
    """The same job for each library, on the same images and parameters."""

    def __init__(self, batch: int, side: int) -> None:
        torchvision()
        self.f: Any = importlib.import_module("torchvision.transforms.v2.functional")
        self.v2: Any = importlib.import_module("torchvision.transforms.v2")
        there = importlib.util.find_spec("kornia") is not None
        self.k: Any = importlib.import_module("kornia") if there else None
        torch.manual_seed(0)
        self.rng, self.batch, self.side = np.random.default_rng(0), batch, side
        self.images = torch.nn.functional.interpolate(torch.rand(batch, 3, 16, 16), (side, side), mode="bicubic").clamp(0, 1)
        self.canvases = [self.rng.integers(0, 256, (256, 320, 3), np.uint8) for _ in range(batch)]

    def each(self, change: Callable[..., Tensor], *columns: Any) -> Run:
        """torchvision, image by image."""
        rows = list(zip(*columns, strict=True)) if columns else [()] * self.batch
        return lambda: torch.stack([change(image, *row) for image, row in zip(self.images, rows, strict=True)])

    def parts(self, change: Callable[..., Tensor], *columns: Any) -> Run:
        """Ours, in the parts in which views are made."""
        cuts = [slice(start, start + PART) for start in range(0, self.batch, PART)]
        return lambda: torch.cat([change(self.images[cut], *(column[cut] for column in columns)) for cut in cuts])

    def jobs(self) -> dict[str, tuple[Run, Run | None, Run | None]]:
        """Name -> ours, torchvision's, kornia's."""
        f, k, n, x, side = self.f, self.k, self.batch, self.images, self.side
        bilinear = self.v2.InterpolationMode.BILINEAR
        factor = torch.from_numpy(self.rng.uniform(0.5, 1.5, n)).float()
        numbers, shift = factor.tolist(), torch.from_numpy(self.rng.uniform(-0.3, 0.3, n)).float()
        sigma = torch.from_numpy(self.rng.uniform(0.1, 2.0, n)).float()
        degrees, none, ones = self.rng.uniform(-20, 20, n), np.zeros((n, 2)), np.ones(n)
        turns = warping.affine(degrees, none, ones, none, (side, side))
        corners = np.array([[0.0, 0.0], [side - 1, 0.0], [side - 1, side - 1], [0.0, side - 1]])
        ends = corners + self.rng.uniform(-20, 20, (n, 4, 2))
        starts = np.broadcast_to(corners, ends.shape)
        windows = [(*self.rng.integers(0, 100, 2).tolist(), 70, 60) for _ in range(n)]
        partners = np.roll(np.arange(n), 1)
        mixes = mixing.Mixes(partners, self.rng.uniform(size=n), [None] * n)
        shares = torch.from_numpy(mixes.shares).float().view(-1, 1, 1, 1)
        crops = [(*self.rng.integers(0, 60, 2).tolist(), *self.rng.integers(120, 190, 2).tolist()) for _ in range(n)]
        planes = [torch.from_numpy(canvas).permute(2, 0, 1) for canvas in self.canvases]
        thresholds = torch.full((n,), 0.6)
        table = {
            "mirror": (self.parts(lambda images: images.flip(3)), self.each(f.horizontal_flip), k and (lambda: k.geometry.hflip(x))),
            "random resized crop": (
                lambda: torch.stack([cutting.resized_crop(c, w, side, mirror=False) for c, w in zip(self.canvases, crops, strict=True)]),
                lambda: torch.stack([f.resized_crop(c, *w, [side, side], antialias=True) for c, w in zip(planes, crops, strict=True)]),
                None,
            ),
            "rotation": (
                self.parts(warping.warp, turns),
                self.each(lambda image, a: f.rotate(image, a, interpolation=bilinear), degrees.tolist()),
                k and (lambda: k.geometry.rotate(x, torch.from_numpy(degrees).float())),
            ),
            "perspective": (
                self.parts(lambda images, s, e: warping.warp(images, warping.perspective(s, e)), starts, ends),
                self.each(lambda i, s, e: f.perspective(i, s.tolist(), e.tolist(), interpolation=bilinear), starts, ends),
                k and (lambda: k.geometry.warp_perspective(
                    x, k.geometry.get_perspective_transform(torch.tensor(starts).float(), torch.from_numpy(ends).float()), (side, side)
                )),
            ),
            "brightness": (
                self.parts(color_jitter.brightness, factor), self.each(f.adjust_brightness, numbers),
                k and (lambda: k.enhance.adjust_brightness_accumulative(x, factor)),
            ),
            "contrast": (
                self.parts(color_jitter.contrast, factor), self.each(f.adjust_contrast, numbers),
                k and (lambda: k.enhance.adjust_contrast_with_mean_subtraction(x, factor)),
            ),
            "saturation": (
                self.parts(color_jitter.saturation, factor), self.each(f.adjust_saturation, numbers),
                k and (lambda: k.enhance.adjust_saturation_with_gray_subtraction(x, factor)),
            ),
            "hue": (
                self.parts(color_jitter.hue, shift), self.each(f.adjust_hue, shift.tolist()),
                k and (lambda: k.enhance.adjust_hue(x, shift * 2 * math.pi)),
            ),
            "Gaussian blur, 13 px": (
                self.parts(lambda images, s: gaussian_blur(images, s, 6), sigma), 
                self.each(lambda i, s: f.gaussian_blur(i, [13, 13], [s, s]), sigma.tolist()),
                k and (lambda: k.filters.gaussian_blur2d(x, (13, 13), torch.stack([sigma, sigma], 1))),
            ),
            "sharpness": (
                self.parts(tone.sharpness, factor), self.each(f.adjust_sharpness, numbers), k and (lambda: k.enhance.sharpness(x, factor)),
            ),
            "posterize": (
                self.parts(tone.posterize, torch.full((n,), 4.0)), self.each(lambda i: f.posterize(i, 4)),
                k and (lambda: k.enhance.posterize(x, 4)),
            ),
            "solarize": (
                self.parts(tone.solarize, thresholds), self.each(lambda i: f.solarize(i, 0.6)),
                k and (lambda: k.enhance.solarize(x, thresholds)),
            ),
            "autocontrast": (self.parts(tone.autocontrast), self.each(f.autocontrast), None),
            "equalize": (self.parts(tone.equalize), self.each(f.equalize), k and (lambda: k.enhance.equalize(x))),
            "random erasing": (
                self.parts(lambda images, w: erasing.erase(images.clone(), w), windows), 
                self.each(lambda i, *w: f.erase(i, *w, torch.zeros(1)), *zip(*windows, strict=True)),
                None,
            ),
            "Mixup": (
                lambda: mixing.mixed(x, x[partners], mixes), lambda: x.roll(1, 0).mul_(1 - 0.3).add_(x.mul(0.3)),
                k and (lambda: x * shares + x[partners] * (1 - shares)),
            ),
            **self._whole(),
        }  # fmt: skip
        return {name: (ours, theirs, third or None) for name, (ours, theirs, third) in table.items()}

    def _whole(self) -> dict[str, tuple[Run, Run | None, Run | None]]:
        """Policies as a whole: from canvases to normalised batches, and RandAugment and TrivialAugment by themselves."""
        v2, n, x, side = self.v2, self.batch, self.images, self.side
        small = (x * 255).to(torch.uint8)
        spec, names = InputSpec(side, IMAGENET_MEAN, IMAGENET_STD), [str(i) for i in range(n)]
        to_float = v2.ToDtype(torch.float32, scale=True)
        last = [to_float, v2.Normalize(IMAGENET_MEAN, IMAGENET_STD)]
        crop, flip, bilinear = (
            v2.RandomResizedCrop(side, (0.25, 1.0), (3 / 4, 4 / 3)),
            v2.RandomHorizontalFlip(),
            v2.InterpolationMode.BILINEAR,
        )
        steps = {
            "light": [v2.RandomResizedCrop(side, (0.35, 1.0)), flip, v2.ColorJitter(0.2, 0.2), *last],
            "standard": [
                crop, flip, to_float, v2.RandomRotation(10, bilinear), v2.RandomPerspective(0.15, 1.0), v2.ColorJitter(0.3, 0.3, 0.3, 0.03),
                v2.RandomApply([v2.GaussianBlur(13)], 0.1), last[1],
            ],
            "randaugment": [crop, flip, v2.RandAugment(interpolation=bilinear), *last],
            "trivialaugment": [crop, flip, v2.TrivialAugmentWide(interpolation=bilinear), *last],
        }  # fmt: skip
        planes, found = (
            [torch.from_numpy(canvas).permute(2, 0, 1) for canvas in self.canvases],
            dict[str, tuple[Run, Run | None, Run | None]](),
        )
        for name, transforms in steps.items():
            chain, policy = v2.Compose(transforms), POLICIES[name]
            found[f"policy {name}, from canvases"] = (
                lambda policy=policy: augmented(self.canvases, names, spec, policy, channels=3, seed=0, epoch=0),
                lambda chain=chain: torch.stack([chain(image) for image in planes]),
                None,
            )
        for name, theirs in (
            ("randaugment", v2.RandAugment(interpolation=bilinear)),
            ("trivialaugment", v2.TrivialAugmentWide(interpolation=bilinear)),
        ):
            drawn = self.rng.uniform(size=(n, automatic.COLUMNS))
            kornias = (
                self.k
                and {
                    "randaugment": self.k.augmentation.auto.RandAugment(2, 9),
                    "trivialaugment": self.k.augmentation.auto.TrivialAugment(),
                }[name]
            )
            found[f"{name} alone"] = (
                self.parts(lambda images, numbers, name=name: automatic.automatic(images, POLICIES[name], numbers), drawn),
                lambda theirs=theirs: torch.stack([theirs(image) for image in small]),
                kornias and (lambda kornias=kornias: torch.cat([kornias(x[i : i + 1]) for i in range(n)])),
            )
        return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--side", type=int, default=224)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rivals = Rivals(options.batch, options.side)
    table = Table(
        "operation",
        "ours, ms",
        "images/s",
        "torchvision, ms",
        "ratio",
        "kornia, ms",
        "ratio",
        title=f"batch {options.batch}, {options.side} px, 1 thread",
    )
    for name, runs in rivals.jobs().items():
        taken: list[list[float]] = [[], [], []]
        for number in range(options.rounds + 1):  # the first warms up
            for which, job in enumerate(runs):
                if job is not None:
                    began = time.process_time()
                    job()
                    if number:
                        taken[which].append(1000 * (time.process_time() - began))
        ours, theirs, third = (median(times) if times else None for times in taken)
        cells = [name, f"{ours:.1f}", f"{1000 * options.batch / ours:,.0f}" if ours else "-"]
        for other in (theirs, third):
            cells += [f"{other:.1f}", f"{other / ours:.1f}"] if other and ours else ["-", "-"]
        table.add_row(*cells)
    Console(width=140).print(table)
    versions = [
        f"torch {torch.__version__}",
        f"torchvision {torchvision().__version__}",
        f"kornia {rivals.k.__version__}" if rivals.k else "kornia not installed",
    ]
    print(f"{', '.join(versions)}; processor time, median of {options.rounds} rounds")


if __name__ == "__main__":
    main()
