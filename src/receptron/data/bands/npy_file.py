"""Arrays in .npy files: the header is read and held against the file before memory is claimed, and objects are never unpickled.

Source: NumPy Enhancement Proposal 1, A Simple File Format for NumPy Arrays.
"""

from dataclasses import dataclass
from io import BytesIO
from math import prod
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from receptron.data.bands.band_plan import BandFault

MAGIC = b"\x93NUMPY"


@dataclass(frozen=True)
class ArrayHeader:
    """What a file says of its array, and where its numbers begin."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int


def header_of(data: bytes) -> ArrayHeader:
    """Raises: BandFault for a header that is damaged, or of something else than plain numbers."""
    stream = BytesIO(data)
    try:
        version = npy.read_magic(stream)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
        if read is None:
            raise BandFault(f"a NumPy file of version {version[0]}.{version[1]}, which plain numbers do not need")
        shape, _, dtype = read(stream)
    except BandFault:
        raise
    except Exception as error:  # numpy raises several kinds on damaged headers
        raise BandFault(f"damaged: its header is not that of a NumPy array ({type(error).__name__})") from error
    if dtype.hasobject or dtype.kind not in "biuf":
        what = "objects, which are never unpickled" if dtype.hasobject else f"{dtype} values, not plain numbers"
        raise BandFault(f"it holds {what}" + (": save amplitude and phase as two bands" if dtype.kind == "c" else ""))
    return ArrayHeader(shape, dtype, stream.tell())


def is_picture(start: bytes) -> bool:
    """Whether the first bytes of a file are those of an array of two or three axes."""
    if start[:6] != MAGIC:
        return False
    try:
        return len(header_of(start).shape) in (2, 3)
    except BandFault:
        return True  # reading it will tell its fault


def values_of(data: bytes, most: int) -> NDArray[Any]:
    """The array, of at most `most` bytes as float32. Raises: BandFault."""
    header = header_of(data)
    need = header.start + prod(header.shape) * header.dtype.itemsize
    if len(header.shape) not in (2, 3) or 0 in header.shape:
        raise BandFault(f"an array of {header.shape} is no image: (H, W), (C, H, W) or (H, W, C) is")
    if len(data) != need:
        raise BandFault(f"{'truncated' if len(data) < need else 'longer than its header says'}: {len(data):,} of {need:,} bytes")
    if 4 * prod(header.shape) > most:
        raise BandFault(f"over the limit: {header.shape} needs {4 * prod(header.shape):,} bytes of memory, {most:,} are allowed")
    return np.load(BytesIO(data), allow_pickle=False)
