"""Whether a JPEG's picture data are whole. Decoders fill what is missing with grey and go on; here that is asked for.

libjpeg-turbo counts what it had to make up, but Pillow does not pass its warnings on; simplejpeg does. A reduced decode is enough: every
coefficient is read all the same. A progressive file cut between two scans gives no warning, so its scans are counted too.

Sources: ISO/IEC 10918-1 annex B.2.3 and G.1 (scan headers, successive approximation); libjpeg-turbo, jerror.h.
"""

import re
import struct
from typing import NamedTuple

import simplejpeg

from receptron.data.reading.file_header import scan_start
from receptron.fault_kind import FaultKind

_SPARE = 16  # bytes that some cameras leave behind the picture, to fill up a block or a word
_FILLING = b"\0\xff"  # what longer fillings consist of
_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]+)")
_WARNINGS = (
    (re.compile("premature end", re.IGNORECASE), FaultKind.TRUNCATED, "truncated: its picture data end before the picture does"),
    (
        re.compile("bad Huffman|bad arithmetic|found marker|inconsistent progression", re.IGNORECASE),
        FaultKind.DAMAGED,
        "its picture data are damaged",
    ),
)
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # within picture data: neither a stuffed 0xFF, nor a fill, nor a restart
_COLOURS = {"L": "GRAY", "CMYK": "CMYK"}
_SOF2, _SOS, _EOI = 0xC2, 0xDA, 0xD9
_COEFFICIENTS = 64


class ScanFault(NamedTuple):
    """What is wrong with the picture data."""

    reason: str
    kind: FaultKind


def scan_fault(data: bytes, mode: str) -> ScanFault | None:
    """What is wrong with the picture data of a JPEG of Pillow's `mode` that decoded; None where nothing is."""
    warning = _warning(data, mode)
    found = _of_warning(warning, data)
    if found is None and (filling := _filling(warning, data)):
        found = _of_warning(_warning(data[: filling.start] + data[filling.stop :], mode), data)  # only the first warning is passed on
    if found is None and _unfinished(data):
        return ScanFault("truncated: the last scans of its progressive picture are missing", FaultKind.TRUNCATED)
    return found


def _warning(data: bytes, mode: str) -> str:
    """The first warning of libjpeg-turbo, or nothing."""
    colours = _COLOURS.get(mode, "RGB")
    try:
        simplejpeg.decode_jpeg(data, colours, fastdct=True, fastupsample=True, min_height=1, min_width=1, min_factor=8, strict=True)
    except ValueError as error:
        return str(error)
    return ""


def _of_warning(text: str, data: bytes) -> ScanFault | None:
    """Warnings about odd headers, and of what this check cannot read, are none of its business."""
    known = next((ScanFault(reason, kind) for pattern, kind, reason in _WARNINGS if pattern.search(text)), None)
    left_over = _EXTRANEOUS.search(text)
    if known or not left_over or int(left_over[1]) < _SPARE or _filling(text, data):
        return known
    return ScanFault(f"its picture data are damaged: {int(left_over[1]):,} bytes of them belong to no block", FaultKind.DAMAGED)


def _filling(text: str, data: bytes) -> slice | None:
    """Where the bytes lie that fill up the place behind a picture.

    They stand before the end marker, all zeros or ones. Where more of the same stands before them, the picture itself was made of it.
    """
    left_over = _EXTRANEOUS.search(text)
    if not left_over or int(left_over[2], 16) != _EOI:
        return None
    stop = data.find(b"\xff\xd9", scan_start(data))
    start = stop - int(left_over[1])
    run = stop - len(data[:stop].rstrip(_FILLING))
    return slice(start, stop) if stop - start <= run <= stop - start + _SPARE or stop - start < _SPARE else None


def _unfinished(data: bytes) -> bool:
    """Whether coefficients of a progressive picture lack their last bits, or were never sent."""
    sent: dict[int, list[int | None]] = {}  # component -> bits that each coefficient still lacks
    at = 2
    while at + 4 <= len(data):
        length = struct.unpack_from(">H", data, at + 2)[0]
        marker = data[at + 1]
        if marker == _SOF2:
            sent = {data[at + 10 + 3 * i]: [None] * _COEFFICIENTS for i in range(data[at + 9])}
        elif marker == _SOS:
            if not sent:
                return False
            _note(data, at, sent)
        elif marker == _EOI:
            break
        at = _next(data, at + 2 + length)
    first = next(iter(sent.values()), [])
    return None in first or any(bits for lacking in sent.values() for bits in lacking)


def _note(data: bytes, at: int, sent: dict[int, list[int | None]]) -> None:
    """Write down what the scan whose header begins at `at` sends."""
    count = data[at + 4]
    first, last, bits = struct.unpack_from(">BBB", data, at + 5 + 2 * count)
    for i in range(count):
        lacking = sent.get(data[at + 5 + 2 * i])
        if lacking:
            lacking[first : last + 1] = [bits & 15] * (min(last, _COEFFICIENTS - 1) - first + 1)


def _next(data: bytes, at: int) -> int:
    found = _MARKER.search(data, at)
    return found.start() if found else len(data)
