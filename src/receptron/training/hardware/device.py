"""The machine under the loop: device, number format and memory layout, through Lightning Fabric."""

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from receptron.errors import BadValue

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces its settings, which the report tells better

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


@dataclass(frozen=True)
class Hardware:
    """Where and in which number format networks run. Weights stay float32; `bf16-mixed` computes in bfloat16."""

    device: str = "cpu"
    precision: Precision = "32-true"
    channels_last: bool = True

    @cached_property
    def fabric(self) -> Fabric:
        """One process on one device; launching more is left to those who know how many."""
        return Fabric(accelerator="cuda" if self.device.startswith("cuda") else self.device, devices=1, precision=self.precision)

    @property
    def memory_format(self) -> torch.memory_format:
        """Layout of weights and activations."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    @property
    def dtype(self) -> torch.dtype:
        """Number format of activations."""
        return {"32-true": torch.float32, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}[self.precision]

    @property
    def layout(self) -> str:
        """The memory format in words."""
        return "channels last" if self.channels_last else "channels first"

    def place(self, batch: Tensor) -> Tensor:
        """A batch on the device, in the layout that networks want; in float32 unless the engine computes in fewer bits."""
        if self.precision == "32-true":
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
