"""Pictures of which a part is missing or damaged inside a container that looks whole; and sound ones that look as if."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from malformed import chunk, encoded, photo
from PIL import Image, ImageDraw

from receptron.data.reading.decode import decode
from receptron.errors import UnreadableImage
from receptron.fault_kind import FaultKind

KINDS: dict[str, dict[str, object]] = {
    "baseline": {"quality": 90},
    "full colour": {"quality": 80, "subsampling": 0},
    "optimised": {"quality": 60, "optimize": True},
    "progressive": {"quality": 85, "progressive": True},
    "restarts": {"quality": 85, "restart_marker_blocks": 5},
    "restart rows": {"quality": 85, "restart_marker_rows": 1},
    "progressive with restarts": {"quality": 85, "progressive": True, "restart_marker_rows": 1},
}
EOI = b"\xff\xd9"


def jpeg(kind: str, image: Image.Image | None = None) -> bytes:
    return encoded("JPEG", image or photo(400), **KINDS[kind])


def scan(data: bytes) -> tuple[int, int]:
    """Where the first scan's data begin, and where the last end."""
    at = data.index(b"\xff\xda")
    return at + 2 + struct.unpack_from(">H", data, at + 2)[0], len(data) - 2


def cut(data: bytes, share: float) -> bytes:
    """Ended early, with an end marker as if that were all."""
    first, last = scan(data)
    return data[: first + int((last - first) * share)].removesuffix(b"\xff") + EOI


def zeroed(data: bytes) -> bytes:
    """The second half of the picture's data as a full disk leaves them."""
    first, last = scan(data)
    half = first + (last - first) // 2
    return data[:half] + bytes(last - half) + EOI


def lost(data: bytes) -> bytes:
    """A sector missing in the middle."""
    first, last = scan(data)
    half = first + (last - first) // 2
    return data[:half] + data[half + 512 :]


def overwritten(data: bytes) -> bytes:
    """A sector of something else in the middle."""
    first, last = scan(data)
    half = first + (last - first) // 2
    noise = np.random.default_rng(5).integers(0, 255, 512, np.uint8).tobytes()
    return data[:half] + noise + data[half + 512 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a third": lambda data: cut(data, 1 / 3),
    "half": lambda data: cut(data, 0.5),
    "nine tenths": lambda data: cut(data, 0.9),
    "nearly all": lambda data: cut(data, 0.99),
    "zeros": zeroed,
    "sector lost": lost,
    "sector overwritten": overwritten,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_jpeg_without_all_of_its_picture_is_broken(kind: str, damage: str):
    data = DAMAGES[damage](jpeg(kind))
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (400, 400)  # the header is in order, and Pillow sees nothing wrong with it
    with pytest.raises(UnreadableImage) as caught:
        decode(data)
    assert caught.value.kind in (FaultKind.TRUNCATED, FaultKind.DAMAGED)
    if damage == "half":
        assert "truncated" in caught.value.reason


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_it_is_found_in_every_colour_mode_and_at_reduced_scale(mode: str):
    whole = encoded("JPEG", photo(800).convert(mode))
    assert decode(whole, shortest=50)[1].mode == mode
    for share in (0.2, 0.6, 0.95):
        with pytest.raises(UnreadableImage, match="truncated"):
            decode(cut(whole, share), shortest=50)


def test_a_progressive_jpeg_cut_between_two_scans_is_broken():
    data = jpeg("progressive")
    starts = [at for at in range(len(data) - 1) if data[at : at + 2] in (b"\xff\xda",)]
    assert len(starts) > 5
    for start in starts[1:]:
        tables = data.rfind(b"\xff\xc4", 0, start)  # Huffman tables stand before their scan
        with pytest.raises(UnreadableImage, match="scans"):
            decode(data[:tables] + EOI)


def _with_foot(colour: tuple[int, int, int] | int) -> Image.Image:
    """A photo in the upper third of a plain sheet."""
    sheet = Image.new("RGB" if isinstance(colour, tuple) else "L", (300, 600), colour)
    sheet.paste(photo(300).resize((300, 200)))
    return sheet


def _page() -> Image.Image:
    page = Image.new("L", (600, 800), 255)
    for row in range(20, 300, 20):
        ImageDraw.Draw(page).text((40, row), "The quick brown fox jumps over the lazy dog")
    return page


PLAIN = {
    "white foot": _with_foot((255, 255, 255)),
    "black foot": _with_foot((0, 0, 0)),
    "grey foot, as decoders fill": _with_foot((128, 128, 128)),
    "grey": _with_foot(128),
    "page": _page(),
    "all white": Image.new("RGB", (500, 500), "white"),
    "all grey": Image.new("L", (1000, 30), 128),
    "one pixel": Image.new("RGB", (1, 1), "red"),
    "odd size": photo(331),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_foot_is_no_half_picture(name: str, kind: str):
    assert decode(jpeg(kind, PLAIN[name]))[1].width == PLAIN[name].width


@pytest.mark.parametrize("filling", [b"\0", b"\xff", b"\0" * 15, b"\0" * 4000, bytes(range(1, 12)), b"\xff" * 100])
def test_what_cameras_leave_behind_the_picture_is_no_damage(filling: bytes):
    data = jpeg("baseline")
    assert np.array_equal(decode(data[:-2] + filling + EOI)[0], decode(data)[0])
    assert decode(data + filling + b"trailer")[1].width == 400


@pytest.mark.parametrize("filling", [b"", b"\0" * 4000, b"\xff" * 9])
def test_a_thumbnail_in_the_metadata_is_not_taken_for_the_picture(filling: bytes):
    thumbnail = jpeg("baseline", photo(64))
    data = encoded("JPEG", photo(400), exif=b"Exif\0\0II*\0\x08\0\0\0\0\0" + thumbnail)
    assert decode(data[:-2] + filling + EOI)[1].width == 400
    with pytest.raises(UnreadableImage, match="truncated"):
        decode(data[: len(data) * 2 // 3])
    with pytest.raises(UnreadableImage, match="truncated"):
        decode(data[: len(data) * 2 // 3] + EOI)


def test_a_header_alone_cannot_claim_a_picture():
    data = bytearray(jpeg("baseline"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 7000, 7000)
    with pytest.raises(UnreadableImage, match="cannot hold 7,000 x 7,000"):
        decode(bytes(data))


def _png_without_end(share: float) -> bytes:
    data = encoded("PNG", photo(300))
    at, raw = 8, b""
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        raw += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    return data[:33] + chunk(b"IDAT", raw[: int(len(raw) * share)]) + chunk(b"IEND", b"")


def _webp(share: float, **options: object) -> bytes:
    """Cut within its picture, with both lengths mended."""
    data = encoded("WEBP", photo(300), **options)
    part = bytearray(data[: int(len(data) * share) // 2 * 2])
    part[16:20] = struct.pack("<I", len(part) - 20)
    part[4:8] = struct.pack("<I", len(part) - 8)
    return bytes(part)


def _gif(share: float) -> bytes:
    data = encoded("GIF", photo(300))
    return data[: int(len(data) * share)] + b"\0;"


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("make", [_png_without_end, _webp, lambda share: _webp(share, lossless=True), _gif])
def test_other_formats_cut_inside_a_container_that_looks_whole(make: Callable[[float], bytes], share: float):
    with pytest.raises(UnreadableImage):
        decode(make(share))


@pytest.mark.shared
def test_no_photo_of_thousands_alarms(shared: Path):
    files = [path for ending in ("jpg", "png", "webp") for path in sorted((shared / "data").rglob(f"*.{ending}"))]
    assert len(files) > 3000
    for path in files:
        decode(path, shortest=256)


@pytest.mark.shared
def test_real_photos_cut_are_found(shared: Path):
    for path in sorted((shared / "data/flowers").rglob("*.jpg"))[::60]:
        for share in (1 / 3, 0.5, 0.9):
            with pytest.raises(UnreadableImage):
                decode(cut(path.read_bytes(), share))
