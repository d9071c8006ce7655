"""Files of 16 bits a value, written by hand: Pillow writes none in colour."""

import struct
import zlib

import numpy as np


def tiff(values: np.ndarray, extra: dict[int, tuple[int, int]] | None = None, *, order: str = "<", packed: bool = False) -> bytes:
    """A TIFF written by hand, 16 bits a value, one strip; `extra`: tag -> (type, value); `packed` with Deflate."""
    height, width = values.shape[:2]
    bands = values.shape[2] if values.ndim == 3 else 1
    body = values.astype(f"{order}u2").tobytes()
    body = zlib.compress(body) if packed else body
    tags = {256: (4, width), 257: (4, height), 258: (3, 16), 259: (3, 8 if packed else 1), 262: (3, 2 if bands > 1 else 1)}
    tags |= {273: (4, 8), 277: (3, bands), 278: (4, height), 279: (4, len(body))} | (extra or {})
    start, after = 8 + len(body), 8 + len(body) + 6 + 12 * len(tags)
    rows = b""
    for tag, (kind, value) in sorted(tags.items()):
        if tag == 258 and bands > 1:
            rows += struct.pack(f"{order}HHII", tag, 3, bands, after)
        else:
            rows += struct.pack(f"{order}HHI", tag, kind, 1) + struct.pack(f"{order}I" if kind == 4 else f"{order}Hxx", value)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    directory = struct.pack(f"{order}H", len(tags)) + rows + struct.pack(f"{order}I", 0)
    return head + body + directory + struct.pack(f"{order}{bands}H", *[16] * bands)


def png(values: np.ndarray) -> bytes:
    """A PNG of 16 bits in grey (H, W) or colour (H, W, 3)."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, 2 if values.ndim == 3 else 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
