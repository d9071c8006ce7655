"""The feature cache: activations at the frozen boundary, computed once per image and view, kept on disk.

A block of rows is one safetensors file whose name carries the digest of its bytes. Blocks are only ever added, so two runs may share a
cache; a block that is lost or fails its digest is computed again. The folder's name is the key: weights of the front,
preprocessing, policy of the views, number format.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from receptron import atomic_write
from receptron.data.augmentation.policy import Policy
from receptron.data.augmentation.views import augmented
from receptron.data.preprocessing.image_cache import Canvases
from receptron.data.preprocessing.normalize import prepare
from receptron.data.reading.depth_scale import NOMINAL, DepthScale
from receptron.data.reading.pixel_formats import Canvas
from receptron.errors import StorageFault
from receptron.progress import Progress
from receptron.training.hardware.disk_room import shortage, shown
from receptron.weights.inputs import InputSpec
from receptron.wording import counted

BLOCK = 64  # images in one file
_HEADER = 140  # bytes that the name, type and shape of one row take in a file
CHUNK = 8  # images in one forward pass: their first maps still fit a processor's cache, which is twice as fast as 64 at 224 px
LIMIT = 10 * 2**30  # bytes that the cache may take on disk, over all fronts
_CURE = "free some room there, or name another folder with --cache"
_BLOCK_NAME = re.compile(r"[0-9a-f]{32}/[0-9a-f]{64}\.safetensors")  # key / digest, which nothing else is called
VIEW_SEED = 0  # views in the cache are shared by all runs, whatever their seed


@dataclass(frozen=True)
class FeatureViews:
    """What the front sees of each image: view 0 is the centre, as at prediction; views 1..count-1 are augmented."""

    spec: InputSpec
    channels: int
    policy: Policy
    count: int
    depth: DepthScale = NOMINAL  # by which the canvases were made

    def of(self, canvases: Sequence[Canvas], names: Sequence[str], view: int) -> Tensor:
        """Float (N, channels, pixels, pixels) of one view of several canvases."""
        if view == 0:
            return prepare(canvases, self.spec, self.channels)
        return augmented(canvases, names, self.spec, self.policy, channels=self.channels, seed=VIEW_SEED, epoch=view)


@dataclass(frozen=True)
class FeatureCache:
    """Activations of one front under one preprocessing, by image digest and view."""

    folder: Path | None  # None keeps nothing on disk

    def gather(
        self,
        front: nn.Module,
        views: FeatureViews,
        digests: Sequence[str],
        canvases: Canvases,
        run: Callable[[nn.Module, Tensor], Tensor],
        progress: Progress,
        kept: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Activations (N, views, ...) of the images `digests`: from the disk (`kept`, if that was read before), or computed by
        `run(front, batch)` and kept there.
        """
        rows = self.read(set(digests)) if kept is None else kept
        found = {digest: row[: views.count] for digest, row in rows.items() if len(row) >= views.count}
        missing = list(dict.fromkeys(digest for digest in digests if digest not in found))
        progress.start("features", len(missing) * views.count, "views")
        unkept = ""
        for number, block in enumerate(_parts(missing, BLOCK)):
            parts = [self._compute(front, views, part, canvases, run, progress) for part in _parts(block, CHUNK)]
            rows = torch.cat(parts)
            found.update(zip(block, rows, strict=True))
            unkept = unkept or self._no_room(rows[0].nbytes, len(missing) - number * BLOCK) or self._write(block, rows)
        progress.done(f"{counted(len(missing), 'image')} computed, {len(digests) - len(missing):,} from the cache")
        if self.folder and unkept:
            progress.tell(f"Features are held in memory and not kept for the next run: {unkept}; {_CURE}.")
        elif self.folder and missing and (removed := prune(self.folder.parent)):
            progress.tell(removed.words)
        return torch.stack([found[digest] for digest in digests])

    @staticmethod
    def _compute(
        front: nn.Module,
        views: FeatureViews,
        part: list[str],
        canvases: Canvases,
        run: Callable[[nn.Module, Tensor], Tensor],
        progress: Progress,
    ) -> Tensor:
        """Activations (part, views, ...). A short part is filled up, so that a row never depends on how many were missing."""
        full = part + part[:1] * (CHUNK - len(part))
        pictures, columns = [canvases[digest] for digest in full], list[Tensor]()
        for view in range(views.count):
            columns.append(run(front, views.of(pictures, full, view)))
            progress.advance(len(part))
        return torch.stack(columns, dim=1)[: len(part)]

    def _no_room(self, size: int, images: int) -> str:
        """Why the rows of `images` more images, `size` bytes each, cannot be kept; empty where they can."""
        short = shortage(self.folder, images * (size + _HEADER)) if self.folder else None
        return short.words if short else ""

    def _write(self, digests: Sequence[str], rows: Tensor) -> str:
        """Add a block; a full disk costs the cache, never the run: why, or nothing. NaN and infinity are not kept."""
        if self.folder is None or not bool(torch.isfinite(rows).all()):
            return ""
        content = save({digest: row.contiguous() for digest, row in zip(digests, rows, strict=True)})
        try:
            atomic_write.write_file(self.folder / f"{hashlib.sha256(content).hexdigest()}.safetensors", content)
        except StorageFault as fault:
            return f"{fault.what.rstrip('.')}: {fault.why}" if fault.why else fault.what.rstrip(".")
        return ""

    def read(self, wanted: set[str]) -> dict[str, Tensor]:
        """Rows on disk (views, ...) whose file still matches its name, with the most views that an image has."""
        found: dict[str, Tensor] = {}
        for file in sorted(self.folder.glob("*.safetensors")) if self.folder and self.folder.is_dir() else []:
            for digest, row in _verified(file):
                if digest in wanted and row.ndim and len(row) > len(found.get(digest, ())):
                    found[digest] = row
        kinds = {(row.shape[1:], row.dtype) for row in found.values()}
        return found if len(kinds) < 2 else {}  # somebody else's rows are among them: all are computed again


@dataclass(frozen=True)
class Pruned:
    """What went of a cache that was over its limit."""

    cache: Path
    blocks: int
    size: int  # bytes
    limit: int

    @property
    def words(self) -> str:
        """In one sentence."""
        gone = f"{counted(self.blocks, 'block')} of features written longest ago, {shown(self.size)}, went"
        return f"The cache {self.cache} was over its limit of {shown(self.limit)}: {gone}; runs that want them compute them again."


def prune(cache: Path, limit: int | None = None) -> Pruned | None:
    """Remove the blocks that were written longest ago, of whatever front, until the cache fits `limit` bytes (None: `LIMIT`).

    Any may be lost safely. Returns: what went; None if nothing did.
    """
    kept, gone, most = 0, list[int](), LIMIT if limit is None else limit
    for _, size, file in sorted(_sizes(cache), reverse=True):
        kept += size
        if kept > most:
            file.unlink(missing_ok=True)
            gone.append(size)
    return Pruned(cache, len(gone), sum(gone), most) if gone else None


def _sizes(cache: Path) -> Iterator[tuple[float, int, Path]]:
    """When each block was written, its bytes and its file; another run may remove one meanwhile."""
    for file in cache.glob("*/*.safetensors"):
        if not _BLOCK_NAME.fullmatch(f"{file.parent.name}/{file.name}"):
            continue  # the user may keep weights of their own below the folder
        try:
            facts = file.stat()
        except OSError:
            continue
        yield facts.st_mtime, facts.st_size, file


def _verified(file: Path) -> Iterator[tuple[str, Tensor]]:
    """Rows of one block, or none if another run removed it or its bytes are not those of its name."""
    try:
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() == file.stem:
            yield from load(content).items()
    except (OSError, SafetensorError):
        return


def _parts(names: list[str], most: int) -> Iterator[list[str]]:
    for start in range(0, len(names), most):
        yield names[start : start + most]


def cache_key(state: dict[str, Tensor], views: FeatureViews, number_format: str) -> str:
    """Digest of everything that an activation depends on besides the image."""
    digest = hashlib.sha256(repr((views.spec, views.depth, views.channels, views.policy, number_format, torch.__version__)).encode())
    for name, tensor in sorted(state.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()).data)
    return digest.hexdigest()[:32]
