"""Canvases by the digest of their file: in memory while they fit a budget, the rest in one unnamed file that is mapped into memory."""

import tempfile
import weakref
from typing import IO, Any

import numpy as np

from receptron.data.reading.pixel_formats import Canvas
from receptron.errors import StorageFault

BUDGET = 2_000_000_000  # bytes


class Canvases:
    """uint8 arrays (h, w, 3), or float32 (h, w, bands), by sha256 of the image file; the spilled ones vanish with the process, however it
    ends.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget, self.held, self.spilled = budget, 0, 0
        self._memory: dict[str, Canvas] = {}
        self._places: dict[str, tuple[int, tuple[int, ...], np.dtype[Any]]] = {}
        self._file: IO[bytes] | None = None
        self._map: np.memmap | None = None

    def add(self, sha256: str, pixels: Canvas) -> None:
        """Keep one canvas; a digest that is known already is left as it is.

        Raises: StorageFault if it must go to disk and the disk is full.
        """
        if sha256 in self:
            return
        if self.held + pixels.nbytes <= self.budget:
            self._memory[sha256] = pixels
            self.held += pixels.nbytes
        else:
            self._spill(sha256, pixels)

    def __getitem__(self, sha256: str) -> Canvas:
        if sha256 in self._memory:
            return self._memory[sha256]
        start, shape, dtype = self._places[sha256]
        return self._mapped()[start : start + int(np.prod(shape)) * dtype.itemsize].view(dtype).reshape(shape)

    def __contains__(self, sha256: object) -> bool:
        return sha256 in self._memory or sha256 in self._places

    def __len__(self) -> int:
        return len(self._memory) + len(self._places)

    def _spill(self, sha256: str, pixels: Canvas) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="receptron-canvases-")  # noqa: SIM115 - lives as long as the canvases
                weakref.finalize(self, self._file.close)
            self._file.write(np.ascontiguousarray(pixels).data)
            self._file.flush()
        except OSError as error:
            raise StorageFault(
                f"could not keep {self.spilled + pixels.nbytes:,} bytes of resized images in {tempfile.gettempdir()}.",
                why=error.strerror or str(error),
                mend="free some room there, or set TMPDIR to a larger disk",
            ) from error
        self._places[sha256] = (self.spilled, pixels.shape, pixels.dtype)
        self.spilled += pixels.nbytes
        self._map = None

    def _mapped(self) -> np.memmap:
        if self._map is None:
            if self._file is None:
                raise KeyError("no canvas was spilled")
            self._map = np.memmap(self._file, dtype=np.uint8, mode="r")
        return self._map
