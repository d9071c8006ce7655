"""What the network really sees in training: a sheet of a few images in several views, from the very tensors that the loop was fed with."""

import io
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from receptron.data.augmentation.policy import MEDICAL_WHY, FittedPolicy, in_words, rows
from receptron.data.preprocessing.normalize import per_channel, prepare
from receptron.training.context import TrainingContext, canvas_source, learning_rows
from receptron.training.features.extraction import Features
from receptron.training.ladder.outcome import LadderOutcome
from receptron.training.records import AugmentationRecord
from receptron.weights.inputs import InputSpec

IMAGES, VIEWS = 6, 5
_CELL, _GAP, _WHITE = 144, 4, 255  # px
_FROM_PIXELS = ("from scratch", "everything")  # rungs that see new views of the pixels every epoch


@dataclass(frozen=True)
class Seen:
    """Tensors as the network got them: (images, 1 + views, C, H, W), the centre first."""

    images: Tensor
    spec: InputSpec


def augmentation_record(augmentation: FittedPolicy, rung: str) -> AugmentationRecord:
    """The policy in words, with what of it was not applied and why."""
    left_out = list(augmentation.left_out)
    if augmentation.policy.mixes and rung not in _FROM_PIXELS:
        left_out.append(f"Mixup and CutMix were not used: they mix pixels, and the {rung} learns from cached activations")
    reasons = tuple((in_words(field), why) for field, why in MEDICAL_WHY.items()) if augmentation.name == "medical" else ()
    return AugmentationRecord(augmentation.name, rows(augmentation.policy), tuple(left_out), reasons)


def seen(context: TrainingContext, features: Features | None, outcome: LadderOutcome) -> Seen | None:
    """A few training images as the last phase saw them; None where it saw nothing but the centre of each.

    `features` are those that the ladder began with; None from scratch.
    """
    if not context.policy.varies and not context.policy.mixes:
        return None
    learning = np.arange(len(context.images))
    if features is None:  # from scratch the first fold is not learnt from
        learning = learning_rows(len(learning), context.folds[0])
    picked = np.linspace(0, len(learning) - 1, min(IMAGES, len(learning))).round().astype(np.int64)
    part = context.images.part(learning[picked])
    centre = prepare(context.pictures(part), context.spec, context.channels)
    if outcome.rung in _FROM_PIXELS:
        epochs = sum(point.phase == outcome.points[-1].phase for point in outcome.points)
        views = _from_pixels(context, learning, picked, min(epochs, VIEWS))
    elif features is not None:
        count = features.maps.shape[1]
        views = [features.views.of(context.pictures(part), part.digests, i) for i in range(1, min(count, 1 + VIEWS))]
    else:
        views = []
    return Seen(torch.stack([centre, *views], 1), context.spec) if views else None


def _from_pixels(context: TrainingContext, learning: NDArray[np.int64], picked: NDArray[np.int64], epochs: int) -> list[Tensor]:
    source = canvas_source(context, context.images.part(learning))
    return [source.batch(picked, epoch)[0] for epoch in range(epochs)]


def pixels_of(seen: Seen) -> NDArray[np.uint8]:
    """(images, views, H, W, C): the tensors with their normalisation undone, to the nearest grey level."""
    channels = seen.images.shape[2]
    if seen.spec.bands:  # a composite from -2 to 2 deviations: the means of the first, second and last third of the bands
        parts = torch.tensor_split(seen.images, 3, dim=2)
        thirds = [(part if part.shape[2] else seen.images).mean(2) for part in parts]
        return ((torch.stack(thirds, 4) / 4 + 0.5) * 255).round().clamp(0, 255).to(torch.uint8).numpy()
    mean, std = per_channel(seen.spec.mean, channels), per_channel(seen.spec.std, channels)
    return ((seen.images * std + mean) * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 1, 3, 4, 2).numpy()


def sheet(seen: Seen) -> bytes:
    """One WebP: a row for each image, a column for each view; small pictures are enlarged pixel by pixel."""
    pictures = pixels_of(seen)
    height, width = pictures.shape[2:4]
    factor = max(1, _CELL // max(height, width))
    size = (width * factor, height * factor) if factor > 1 else (_CELL * width // max(height, width), _CELL * height // max(height, width))
    page = Image.new("RGB", tuple(n * (side + _GAP) - _GAP for n, side in zip(pictures.shape[1::-1], size, strict=True)), (_WHITE,) * 3)
    for row, views in enumerate(pictures):
        for column, picture in enumerate(views):
            image = Image.fromarray(picture if picture.shape[2] == 3 else picture[..., 0]).convert("RGB")
            resample = Image.Resampling.NEAREST if factor > 1 else Image.Resampling.LANCZOS
            page.paste(image.resize(size, resample), (column * (size[0] + _GAP), row * (size[1] + _GAP)))
    file = io.BytesIO()
    page.save(file, "WEBP", quality=82, method=4)
    return file.getvalue()
