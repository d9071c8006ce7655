"""Bring a published file onto this machine once: from the cache, else from where it is published; its hash decides whether it is good."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from receptron.atomic_write import sha256, write_chunks, write_file
from receptron.cache_dir import cache
from receptron.errors import UnsafeCheckpoint, WeightsUnavailable
from receptron.progress import Progress, Silent
from receptron.weights.carried import PACKAGE, in_package, without_download
from receptron.weights.download import CHUNK, DownloadFault, Response, hub_address, hub_token, opened
from receptron.weights.published import Published, catalogue

TORCHVISION = "https://download.pytorch.org/models/"
HUB_FILE = "model.safetensors"
SILENT = Silent()


def cache_folder() -> Path:
    """Where weights are kept."""
    return cache("weights")


def cached_path(row: Published) -> Path:
    """Where the file of `row` lies once it was fetched."""
    name = row.file if row.source == "torchvision" else f"{row.file.partition('/')[2]}.safetensors"
    return cache_folder() / row.source / name


def cached() -> tuple[Published, ...]:
    """Published weights that were fetched before."""
    return tuple(row for row in catalogue() if row.source != PACKAGE and cached_path(row).is_file())


def fetch(row: Published, progress: Progress = SILENT) -> tuple[Path, str]:
    """The file of `row` on this machine and its sha256. Raises: WeightsUnavailable, UnsafeCheckpoint, StorageFault."""
    if row.source == PACKAGE:
        return in_package(row)
    path = cached_path(row)
    record = _record(path)
    if not path.exists():
        _download(row, path, progress)
    wanted = record.read_text().strip() if record.exists() else row.digest
    found = sha256(path)
    if not found.startswith(wanted or row.digest) or not found.startswith(row.digest):
        raise UnsafeCheckpoint(
            f"{path} is not what {row.source} published.",
            why=f"its sha256 begins {found[:12]}, expected {wanted or row.digest}",
            mend=f"delete {path} and run again",
        )
    return path, found


def _download(row: Published, path: Path, progress: Progress) -> None:
    """Stream the file into the cache, where it appears whole and verified or not at all."""
    try:
        with opened(_address(row), token="" if row.source == "torchvision" else hub_token()) as answer:
            digest = row.digest or answer.sha256
            if not digest:
                raise DownloadFault("the answer states no sha256")
            write_chunks(path, _verified(row, path, answer, digest, progress))
    except DownloadFault as fault:
        raise _unavailable(row, path, str(fault)) from fault


def _address(row: Published) -> str:
    return TORCHVISION + row.file if row.source == "torchvision" else hub_address(row.file, HUB_FILE)


def _verified(row: Published, path: Path, answer: Response, digest: str, progress: Progress) -> Iterator[bytes]:
    """The chunks of an answer. Once all are through, the whole hash is held against what was stated, and written down beside the file."""
    hashed = hashlib.sha256()
    progress.start(f"fetching {row.reference}", -(-answer.length // CHUNK), "MB")
    for chunk in answer.chunks():
        hashed.update(chunk)
        yield chunk
        progress.advance()
    progress.done()
    found = hashed.hexdigest()
    if not found.startswith(digest):
        raise UnsafeCheckpoint(
            f"{row.reference} for {row.net} arrived changed.",
            why=f"its sha256 begins {found[:12]}, expected {digest[:12]}",
            mend="run again; if it stays so, do not use it",
        )
    write_file(_record(path), found)


def _record(path: Path) -> Path:
    """Where the hash of a cached file is written down."""
    return path.with_suffix(path.suffix + ".sha256")


def _unavailable(row: Published, path: Path, why: str) -> WeightsUnavailable:
    return WeightsUnavailable(
        f"{row.reference} for {row.net} is not in the cache and could not be fetched.",
        why=why,
        mend=f"{without_download()}; or go online; or put the file at {path}; or give a local file: --weights FILE; or train without: "
        "--weights none",
    )
