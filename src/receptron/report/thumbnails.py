"""Images as small pictures inside the page: upright, without metadata, within a budget of bytes."""

import io
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from receptron.data.decode import decode, read_bytes
from receptron.errors import UnreadableImage

Pictures = Callable[[str], bytes | None]
"""From an image's path, as the record names it, to the bytes of its file; None where they cannot be had."""

SIDE = 160  # px, the longer side
TINY = 64  # px, up to which an image is kept as it is, pixel for pixel
BUDGET = 1_900_000  # characters of data URIs in one page


class Thumbnails:
    """Pictures for one page, each made once, until the budget is spent."""

    def __init__(self, images: Pictures, budget: int = BUDGET) -> None:
        self.images, self.left = images, budget
        self._made: dict[str, str | None] = {}

    def __call__(self, path: str) -> str | None:
        """The data URI of an image, or None where it cannot be read or no room is left."""
        if path not in self._made:
            self._made[path] = self._make(path)
        uri = self._made[path]
        if uri is None or len(uri) > self.left:
            return None
        self.left -= len(uri)
        return uri

    def _make(self, path: str) -> str | None:
        content = self.images(path) if self.left > 0 else None
        return data_uri(content) if content else None


def from_folder(root: Path) -> Pictures:
    """Reads the files that a record names relative to `root`."""

    def read(path: str) -> bytes | None:
        try:
            return read_bytes(root / path)
        except UnreadableImage:
            return None

    return read


def data_uri(content: bytes, side: int = SIDE) -> str | None:
    """A WebP of at most `side` px as a data URI, made from the pixels alone; None for anything that does not decode."""
    try:
        pixels, _ = decode(content, shortest=side // 2)
    except UnreadableImage:
        return None
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=76, method=4, lossless=max(image.size) <= TINY)
    return "data:image/webp;base64," + b64encode(file.getvalue()).decode()
