"""Large images: JPEGs decoded at reduced scale, the rest bound by memory; and TIFFs of kinds that are not read, told as such."""

import struct
from pathlib import Path

import numpy as np
import pytest
from malformed import encoded, photo
from PIL import Image

from receptron.data.dataset.scan import scan
from receptron.data.ingest import CanvasPlan, load, read
from receptron.data.reading.decode import decode
from receptron.data.reading.file_bytes import Limits, within
from receptron.errors import BadValue, UnreadableImage
from receptron.fault_kind import FaultKind
from receptron.jobs.audit import audit
from shell import run


@pytest.fixture(scope="module")
def fifty_megapixels() -> bytes:
    return encoded("JPEG", photo(96).resize((8160, 6144)), quality=50)


def test_a_photo_of_fifty_megapixels_is_read_and_told(fifty_megapixels: bytes, tmp_path: Path):
    for label in "ab":
        (tmp_path / label).mkdir()
        (tmp_path / label / "small.jpg").write_bytes(encoded("JPEG", photo(300, ord(label))))
    (tmp_path / "a/large.jpg").write_bytes(fifty_megapixels)
    found = audit(tmp_path)
    assert found.broken == 0
    told = next(one for one in found.findings if one.kind == "reduced")
    assert told.files == ("a/large.jpg",) and told.notes == ("8,160 x 6,144 px, decoded at 1/8",)
    reading = read(scan(tmp_path), 64)
    entry = next(entry for entry in reading.entries if entry.item.path.name == "large.jpg")
    assert (entry.facts.width, entry.facts.height) == (8160, 6144)
    pixels, facts = load(fifty_megapixels, str(entry.item.path), CanvasPlan(64))
    assert np.array_equal(pixels, reading.canvases[entry.sha256]) and facts == entry.facts


def test_without_a_wish_a_jpeg_is_reduced_only_as_far_as_it_must(fifty_megapixels: bytes):
    assert decode(fifty_megapixels)[0].shape == (3072, 4080, 3)
    assert decode(fifty_megapixels, within(500))[0].shape == (6144, 8160, 3)
    small = encoded("JPEG", photo(400))
    for memory, side in ((8 * 400**2, 400), (8 * 400**2 - 1, 200), (8 * 100**2, 100), (8 * 50**2, 50)):
        assert decode(small, Limits(memory=memory))[0].shape == (side, side, 3)
    with pytest.raises(UnreadableImage, match="over the limit"):
        decode(small, Limits(memory=8 * 50**2 - 1))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_what_cannot_be_reduced_is_over_the_limit_and_not_damaged(kind: str):
    with pytest.raises(UnreadableImage) as caught:
        decode(encoded(kind, photo(400)), Limits(memory=1_000_000))
    assert caught.value.kind is FaultKind.TOO_LARGE
    assert "400 x 400 px need 2 MB of memory" in caught.value.reason and "--image-memory 2" in caught.value.mend
    assert decode(encoded(kind, photo(400)), within(2))[0].shape == (400, 400, 3)


def test_a_progressive_jpeg_costs_its_coefficients_whatever_the_scale():
    data = encoded("JPEG", photo(400), progressive=True)
    assert decode(data, Limits(memory=6 * 400**2 + 8 * 50**2))[0].shape == (50, 50, 3)
    with pytest.raises(UnreadableImage, match="over the limit"):
        decode(data, Limits(memory=6 * 400**2))


@pytest.mark.parametrize("megabytes", [0, -1, float("nan"), float("inf"), 1e9, "400", None])
def test_an_amount_of_memory_that_is_none_is_refused(megabytes: float):
    with pytest.raises(BadValue, match="image-memory"):
        within(megabytes)


def test_the_flag_is_heard_by_the_command(tmp_path: Path):
    for label in "ab":
        (tmp_path / label).mkdir()
        (tmp_path / label / "x.png").write_bytes(encoded("PNG", photo(400, ord(label))))
    refused = run("audit", tmp_path, "--image-memory", "1")
    assert refused.code == 1 and "over the limit" in refused.out + refused.err
    assert run("audit", tmp_path, "--image-memory", "2").code == 0
    assert run("audit", tmp_path, "--image-memory", "0").code == 2


def tiff(bands: int, bits: int, numbers: int, photometric: int = 2) -> bytes:
    """A TIFF of 4 x 4 px with so many bands of so many bits, of one kind of numbers (1 whole, 2 signed, 3 float)."""
    body = bytes(16 * bands * bits // 8)
    tags = {256: 4, 257: 4, 259: 1, 262: photometric, 273: 8, 277: bands, 278: 4, 279: len(body)}
    start, count = 8 + len(body), len(tags) + 2
    lists = start + 6 + 12 * count
    rows = {tag: struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items()}
    for tag, value, place in ((258, bits, lists), (339, numbers, lists + 2 * bands)):
        rows[tag] = struct.pack("<HHI", tag, 3, bands) + (struct.pack("<I", place) if bands > 2 else struct.pack("<HH", value, value))
    directory = struct.pack("<H", count) + b"".join(rows[tag] for tag in sorted(rows)) + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", start) + body + directory + struct.pack(f"<{2 * bands}H", *[bits] * bands, *[numbers] * bands)


@pytest.mark.parametrize(
    ("bands", "bits", "numbers", "words"),
    [
        (3, 32, 3, "3 bands of 32 floating point bits"),
        (1, 64, 3, "1 band of 64 floating point bits"),
        (3, 32, 1, "3 bands of 32 bits"),
        (3, 16, 2, "3 bands of 16 signed bits"),
    ],
)
def test_a_tiff_of_a_kind_that_is_not_read_is_unsupported_and_not_damaged(bands: int, bits: int, numbers: int, words: str):
    with pytest.raises(UnreadableImage) as caught:
        decode(tiff(bands, bits, numbers, 2 if bands > 1 else 1))
    assert caught.value.kind is FaultKind.UNSUPPORTED
    assert words in caught.value.reason and "damaged" not in str(caught.value)


def test_float_grey_is_read():
    values = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    assert np.array_equal(decode(encoded("TIFF", Image.fromarray(values)))[0][..., 0], np.rint(values * 255))
