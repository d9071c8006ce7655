"""Our own weight files: safetensors, which cannot execute code, written whole and checked by hash."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from receptron.atomic_write import sha256, write_file
from receptron.errors import UnsafeCheckpoint, WeightsUnavailable


def write(path: Path, state: Mapping[str, Tensor], *, notes: Mapping[str, str] | None = None) -> str:
    """Put `state` at `path` as safetensors; returns the file's sha256. Raises: StorageFault."""
    plain = {name: tensor.detach().to("cpu", memory_format=torch.contiguous_format).contiguous().clone() for name, tensor in state.items()}
    write_file(path, save(plain, dict(notes) if notes else None))
    return sha256(path)


def read(path: Path, *, digest: str = "") -> dict[str, Tensor]:
    """Tensors of a safetensors file, on the CPU; `digest`, or its beginning, must agree with the file.

    Raises: WeightsUnavailable, UnsafeCheckpoint.
    """
    verify(path, digest)
    try:
        return unpack(path.read_bytes())
    except ValueError as error:
        raise UnsafeCheckpoint(
            f"{path} is not a sound safetensors file.", why=str(error), mend="copy or download the file again; it is cut or was changed"
        ) from error


def unpack(data: bytes) -> dict[str, Tensor]:
    """Tensors of a safetensors file's bytes, whatever these are. Raises: ValueError saying why not."""
    try:
        return load(data)
    except KeyError as error:
        raise ValueError(f"numbers of the kind {error} are not known to torch's reader") from error
    except (SafetensorError, TypeError, RuntimeError, OverflowError) as error:
        raise ValueError(str(error).splitlines()[0] if str(error) else type(error).__name__) from error


def verify(path: Path, digest: str = "") -> None:
    """Raises: WeightsUnavailable if there is no such file, UnsafeCheckpoint if its sha256 does not begin with `digest`."""
    if not path.is_file():
        raise WeightsUnavailable(f"no weights file at {path}.", mend="check the path, or train without weights: --weights none")
    found = sha256(path) if digest else ""
    if not found.startswith(digest.lower()):
        raise UnsafeCheckpoint(
            f"{path} is not the file it should be.",
            why=f"its sha256 begins {found[:12]}, expected {digest[:12]}",
            mend="delete it and download or copy it again",
        )
