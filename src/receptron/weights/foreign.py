"""The one door for checkpoints that other programs pickled: .pt, .pth, .th.

A pickle is read in two steps. First its opcodes are listed without running any: the storages that it declares must fit into the file's
bytes. Then torch reads it with `weights_only`, which builds tensors and plain containers and nothing else.
"""

import pickletools
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, cast

import torch
from torch import Tensor

from receptron.errors import UnsafeCheckpoint
from receptron.printable import told
from receptron.records import short
from receptron.weights.store import verify

SUFFIXES = (".pt", ".pth", ".th")
MAX_BYTES = 4 * 2**30
MAX_PICKLE = 64 * 2**20
MAX_PROTOCOL = 3
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
PREFIXES = ("module.", "_orig_mod.")
_INTS = {"BININT", "BININT1", "BININT2", "LONG1", "LONG4", "INT", "LONG"}
_SILENT = {"NONE", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"}
_ITEM_BYTES = {"DoubleStorage": 8, "LongStorage": 8, "ComplexFloatStorage": 8, "ComplexDoubleStorage": 16, "FloatStorage": 4,
    "IntStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "ShortStorage": 2,
}  # fmt: skip


def read(path: Path, *, digest: str = "", max_bytes: int = MAX_BYTES) -> dict[str, Tensor]:
    """Tensors of a pickled checkpoint, on the CPU, without the wrapping key and prefix that training scripts add.

    Raises: WeightsUnavailable, UnsafeCheckpoint.
    """
    verify(path, digest)
    _check(path, max_bytes)
    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, ValueError, KeyError, EOFError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise _refusal(path, _why(error)) from None  # torch's own text tells how to read the file unsafely
    return strip_prefix(_tensors(path, content))


def _why(error: Exception) -> str:
    """What torch found, without its advice to read the file unsafely."""
    text = str(error)
    if found := re.search(r"[Uu]nsupported (?:global: GLOBAL|GLOBAL|class|type) ([^\s,]+)", text):
        return f"it holds more than plain tensors: {short(found[1])}, which would have to be run"
    if found := re.search(r"Unsupported operand (\d+)", text):
        names = {ord(code.code): code.name for code in pickletools.opcodes}
        return f"it holds more than plain tensors: an instruction that PyTorch never writes, {names.get(int(found[1]), found[1])}"
    if "weights_only" in text or "Weights only" in text:
        return "it holds more than plain tensors"
    return told(error)


def strip_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`state` without the `module.` of DataParallel and the `_orig_mod.` of torch.compile, where every name bears it."""
    for prefix in PREFIXES:
        if state and all(name.startswith(prefix) for name in state):
            return strip_prefix({name.removeprefix(prefix): tensor for name, tensor in state.items()})
    return dict(state)


def _check(path: Path, max_bytes: int) -> None:
    """Hold what the file declares against what it has, before anything is built."""
    size = path.stat().st_size
    if size > max_bytes:
        raise _refusal(path, f"it has {size:,} bytes; the limit is {max_bytes:,}")
    try:
        declared = _declared_in_zip(path, size) if zipfile.is_zipfile(path) else _declared_in_stream(path)
    except (zipfile.BadZipFile, ValueError, EOFError, IndexError, OSError, UnicodeDecodeError) as error:
        raise _refusal(path, f"it is neither a PyTorch zip file nor a PyTorch pickle ({error})") from error
    if declared > size:
        raise _refusal(path, f"it declares {declared:,} bytes of tensors in a file of {size:,}")


def _declared_in_zip(path: Path, size: int) -> int:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > size or any(entry.compress_type for entry in entries):
            raise _refusal(path, "it holds compressed entries, which PyTorch never writes")
        pickles = [entry for entry in entries if entry.filename.endswith("/data.pkl")]
        if len(pickles) != 1 or any(entry.filename.endswith("/constants.pkl") for entry in entries):
            raise _refusal(path, "it is a TorchScript program or no checkpoint at all")
        _check_sums(path, archive)
        if pickles[0].file_size > MAX_PICKLE:
            raise _refusal(path, f"its table of contents alone has {pickles[0].file_size:,} bytes")
        with archive.open(pickles[0]) as stream:
            return sum(_storages(path, stream).values())


def _check_sums(path: Path, archive: zipfile.ZipFile) -> None:
    """Hold every entry against the checksum that the file keeps of it; torch can be told to keep none, which then is 0."""
    for entry in archive.infolist():
        if not entry.CRC:
            continue
        try:
            with archive.open(entry) as stream:
                while stream.read(1 << 20):
                    pass
        except zipfile.BadZipFile as error:
            raise _refusal(path, f"{entry.filename} in it is damaged: its bytes do not have the checksum that the file keeps") from error


def _declared_in_stream(path: Path) -> int:
    """The format before PyTorch 1.6: magic number, version, system facts and the content as four pickles, then the raw storages."""
    with path.open("rb") as stream:
        for _ in range(3):
            _storages(path, stream)
        return sum(_storages(path, stream).values())


def _storages(path: Path, stream: IO[bytes]) -> dict[str, int]:
    """Bytes of each storage that one pickle declares, by its key: read from the opcodes, nothing is run."""
    found: dict[str, int] = {}
    recent: list[tuple[str, object]] = []
    for name, argument in _opcodes(stream):
        if name == "PERSID":
            raise _refusal(path, "its tensors are declared in a way that PyTorch never writes")
        if name == "PROTO" and cast(int, argument) > MAX_PROTOCOL:
            raise _refusal(path, f"it was pickled by protocol {argument}, which PyTorch does not write, nor read without running programs")
        if name == "BINPERSID":
            if any(part == "module" for _, part in recent):
                raise _refusal(path, "it holds more than plain tensors: a whole network, whose code would have to be run")
            elements = _last_int(path, recent)
            key = next((str(a) for n, a in reversed(recent) if n.endswith("UNICODE") and str(a) not in ("cpu", "storage")), "")
            kind = next((str(a).split()[-1] for n, a in reversed(recent) if n == "GLOBAL" and "Storage" in str(a)), "")
            found[key or str(len(found))] = elements * _ITEM_BYTES.get(kind, 1)
            recent.clear()
        elif name not in _SILENT:
            recent.append((name, argument))
            del recent[:-12]
    return found


def _opcodes(stream: IO[bytes]) -> Iterator[tuple[str, object]]:
    for opcode, argument, _ in pickletools.genops(stream):
        yield opcode.name, argument


def _last_int(path: Path, recent: list[tuple[str, object]]) -> int:
    """Number of elements: the whole number that ends a storage's tuple."""
    parts = [(name, argument) for name, argument in recent if name != "TUPLE"]
    if not parts or parts[-1][0] not in _INTS or cast(int, parts[-1][1]) < 0:
        raise _refusal(path, "a tensor in it does not state its size plainly")
    return cast(int, parts[-1][1])


def _tensors(path: Path, content: object) -> dict[str, Tensor]:
    """The dictionary of tensors inside `content`, at most three wrappers deep."""
    for _ in range(3):
        inner = next((content[key] for key in WRAPPERS if isinstance(content, Mapping) and isinstance(content.get(key), Mapping)), None)
        if inner is None:
            break
        rivals = [
            key for key, value in cast(Mapping[str, object], content).items() if isinstance(value, Mapping) and value.keys() & inner.keys()
        ]
        if len(rivals) > 1:
            raise _refusal(path, f"it holds the tensors of one network more than once: {', '.join(short(key) for key in rivals)}")
        content = inner
    if not isinstance(content, Mapping) or not content:
        raise _refusal(path, f"it holds a {type(content).__name__}, not a dictionary of tensors")
    entries = cast(Mapping[str, object], content)
    odd = next((f"{key} is a {type(value).__name__}" for key, value in entries.items() if not isinstance(value, Tensor)), "")
    if odd:
        raise _refusal(path, f"{odd}, not a tensor")
    state = cast(dict[str, Tensor], dict(entries))
    for name, tensor in state.items():
        if tensor.is_meta:
            raise _refusal(path, f"{name} is on the meta device: it has a shape and no numbers")
        if tensor.is_sparse or tensor.is_quantized or tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise _refusal(path, f"{name} is sparse, quantised or larger than the bytes behind it")
    return {name: tensor.detach().contiguous() for name, tensor in state.items()}


def _refusal(path: Path, why: str) -> UnsafeCheckpoint:
    return UnsafeCheckpoint(
        f"{path} was not read.",
        why=why,
        mend="save the network's state_dict() with torch.save, or better with safetensors, and give that file",
    )
