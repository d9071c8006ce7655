"""Every bit depth and colour mode against numbers worked out here, not by the decoder."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from malformed import chunk, encoded, photo
from PIL import Image

from receptron.data.reading.decode import decode
from receptron.data.reading.exif import orientation
from receptron.data.reading.pixel_formats import to_eight_bits
from receptron.errors import UnreadableImage


def raw_png(rows: np.ndarray, bits: int, colour: int, extra: bytes = b"") -> bytes:
    """A PNG written by hand: unfiltered rows of big-endian values."""
    height, width = rows.shape[:2]
    body = b"".join(b"\0" + row.astype(">u2" if bits == 16 else np.uint8).tobytes() for row in rows)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


RAMP = np.linspace(0, 65535, 256).round().reshape(16, 16)


def test_a_16_bit_grey_ramp_is_scaled_and_not_clipped():
    pixels, facts = decode(raw_png(RAMP, 16, 0))
    assert np.array_equal(pixels[..., 0], np.arange(256).reshape(16, 16))
    assert (facts.bits, facts.mode, facts.grey) == (16, "I;16", True)


@pytest.mark.parametrize(("top", "bits"), [(255, 8), (4095, 12), (65535, 16)])
def test_the_least_depth_that_holds_the_largest_value_counts(top: int, bits: int):
    values = np.array([[0, top // 2, top]], np.uint16)
    expected = [[0, round(top // 2 * 255 / (2**bits - 1)), 255]]
    assert to_eight_bits(values).tolist() == expected


def test_16_bit_tiffs_of_both_byte_orders_agree(tmp_path: Path):
    grey = RAMP.astype(np.uint16)
    for order in ("<", ">"):
        tags = [(256, 16), (257, 16), (258, 16), (259, 1), (262, 1), (273, 122), (277, 1), (278, 16), (279, 512)]
        body = b"".join(struct.pack(f"{order}HHII", t, 4, 1, v) for t, v in tags)
        head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(tags)) + body + struct.pack(f"{order}I", 0)
        pixels, facts = decode(head + grey.astype(f"{order}u2").tobytes())
        assert np.array_equal(pixels[..., 1], np.arange(256).reshape(16, 16))
        assert facts.bits == 16


def test_white_is_zero_tiffs_are_turned_round():
    tags = [(256, 16), (257, 16), (258, 16), (259, 1), (262, 0), (273, 122), (277, 1), (278, 16), (279, 512)]
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in tags) + b"\0\0\0\0"
    pixels, _ = decode(head + RAMP.astype("<u2").tobytes())
    assert np.array_equal(pixels[..., 0], np.arange(255, -1, -1).reshape(16, 16))


def test_16_bit_colour_keeps_the_high_byte():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 65536, (5, 7, 3))
    pixels, facts = decode(raw_png(values.reshape(5, 21).reshape(5, 7, 3), 16, 2))
    assert np.array_equal(pixels, values >> 8)
    assert facts.bits == 16


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 100.5, 255.0], [0, 100, 255]),
        ([-1.0, 0.0, 3.0], [0, 64, 255]),
        ([0.25, 1000.25, 2000.25], [0, 128, 255]),
        ([np.nan, 0.25, 1.0], [0, 64, 255]),
        ([0.25, np.inf, -np.inf], [64, 255, 0]),
        ([0, 1, 1], [0, 255, 255]),
        ([0, 0, 0], [0, 0, 0]),
        ([-5, -5, -5], [0, 0, 0]),
        ([0, 70_000, 35_000], [0, 255, 128]),
    ],
)
def test_floats_and_integers_are_scaled_by_the_stated_rule(values: list[float], expected: list[int]):
    assert to_eight_bits(np.array([values])).tolist()[0] == pytest.approx(expected, abs=0)


def test_a_float_tiff_is_read(tmp_path: Path):
    values = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    pixels, facts = decode(encoded("TIFF", Image.fromarray(values)))
    assert np.array_equal(pixels[..., 0], np.rint(values * 255))
    assert (facts.mode, facts.bits) == ("F", 32)


def test_a_float_image_of_nothing_but_nan_says_so():
    with pytest.raises(UnreadableImage, match="finite"):
        decode(encoded("TIFF", Image.fromarray(np.full((4, 4), np.nan, np.float32))))


def test_alpha_is_composed_on_white():
    colour = np.array([[[200, 100, 0, 255], [200, 100, 0, 128], [200, 100, 0, 0]]], np.uint8)
    pixels, facts = decode(encoded("PNG", Image.fromarray(colour)))
    share = np.array([255, 128, 0])[None, :, None] / 255
    expected = colour[..., :3] * share + 255 * (1 - share)
    assert np.abs(pixels - expected).max() <= 1
    assert facts.alpha and facts.mode == "RGBA"


def test_opaque_alpha_is_no_alpha():
    image = photo(8).convert("RGBA")
    pixels, facts = decode(encoded("PNG", image))
    assert not facts.alpha
    assert np.array_equal(pixels, np.asarray(image)[..., :3])


def test_grey_with_alpha_and_a_transparent_grey():
    both = np.array([[[10, 255], [10, 0]]], np.uint8)
    assert decode(encoded("PNG", Image.fromarray(both)))[0][0, :, 0].tolist() == [10, 255]
    marked = raw_png(np.array([[10, 20]]), 8, 0, chunk(b"tRNS", struct.pack(">H", 20)))
    assert decode(marked)[0][0, :, 0].tolist() == [10, 255]


def test_palettes_give_their_colours_and_their_transparency():
    table = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    extra = chunk(b"PLTE", bytes(v for colour in table for v in colour)) + chunk(b"tRNS", bytes([255, 255, 0]))
    pixels, facts = decode(raw_png(np.array([[0, 1, 2]]), 8, 3, extra))
    assert pixels[0].tolist() == [[255, 0, 0], [0, 255, 0], [255, 255, 255]]
    assert facts.mode == "P" and facts.alpha


def test_one_bit_images_are_black_and_white():
    bits = np.array([[True, False, True]])
    pixels, facts = decode(encoded("PNG", Image.fromarray(bits)))
    assert pixels[0, :, 0].tolist() == [255, 0, 255]
    assert (facts.bits, facts.grey) == (1, True)


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_is_ink_on_paper(kind: str):
    """No ink is white, all cyan takes all red away; JPEGs hold the inverse, as Adobe's programs write it."""
    for ink, colour in (((0, 0, 0, 0), (255, 255, 255)), ((255, 0, 0, 0), (0, 255, 255)), ((0, 0, 0, 255), (0, 0, 0))):
        pixels, facts = decode(encoded(kind, Image.new("CMYK", (16, 16), ink)))
        assert np.abs(pixels.astype(int) - colour).max() <= 3
        assert facts.mode == "CMYK"


def test_the_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for kind in ("GIF", "WEBP", "TIFF"):
        buffer = BytesIO()
        frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {}))
        pixels, facts = decode(buffer.getvalue())
        assert pixels[3, 3].tolist() == [255, 0, 0], kind
        assert facts.frames == 3, kind


TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation_is_applied(kind: str, turn: int):
    stored = np.random.default_rng(turn).integers(0, 256, (6, 9, 3), np.uint8).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = turn
    pixels, facts = decode(encoded(kind, Image.fromarray(stored), exif=exif, **({"lossless": True} if kind == "WEBP" else {})))
    assert np.array_equal(pixels, TURNED[turn](stored))
    assert (facts.height, facts.width) == pixels.shape[:2]
    assert facts.rotated == (turn != 1)


def test_a_turned_photo_decodes_reduced_as_well():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded("JPEG", photo(800).resize((800, 400)), exif=exif)
    pixels, facts = decode(data, shortest=50)
    assert pixels.shape == (200, 100, 3)
    assert (facts.width, facts.height) == (400, 800)


@pytest.mark.parametrize(
    "exif",
    [
        None,
        b"",
        b"Exif\0\0",
        b"II*\0\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0",
    ],
)
def test_nonsense_in_exif_means_upright(exif: bytes | None):
    assert orientation(exif) == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_reduced_decoding_shows_the_same_picture(kind: str):
    image = photo(640)
    data = encoded(kind, image)
    pixels, facts = decode(data, shortest=64)
    assert pixels.shape == (160, 160, 3)
    assert facts.width == 640
    expected = np.asarray(image.resize((160, 160), Image.Resampling.BOX), float)
    assert np.abs(pixels - expected).mean() < 4


def test_formats_and_endings_are_compared(tmp_path: Path):
    for name, fits in (("a.png", True), ("a.PNG", True), ("a.jpg", False), ("a", False)):
        (tmp_path / name).write_bytes(encoded("PNG"))
        assert decode(tmp_path / name)[1].extension_fits is fits


def test_closed_formats_stay_closed():
    for kind in ("PPM", "TGA", "PCX", "ICO", "EPS", "SGI"):
        with pytest.raises(UnreadableImage):
            decode(encoded(kind))
