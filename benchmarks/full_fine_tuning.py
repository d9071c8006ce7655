"""What people do by hand, as a baseline: full fine-tuning of a published network by a plain torch loop and by fastai.

All layers, all photos, every epoch: random resized crops and mirror images, SGD under a one-cycle rate, float32 as torch comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from receptron.weights.pretrained import Pretrained
from receptron.zoo import build

BATCH = 32


@dataclass(frozen=True)
class Side:
    """Photos with class numbers."""

    files: Sequence[Path]
    truth: NDArray[np.int64]


class Photos(Dataset[tuple[Tensor, int]]):
    """Photos, decoded at each visit; cropped at random and mirrored in training, else cut from the centre; normalised as `weights` say."""

    def __init__(self, side: Side, weights: Pretrained, *, train: bool) -> None:
        self.side, self.train = side, train
        self.pixels, self.resize = weights.inputs.pixels, weights.inputs.resize
        self.mean, self.std = (torch.tensor(values).view(-1, 1, 1) for values in (weights.inputs.mean, weights.inputs.std))

    def __len__(self) -> int:
        return len(self.side.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.open(self.side.files[index]).convert("RGB")
        image = self._random_cut(image) if self.train else self._centre(image)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
        return pixels.div_(255).sub_(self.mean).div_(self.std), int(self.side.truth[index])

    def _random_cut(self, image: Image.Image) -> Image.Image:
        area = image.width * image.height * np.random.uniform(0.35, 1.0)
        ratio = np.exp(np.random.uniform(np.log(3 / 4), np.log(4 / 3)))
        wide, tall = min(image.width, (area * ratio) ** 0.5), min(image.height, (area / ratio) ** 0.5)
        left, top = np.random.uniform(0, image.width - wide), np.random.uniform(0, image.height - tall)
        image = image.resize((self.pixels, self.pixels), Image.Resampling.BILINEAR, box=(left, top, left + wide, top + tall))
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if np.random.random() < 0.5 else image

    def _centre(self, image: Image.Image) -> Image.Image:
        scale = self.resize / min(image.size)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
        left, top = (image.width - self.pixels) // 2, (image.height - self.pixels) // 2
        return image.crop((left, top, left + self.pixels, top + self.pixels))


@dataclass(frozen=True)
class Tuning:
    """How long and how fast."""

    epochs: int = 20
    rate: float = 0.02
    seed: int = 0
    fast: bool = False  # bfloat16 and channels-last, which few people know to switch on


def by_plain_loop(weights: Pretrained, train: Side, test: Side, classes: int, tuning: Tuning) -> NDArray[np.bool_]:
    """Which test photos are answered rightly after the last epoch."""
    torch.manual_seed(tuning.seed)
    np.random.seed(tuning.seed)
    net = build(weights.net, classes=classes, pretrained=weights)
    net = net.to(memory_format=torch.channels_last if tuning.fast else torch.contiguous_format)
    photos = Photos(train, weights, train=True)
    batches = DataLoader(photos, min(BATCH, len(photos) // 2), shuffle=True, drop_last=True)
    optimiser = torch.optim.SGD(net.parameters(), tuning.rate, momentum=0.9, weight_decay=1e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, tuning.rate, total_steps=tuning.epochs * len(batches))
    for _ in range(tuning.epochs):
        net.train()
        for images, labels in batches:
            with torch.autocast("cpu", torch.bfloat16, enabled=tuning.fast):
                scores = net(images)
            loss = nn.functional.cross_entropy(scores.float(), labels, label_smoothing=0.1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return right_answers(net, Photos(test, weights, train=False))


def by_fastai(weights: Pretrained, train: Side, test: Side, classes: int, tuning: Tuning) -> NDArray[np.bool_]:
    """The same from fastai's Learner on the same network, `fit_one_cycle` over all layers, its own augmentation. Raises: ImportError."""
    library = torch.library.Library("torchvision", "DEF")  # the CPU build of torch has no compiled torchvision operators
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from fastai.vision.all import (
        CategoryBlock,
        ColReader,
        ColSplitter,
        DataBlock,
        ImageBlock,
        Learner,
        Normalize,
        RandomResizedCrop,
        accuracy,
        aug_transforms,
        set_seed,
    )
    from pandas import DataFrame

    set_seed(tuning.seed, reproducible=True)
    rows = [(str(file), int(label), side is test) for side in (train, test) for file, label in zip(side.files, side.truth, strict=True)]
    block = DataBlock(
        (ImageBlock, CategoryBlock(vocab=list(range(classes)))), get_x=ColReader(0), get_y=ColReader(1), splitter=ColSplitter(2),
        item_tfms=RandomResizedCrop(weights.inputs.pixels, min_scale=0.35),
        batch_tfms=[*aug_transforms(max_warp=0), Normalize.from_stats(list(weights.inputs.mean), list(weights.inputs.std), cuda=False)],
    )  # fmt: skip
    loaders = block.dataloaders(DataFrame(rows), bs=min(BATCH, len(train.files) // 2), num_workers=0)
    learner = Learner(loaders, build(weights.net, classes=classes, pretrained=weights), metrics=accuracy)
    with learner.no_logging(), learner.no_bar():
        learner.fit_one_cycle(tuning.epochs, 2e-3)
        scores, truth = learner.get_preds(ds_idx=1)
    return (scores.argmax(1) == truth).numpy()


def right_answers(net: nn.Module, photos: Photos) -> NDArray[np.bool_]:
    """Which photos are answered rightly."""
    net.eval()
    with torch.inference_mode():
        return torch.cat([net(images).argmax(1) == labels for images, labels in DataLoader(photos, BATCH)]).numpy()
