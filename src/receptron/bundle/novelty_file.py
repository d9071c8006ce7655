"""novelty.safetensors: what a model directory keeps of the training images' features, so that images of no class are told."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from receptron.bundle.card import ModelCard
from receptron.bundle.placed import MEND
from receptron.errors import BundleCorrupt
from receptron.evaluation.novelty.scorer import NoveltyScorer
from receptron.records import short
from receptron.weights.store import unpack

NAME = "novelty.safetensors"
_TYPES = {field.name: torch.float32 for field in fields(NoveltyScorer)} | {"bank": torch.float16, "neighbours": torch.int64}
_ROUNDING = 0.01  # of the length of a row of the bank


def packed(scorer: NoveltyScorer) -> bytes:
    """The bytes of the file."""
    arrays: dict[str, NDArray[np.generic]] = {name: np.asarray(getattr(scorer, name), order="C") for name in _TYPES}
    return safetensors.numpy.save(arrays)


def unpacked(path: Path, data: bytes | None, card: ModelCard) -> NoveltyScorer | None:
    """What the file at `path` with these bytes holds; None where the model has none. Raises: BundleCorrupt."""
    if (data is None) != (card.novelty is None):
        what, why = ("is missing", "the card has its limits") if data is None else ("has no place here", "the card has no limits for it")
        raise BundleCorrupt(f"{path} {what}.", why=why, mend=MEND)
    if data is None:
        return None
    try:
        found = unpack(data)
        if fault := _fault(found, len(card.classes)):
            raise ValueError(fault)
    except ValueError as error:
        raise BundleCorrupt(f"{path} cannot be used.", why=str(error), mend=MEND) from error
    arrays = {name: tensor.numpy() for name, tensor in found.items()}
    return NoveltyScorer(arrays["bank"], int(arrays["neighbours"]), arrays["mean"], arrays["directions"], arrays["offsets"])


def check_width(path: Path, scorer: NoveltyScorer, net: nn.Module) -> None:
    """Raises: BundleCorrupt where the features are not those of `net`."""
    width = getattr(net, "embedding_width", None)
    if width != len(scorer.mean):
        why = f"it holds {len(scorer.mean)} features, the class layer of the network sees {width}"
        raise BundleCorrupt(f"{path} does not fit the network.", why=why, mend=MEND)


def _fault(found: dict[str, Tensor], classes: int) -> str:
    """What is wrong with the tensors, or nothing."""
    if odd := sorted(found.keys() ^ _TYPES.keys()):
        return f"{short(odd[0])} is {'no tensor of it' if odd[0] in found else 'not there'}"
    for name, tensor in found.items():
        if tensor.dtype != _TYPES[name]:
            return f"{name} holds {tensor.dtype}, not {_TYPES[name]}"
        if not bool(torch.isfinite(tensor).all()):
            return f"{name} holds NaN or infinity"
    return _misshapen(found, classes) or _out_of_range(found)


def _misshapen(found: dict[str, Tensor], classes: int) -> str:
    images, width = (*found["bank"].shape, 0, 0)[:2]
    seen = found["directions"].shape[0] if found["directions"].ndim else 0
    expected = {
        "bank": (images, width), "neighbours": (), "mean": (width,), "directions": (seen, width), "offsets": (seen,),
    }  # fmt: skip
    for name, shape in expected.items():
        if tuple(found[name].shape) != shape:
            return f"{name} has the shape {short(list(found[name].shape))}, not {list(shape)}"
    if not images or not width or not 1 <= seen <= classes:
        return f"{images} images, {width} features and {seen} classes do not go with a network of {classes} classes"
    return ""


def _out_of_range(found: dict[str, Tensor]) -> str:
    lengths, which = found["bank"].float().norm(dim=1), int(found["neighbours"])
    if not 1 <= which <= len(lengths):
        return f"neighbours is {which}, it must be 1 to {len(lengths)}"
    if odd := (((lengths - 1).abs() > _ROUNDING) & (lengths > 0)).nonzero().flatten().tolist():
        return f"bank has a row of length {float(lengths[odd[0]]):.4g}, every one must have 1"
    return ""
