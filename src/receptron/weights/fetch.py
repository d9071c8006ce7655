"""Bring a published file onto this machine once: from the cache, else from where it is published; its hash decides whether it is good."""

import hashlib
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError

from receptron.durable import sha256, write_file
from receptron.errors import UnsafeCheckpoint, WeightsUnavailable
from receptron.places import cache
from receptron.weights.published import Published

TORCHVISION = "https://download.pytorch.org/models/"
MAX_BYTES = 4 * 2**30
TIMEOUT = 20.0  # seconds without a byte


def cache_folder() -> Path:
    """Where weights are kept."""
    return cache("weights")


def cached_path(row: Published) -> Path:
    """Where the file of `row` lies once it is here."""
    name = row.file if row.source == "torchvision" else f"{row.file.partition('/')[2]}.safetensors"
    return cache_folder() / row.source / name


def fetch(row: Published) -> tuple[Path, str]:
    """The file of `row` on this machine and its sha256. Raises: WeightsUnavailable, UnsafeCheckpoint, StorageFault."""
    path = cached_path(row)
    record = path.with_suffix(path.suffix + ".sha256")
    if not path.exists():
        digest = _from_torchvision(row, path) if row.source == "torchvision" else _from_hub(row, path)
        write_file(record, digest)
    wanted = record.read_text().strip() if record.exists() else row.digest
    found = sha256(path)
    if not found.startswith(wanted or row.digest) or not found.startswith(row.digest):
        raise UnsafeCheckpoint(
            f"{path} is not what {row.source} published.",
            why=f"its sha256 begins {found[:12]}, expected {wanted or row.digest}",
            mend=f"delete {path} and run again",
        )
    return path, found


def _from_torchvision(row: Published, path: Path) -> str:
    """Download by URL; the file's name carries the beginning of its hash."""
    try:
        with urllib.request.urlopen(TORCHVISION + row.file, timeout=TIMEOUT) as answer:
            content: bytes = answer.read(MAX_BYTES + 1)
    except (URLError, TimeoutError, OSError) as error:
        raise _unavailable(row, path, str(getattr(error, "reason", error))) from error
    if len(content) > MAX_BYTES:
        raise _unavailable(row, path, f"the answer has over {MAX_BYTES:,} bytes")
    return _keep(row, path, content, row.digest)


def _from_hub(row: Published, path: Path) -> str:
    """Download from the Hugging Face hub, which states the sha256 of large files."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        stated = get_hf_file_metadata(hf_hub_url(row.file, "model.safetensors"), timeout=TIMEOUT).etag or ""
        with TemporaryDirectory() as folder:
            content = Path(hf_hub_download(row.file, "model.safetensors", local_dir=folder)).read_bytes()
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        raise _unavailable(row, path, str(error).splitlines()[0]) from error
    except Exception as error:  # the hub's transport library raises its own kinds, which differ between versions
        if type(error).__module__.partition(".")[0] not in ("httpx", "httpcore", "requests"):
            raise
        raise _unavailable(row, path, str(error)) from error
    return _keep(row, path, content, stated if len(stated) == 64 else "")


def _keep(row: Published, path: Path, content: bytes, digest: str) -> str:
    """Put a downloaded file into the cache if its hash is right; returns the whole hash."""
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(digest):
        raise UnsafeCheckpoint(
            f"{row.reference} for {row.net} arrived changed.",
            why=f"its sha256 begins {found[:12]}, expected {digest[:12]}",
            mend="run again; if it stays so, do not use it",
        )
    write_file(path, content)
    return found


def _unavailable(row: Published, path: Path, why: str) -> WeightsUnavailable:
    return WeightsUnavailable(
        f"{row.reference} for {row.net} is not in the cache and could not be fetched.",
        why=why,
        mend=f"go online; or put the file at {path}; or give a local file: --weights FILE; or train without: --weights none",
    )
