"""What is known of a weights file: the network it is for, whose names it uses, and what it expects of an image."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from receptron.errors import BadValue
from receptron.weights import foreign, store
from receptron.weights.inputs import InputSpec

KEY_MAPS = ("receptron", "torchvision", "timm", "akamaster", "lukemelas")
"""Whose names a file may use: ours, torchvision's, timm's, or those of github.com/akamaster/pytorch_resnet_cifar10 or
github.com/lukemelas/EfficientNet-PyTorch."""


@dataclass(frozen=True)
class Pretrained:
    """A weights file on this machine with every fact that its use needs; `keys` names the key map, `sha256` may be a prefix."""

    reference: str
    net: str
    path: Path
    keys: str
    inputs: InputSpec
    licence: str
    sha256: str = ""

    def state(self) -> dict[str, Tensor]:
        """Tensors under the names of `keys`, read without unpickling objects. Raises: WeightsUnavailable, UnsafeCheckpoint."""
        return read(self.path, digest=self.sha256)


def read(path: Path, *, digest: str = "") -> dict[str, Tensor]:
    """Tensors of a .safetensors file, or of a foreign .pt, .pth or .th. Raises: WeightsUnavailable, UnsafeCheckpoint, BadValue."""
    match path.suffix.lower():
        case ".safetensors":
            return store.read(path, digest=digest)
        case suffix if suffix in foreign.SUFFIXES:
            return foreign.read(path, digest=digest)
        case suffix:
            known = ", ".join((".safetensors", *foreign.SUFFIXES))
            raise BadValue(
                f"{path} has the ending {suffix or 'none'!r}.",
                why=f"weights are read from {known}",
                mend="give a file of one of these kinds",
            )
