"""What a network for pixels needs to know of the classifier that it stands on, and the head put beside it."""

import copy
from contextlib import suppress
from operator import index
from typing import SupportsIndex, TypeVar

import torch
from torch import Tensor, nn

from receptron.blocks.classifier import Classifier
from receptron.blocks.init import initialise
from receptron.errors import BadValue
from receptron.records import short

PROBE = 224
Head = TypeVar("Head", bound=nn.Module)


def probed(encoder: Classifier) -> list[Tensor]:
    """The encoder's pyramid for an image of PROBE pixels, on the meta device: shapes without numbers."""
    ghost = copy.deepcopy(encoder).to("meta").eval()
    channels = next(m.in_channels for m in ghost.modules() if isinstance(m, nn.Conv2d))
    weight = next(ghost.parameters())
    with torch.no_grad():
        return ghost.pyramid(torch.empty(1, channels, PROBE, PROBE, device="meta", dtype=weight.dtype))


def head_beside(encoder: Classifier, head: Head) -> Head:
    """`head` with fresh weights, on the device and in the number format of `encoder`."""
    initialise(head)
    weight = next(encoder.parameters())
    return head.to(weight.device, weight.dtype)


def check_count(what: str, value: object, least: int = 1) -> None:
    """Raises: BadValue for what is no whole number of `least` or more."""
    whole = value if isinstance(value, SupportsIndex) and not isinstance(value, bool) else least - 1
    with suppress(TypeError):  # a tensor of a fraction
        if index(whole) >= least:
            return
    raise BadValue(f"{what} is {short(value)}.", why=f"it must be {least} or more", mend=f"give {what} a whole number of {least} or more")
