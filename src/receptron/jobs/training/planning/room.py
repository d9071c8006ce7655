"""Whether what a run is sure to write has room, before anything is learnt."""

from pathlib import Path

from torch import nn

from receptron.errors import StorageFault
from receptron.training.hardware.disk_room import shortage, shown

_CHECKPOINTS = 3  # two that are kept and the one that is written
_BESIDE = 8 * 2**20  # bytes of card, split, record and report of a small run


def check_room(folder: Path, net: nn.Module, *, trained: bool) -> None:
    """Hold that `folder` has room for the model, and for checkpoints (weights and momentum) if all of it is `trained` for certain.

    Rungs that may be climbed look for themselves when they come to write. Raises: StorageFault.
    """
    size = sum(tensor.nbytes for tensor in net.state_dict().values())
    momentum = sum(parameter.nbytes for parameter in net.parameters())
    checkpoints = _CHECKPOINTS * (size + momentum) if trained else 0
    if short := shortage(folder, size + checkpoints + _BESIDE):
        parts = f"the model has {shown(size)}" + (f", its checkpoints take {shown(checkpoints)}" if trained else "")
        raise StorageFault(
            f"there is no room for this run in {folder}.", why=f"{short.words}: {parts}",
            mend="free some room on that disk, or write to another one with --out FOLDER",
        )  # fmt: skip
