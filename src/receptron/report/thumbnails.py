"""Images as small pictures inside the page: upright, without metadata, within a budget of bytes."""

import io
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from receptron.data.reading.decode import decode
from receptron.data.reading.depth_scale import DepthScale
from receptron.data.reading.file_bytes import LIMITS, Limits, read_bytes
from receptron.errors import UnreadableImage

Pictures = Callable[[str], bytes | None]
"""From an image's path, as the record names it, to the bytes of its file; None where they cannot be had."""

SIDE = 160  # px, the longer side
TINY = 64  # px, up to which an image is kept as it is, pixel for pixel
BUDGET = 1_900_000  # characters of data URIs in one page


@dataclass(frozen=True)
class Thumbnail:
    """A picture inside the page; a tiny one is shown pixel by pixel, not smoothed."""

    uri: str
    tiny: bool


class Thumbnails:
    """Pictures for one page, each made once, until the budget is spent."""

    def __init__(
        self, images: Pictures, scale: DepthScale | None = None, limits: Limits = LIMITS, budget: int = BUDGET, side: int = SIDE
    ) -> None:
        self.images, self.scale, self.limits, self.left, self.side = images, scale, limits, budget, side
        self._made: dict[str, Thumbnail | None] = {}

    def __call__(self, path: str) -> Thumbnail | None:
        """The picture of an image, or None where it cannot be read or no room is left."""
        if path not in self._made:
            self._made[path] = self._make(path)
        made = self._made[path]
        if made is None or len(made.uri) > self.left:
            return None
        self.left -= len(made.uri)
        return made

    def _make(self, path: str) -> Thumbnail | None:
        content = self.images(path) if self.left > 0 else None
        return thumbnail(content, self.scale, self.limits, self.side) if content else None


def from_folder(root: Path, limits: Limits = LIMITS) -> Pictures:
    """Reads the files that a record names relative to `root`."""

    def read(path: str) -> bytes | None:
        try:
            return read_bytes(root / path, limits)
        except UnreadableImage:
            return None

    return read


def thumbnail(content: bytes, scale: DepthScale | None = None, limits: Limits = LIMITS, side: int = SIDE) -> Thumbnail | None:
    """A WebP of at most `side` px, made from the pixels alone, deep ones by the scale that the network saw them by; None for anything that
    does not decode.
    """
    try:
        pixels, _ = decode(content, limits, shortest=side // 2, scale=scale)
    except UnreadableImage:
        return None
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    tiny, file = max(image.size) <= TINY, io.BytesIO()
    image.save(file, "WEBP", quality=76, method=4, lossless=tiny)
    return Thumbnail(data_uri(file.getvalue()), tiny)


def data_uri(webp: bytes) -> str:
    """A WebP as it stands inside of a page."""
    return "data:image/webp;base64," + b64encode(webp).decode()
