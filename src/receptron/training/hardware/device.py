"""The machine under the loop: device, number format and memory layout."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from receptron.errors import BadValue

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Engine:
    """Where and in which number format networks run. Weights stay float32, whatever the operators compute in."""

    device: str = "cpu"
    precision: Precision = "float32"
    channels_last: bool = True

    def autocast(self) -> AbstractContextManager[object]:
        """Inside, operators that gain from fewer bits compute in this number format."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.split(":")[0], dtype=self.dtype)

    @property
    def memory_format(self) -> torch.memory_format:
        """Layout of weights and activations."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    @property
    def dtype(self) -> torch.dtype:
        """Number format of activations."""
        return torch.float32 if self.precision == "float32" else torch.bfloat16

    @property
    def layout(self) -> str:
        """The memory format in words."""
        return "channels last" if self.channels_last else "channels first"

    def place(self, batch: Tensor) -> Tensor:
        """A batch on the device, in the layout that networks want; in float32 unless the engine computes in fewer bits."""
        if self.precision == "float32":
            batch = batch.float()
        if batch.dim() == 4:
            return batch.to(self.device, memory_format=self.memory_format)
        return batch.to(self.device)

    def arrange(self, net: nn.Module) -> nn.Module:
        """The network's weights in the memory layout, in place."""
        to_layout: Any = net.to  # torch's stub leaves memory_format out
        return to_layout(memory_format=self.memory_format)


def find_device(wanted: str) -> str:
    """ "auto" becomes cuda, mps or cpu, whichever is there, in that order.

    Raises: BadValue for a device that this machine lacks.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, good in there.items() if good)
    kind = wanted.split(":")[0]
    if not there.get(kind, False):
        usable = ", ".join(name for name, good in there.items() if good)
        raise BadValue(f"--device {wanted} is not to be had on this machine.", mend=f"use auto, or one of: {usable}")
    return wanted
