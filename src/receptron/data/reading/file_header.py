"""What the first bytes of an image file say, read without any decoder: format, size, and whether the file is whole.

Sources: ISO/IEC 10918-1 annex B (JPEG markers), PNG specification (W3C, third edition) section 5, RFC 9649 (WebP container),
GIF89a specification section 18, BITMAPINFOHEADER (Windows GDI).
"""

import struct
import zlib
from dataclasses import dataclass

from receptron.data.bands.npy_file import is_picture
from receptron.fault_kind import FaultKind

_SOF = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # start of frame; the other three are tables
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_HUFFMAN = frozenset({0xC0, 0xC1, 0xC2})
_MOST_SCANS = 200  # of one JPEG; each is decoded over the whole picture
_BLOCK = 64  # px; coded by Huffman, each takes a bit or more
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_Fault = tuple[str, FaultKind] | None
_AVIF = frozenset({b"avif", b"avis"})
_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


@dataclass(frozen=True)
class HeaderSize:
    """Width and height in px, as the header states them."""

    width: int
    height: int


def sniff(data: bytes) -> str | None:
    """The accepted format whose signature `data` begins with, or None.

    >>> sniff(b"GIF89a")
    'GIF'
    """
    signatures = (
        ("JPEG", data[:3] == b"\xff\xd8\xff"),
        ("PNG", data[:8] == b"\x89PNG\r\n\x1a\n"),
        ("GIF", data[:6] in (b"GIF87a", b"GIF89a")),
        ("WEBP", data[:4] == b"RIFF" and data[8:12] == b"WEBP"),
        ("TIFF", data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
        ("BMP", data[:2] == b"BM"),
        ("NPY", is_picture(data)),
    )
    return next((name for name, fits in signatures if fits), None) or iso_brand(data)


def iso_brand(data: bytes) -> str | None:
    """ "AVIF" or "HEIF" by the brands in the first box of an ISO base media file; None for films and all else.

    Sources: ISO/IEC 14496-12 section 4.3, ISO/IEC 23008-12 annex B, AV1 Image File Format 1.1 section 6.
    """
    if data[4:8] != b"ftyp":
        return None
    length = min(int.from_bytes(data[:4], "big"), len(data))
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, length - 3, 4))}
    return "AVIF" if brands & _AVIF else "HEIF" if brands & _HEIF else None


def iso_bits(data: bytes) -> int:
    """Bits per channel that an AVIF or HEIC file states in its "pixi" box (ISO/IEC 23008-12 section 6.5.6); 8 without one."""
    at = data.find(b"pixi")
    return data[at + 9] if 0 <= at < len(data) - 9 else 8


def size(name: str, data: bytes) -> HeaderSize | None:
    """Width and height that the header of format `name` states; None where only its decoder can tell (TIFF) or the header is cut."""
    try:
        match name:
            case "PNG":
                return HeaderSize(*struct.unpack_from(">II", data, 16))
            case "GIF":
                return HeaderSize(*struct.unpack_from("<HH", data, 6))
            case "BMP":
                return _bmp_size(data)
            case "WEBP":
                return _webp_size(data)
            case "JPEG":
                return _jpeg_frame(data)[0]
            case _:
                return None
    except (struct.error, IndexError):
        return None


def is_progressive(data: bytes) -> bool:
    """Whether a JPEG comes in several scans, each finer than the one before."""
    try:
        return _jpeg_frame(data)[2] in _PROGRESSIVE
    except struct.error:
        return False


def scan_start(data: bytes) -> int:
    """Where the first scan of a JPEG begins that passed `fault`; a thumbnail in its metadata does not count."""
    return _jpeg_frame(data)[1] or 0


def fault(name: str, data: bytes) -> _Fault:
    """What is wrong with the file as a container: cut short or changed. None where nothing is seen without decoding."""
    match name:
        case "PNG":
            return _png_fault(data)
        case "JPEG":
            return _jpeg_fault(data)
        case "WEBP":
            return _cut(len(data), struct.unpack_from("<I", data, 4)[0] + 8)
        case "GIF":
            return _cut(len(data), 13)
        case "BMP":
            return _cut(len(data), _bmp_length(data))
        case "AVIF" | "HEIF":
            return _iso_fault(data)
        case _:
            return None


def _cut(have: int, need: int) -> _Fault:
    return (f"truncated at {have:,} of {need:,} bytes", FaultKind.TRUNCATED) if have < need else None


def _bmp_size(data: bytes) -> HeaderSize:
    if struct.unpack_from("<I", data, 14)[0] == 12:  # the oldest header
        return HeaderSize(*struct.unpack_from("<HH", data, 18))
    width, height = struct.unpack_from("<ii", data, 18)
    return HeaderSize(width, abs(height))  # negative: rows from the top down


def _bmp_length(data: bytes) -> int:
    """Bytes that header and uncompressed rows need; rows are padded to 4 bytes."""
    found = size("BMP", data)
    if found is None or len(data) < 34 or struct.unpack_from("<I", data, 14)[0] == 12:
        return 26
    start, bits, packed = struct.unpack_from("<I", data, 10)[0], *struct.unpack_from("<HI", data, 28)
    return start if packed in (1, 2) else start + (found.width * bits + 31) // 32 * 4 * found.height


def _webp_size(data: bytes) -> HeaderSize | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return HeaderSize(1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little"))
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return HeaderSize(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return HeaderSize(width & 0x3FFF, height & 0x3FFF)
    return None


def _jpeg_frame(data: bytes) -> tuple[HeaderSize | None, int | None, int]:
    """Size that the frame header states, where the first scan begins, and the marker of the frame."""
    found, at, frame = None, 2, 0
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return found, None, frame
        marker = data[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _SOF:
            height, width = struct.unpack_from(">HH", data, at + 5)
            found, frame = HeaderSize(width, height), marker
        if marker == 0xDA:
            return found, at, frame
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return found, None, frame


def _jpeg_fault(data: bytes) -> _Fault:
    try:
        found, scan, frame = _jpeg_frame(data)
    except struct.error:
        found, scan, frame = None, None, 0
    if scan is None:
        return f"truncated or damaged: no picture data in its {len(data):,} bytes", FaultKind.TRUNCATED
    if data.find(b"\xff\xd9", scan) < 0:
        return f"truncated: its {len(data):,} bytes end before the picture does", FaultKind.TRUNCATED
    if (scans := data.count(b"\xff\xda")) > _MOST_SCANS:
        return f"damaged: {scans:,} scans, where a picture has ten or so", FaultKind.DAMAGED
    if found and frame in _HUFFMAN and 8 * len(data) < found.width * found.height // _BLOCK:
        return f"truncated: {len(data):,} bytes cannot hold {found.width:,} x {found.height:,} px", FaultKind.TRUNCATED
    return None


def _iso_fault(data: bytes) -> _Fault:
    """Walk the boxes: the last one ends where the file does."""
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length == 1 and at + 16 <= len(data):
            length = struct.unpack_from(">Q", data, at + 8)[0]
        if length == 0:  # to the end of the file
            return None
        if length < 8:
            return f"a box of {length} bytes at byte {at:,}", FaultKind.DAMAGED
        at += length
    return _cut(len(data), at)


def _png_fault(data: bytes) -> _Fault:
    """Walk the chunks: each one whole, those that the picture needs with a right checksum, the last one IEND."""
    at, pixels = 8, False
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            return _cut(len(data), end)
        needed = kind[:1].isupper()
        if needed and zlib.crc32(memoryview(data)[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            return f"bad CRC in its {kind.decode('latin-1')} chunk at byte {at:,}", FaultKind.DAMAGED
        pixels |= kind == b"IDAT"
        if kind == b"IEND":
            return None if pixels else ("holds no picture data", FaultKind.DAMAGED)
        at = end
    return f"truncated: its {len(data):,} bytes end without an IEND chunk", FaultKind.TRUNCATED
