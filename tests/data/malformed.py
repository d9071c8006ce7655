"""Broken image files, each with words that the reason must hold."""

import struct
import zlib
from importlib.util import find_spec
from io import BytesIO

import numpy as np
from PIL import Image


def photo(side: int = 96, seed: int = 0) -> Image.Image:
    """A smooth random picture, so that every format compresses it as it does photos."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8).astype(np.uint8))
    return coarse.resize((side, side), Image.Resampling.BICUBIC)


def encoded(kind: str, image: Image.Image | None = None, **options: object) -> bytes:
    """A picture as a file of one format."""
    buffer = BytesIO()
    (image or photo()).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes, crc: int | None = None) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) if crc is None else crc)


def png(width: int, height: int, body: bytes = b"", bits: int = 8, colour: int = 0) -> bytes:
    """A PNG whose header may say what it likes."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def bmp(width: int, height: int) -> bytes:
    """A BMP header without any pixel behind it."""
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def gif(width: int, height: int) -> bytes:
    """A GIF header and one empty frame of that size."""
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x00;"


def webp(width: int, height: int) -> bytes:
    """An extended WebP header and nothing behind it."""
    body = b"WEBPVP8X" + struct.pack("<II", 10, 0) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(width: int, height: int) -> bytes:
    """A TIFF directory that promises one uncompressed grey strip."""
    tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, height), (279, width * height)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)


def with_jpeg_size(width: int, height: int) -> bytes:
    """A JPEG whose frame header states another size."""
    data = bytearray(encoded("JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def flipped(data: bytes, kind: bytes, offset: int) -> bytes:
    """One bit changed, so many bytes into the chunk of that kind."""
    changed = bytearray(data)
    changed[data.index(kind) + 4 + offset] ^= 1
    return bytes(changed)


def _cut(kind: str, ending: str, shares: tuple[float, ...], words: str = "truncated") -> dict[str, tuple[bytes, str]]:
    whole = encoded(kind)
    return {f"cut-{kind}-{share}.{ending}": (whole[: int(len(whole) * share)], words) for share in shares}


def malformed() -> dict[str, tuple[bytes, str]]:
    """File name to content and words of the reason; more than sixty."""
    jpeg, whole_png = encoded("JPEG"), encoded("PNG")
    files = {
        "empty.jpg": (b"", "empty"),
        "empty.png": (b"", "empty"),
        "zeros.jpg": (b"\0" * 4096, "nothing but zeros"),
        "soi.jpg": (b"\xff\xd8", "truncated"),
        "page.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", "HTML"),
        "page2.png": (b"\n\n  <html><head></head></html>", "HTML"),
        "pointer.jpg": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "Git LFS"),
        "note.jpg": (b"this is no image\n", "text file"),
        "drawing.png": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        "xml.png": (b'<?xml version="1.0"?><svg></svg>', "SVG"),
        "paper.jpg": (b"%PDF-1.7\n", "PDF"),
        "script.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        "stars.tif": (b"SIMPLE  =                    T", "FITS"),
        "layers.jpg": (b"8BPS\0\1" + b"\0" * 40, "Photoshop"),
        "icon.png": (b"\0\0\1\0\1\0", "icon"),
        "archive.jpg": (b"PK\3\4" + b"\0" * 40, "zip"),
        "squeezed.png": (b"\x1f\x8b\x08" + b"\0" * 40, "gzip"),
        "program.jpg": (b"\x7fELF\2\1\1" + b"\0" * 40, "program"),
        "phone.jpg": (
            encoded("AVIF").replace(b"avif", b"heic").replace(b"mif1", b"heic"),
            "HEIC" if find_spec("pillow_heif") is None else "damaged",
        ),
        "modern.jpg": (encoded("AVIF")[:-9], "truncated"),
        "film.jpg": (b"\0\0\0\x18ftypisom" + b"\0" * 40, "media"),
        "jp2.jpg": (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        "random.jpg": (np.random.default_rng(1).bytes(512), "unknown format"),
        "array.png": (b"\x93NUMPY\1\0" + b"\0" * 40, "NumPy"),
        "crc-header.png": (flipped(whole_png, b"IHDR", 3), "CRC"),
        "crc-pixels.png": (flipped(whole_png, b"IDAT", 40), "CRC"),
        "no-pixels.png": (whole_png[:33] + chunk(b"IEND", b""), "no picture data"),
        "no-end.png": (whole_png[:-12], "without an IEND"),
        "bad-zlib.png": (whole_png[:33] + chunk(b"IDAT", b"\x12\x34\x56") + chunk(b"IEND", b""), "damaged"),
        "bad-depth.png": (png(4, 4, b"\0" * 20, bits=7), "damaged"),
        "0x5.png": (png(0, 5), "0 x 5"),
        "5x0.png": (png(5, 0), "5 x 0"),
        "0x9.jpg": (with_jpeg_size(0, 9), "0 x 9"),
        "9x0.jpg": (with_jpeg_size(9, 0), "9 x 0"),
        "0x3.bmp": (bmp(0, 3), "0 x 3"),
        "0x3.gif": (gif(0, 3), "0 x 3"),
        "bomb.png": (png(12_000, 12_000, b"\0" * 1000), "limit: 12,000 x 12,000"),
        "bomb2.png": (png(100_000, 100_000, b"\0" * 1000), "limit: 100,000 x 100,000"),
        "bomb.jpg": (with_jpeg_size(65_000, 65_000), "over the limit"),
        "bomb.bmp": (bmp(60_000, 60_000), "over the limit"),
        "bomb.gif": (gif(65_000, 65_000), "over the limit"),
        "bomb.webp": (webp(16_000, 16_000), "over the limit"),
        "bomb.tif": (tiff(60_000, 60_000), "over the limit"),
        "short.bmp": (bmp(64, 64), "truncated at 54 of"),
        "negative.bmp": (bmp(-4, 4), "-4 x 4"),
        "empty.webp": (webp(64, 64), "damaged"),
        "strip.tif": (tiff(64, 64), "truncated"),
        "header.tif": (b"II*\0\x08\0\0\0", "damaged"),
        "far.tif": (b"II*\0" + struct.pack("<I", 10**6), "damaged"),
        "header.gif": (b"GIF89a", "truncated"),
        "frameless.gif": (gif(8, 8)[:13] + b";", "damaged"),
        "tables.jpg": (jpeg[: jpeg.index(b"\xff\xda")], "no picture data"),
        "no-end.jpg": (jpeg[:-2], "truncated"),
        "tail-of-zeros.jpg": (jpeg[: len(jpeg) // 2] + b"\0" * (len(jpeg) - len(jpeg) // 2), "truncated"),
        "marker.jpg": (jpeg[:2] + b"\xff\xe0\xff\xff" + jpeg[2:200], "no picture data"),
    }
    files |= _cut("JPEG", "jpg", (0.1, 0.25, 0.5, 0.75, 0.9, 0.99))
    files |= _cut("PNG", "png", (0.1, 0.25, 0.5, 0.75, 0.9, 0.99))
    files |= _cut("WEBP", "webp", (0.25, 0.5, 0.9))
    files |= _cut("BMP", "bmp", (0.25, 0.5, 0.9))
    files |= _cut("GIF", "gif", (0.25, 0.5, 0.9))
    files |= _cut("TIFF", "tif", (0.25, 0.5, 0.9), "")
    return files
