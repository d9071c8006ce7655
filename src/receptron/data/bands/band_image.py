"""One file of bands to its values, to the canvas that networks are fed from, and to a picture for people and for finding copies."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from receptron.data.bands import npy_file, tiff_file
from receptron.data.bands.band_plan import BandFault, BandPlan
from receptron.data.reading.file_bytes import EncodedFile, Limits
from receptron.data.reading.pixel_formats import Pixels
from receptron.data.records import ImageFacts
from receptron.weights.inputs import MOST_BANDS

Values = NDArray[np.float32]
COMPOSITE = (
    "red, green and blue are the means of the first, second and last third of the bands, each from its smallest to its largest value"
)


@dataclass(frozen=True)
class BandImage:
    """Values (H, W, C), all finite, and facts of the file."""

    values: Values
    facts: ImageFacts


def has_bands(file: EncodedFile) -> bool:
    """Whether a file holds bands rather than a photo."""
    if file.kind == "TIFF":
        found = tiff_file.facts_of(file.data)
        return found is not None and found.has_bands
    return file.kind == "NPY"


def read_bands(file: EncodedFile, limits: Limits, plan: BandPlan) -> BandImage:
    """Raises: BandFault for what cannot be read as bands, or not as many; ImportError without the extra; what tifffile raises."""
    if plan.count == 0:
        raise BandFault("it has bands of its own, and the model was made for photos")
    if file.kind == "NPY":
        raw, axis = npy_file.values_of(file.data, limits.memory), ""
    else:
        raw, axis = tiff_file.values_of(file.data, limits.memory), "last"
    values = in_bands(raw, BandPlan(plan.count, axis or plan.axis))
    height, width, bands = values.shape
    grey = bands == 1
    blank = bool((np.ptp(values, axis=(0, 1)) == 0).all())
    bits = 8 * raw.dtype.itemsize
    return BandImage(values, ImageFacts(file.kind, f"{bands} x {raw.dtype}", width, height, grey=grey, bits=bits, blank=blank, bands=bands))


def in_bands(raw: NDArray[Any], plan: BandPlan) -> Values:
    """An array (H, W), (C, H, W) or (H, W, C) as float32 (H, W, C). Raises: BandFault."""
    if raw.ndim not in (2, 3) or 0 in raw.shape or raw.dtype.kind not in "biuf":
        raise BandFault(f"an array of {raw.shape} and {raw.dtype} is no image of bands")
    if plan.axis_of(raw.shape) == "first":
        raw = np.moveaxis(raw, 0, -1)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is told below
        values = np.ascontiguousarray(raw[:, :, None] if raw.ndim == 2 else raw, np.float32)
    if values.shape[2] > MOST_BANDS:
        raise BandFault(
            f"it has {values.shape[2]:,} bands, at most {MOST_BANDS:,} are possible (--channels-axis says on which axis they are)"
        )
    plan.check_count(values.shape[2])
    if odd := int(values.size - np.count_nonzero(np.isfinite(values))):
        raise BandFault(f"{odd:,} of its {values.size:,} values are NaN or infinite: fill them with what means nothing there")
    return values


def canvas_of(values: Values, side: int) -> Values:
    """The whole image, whatever its proportions, as a square of `side` px, with antialiasing."""
    if values.shape[:2] == (side, side):
        return values
    planes = torch.from_numpy(values).permute(2, 0, 1)[None]
    return F.interpolate(planes, (side, side), mode="bilinear", antialias=True)[0].permute(1, 2, 0).contiguous().numpy()


def composite(values: Values) -> Pixels:
    """Values (H, W, C) as a picture (H, W, 3) that every band has a part in: see `COMPOSITE`."""
    parts = [part if part.shape[2] else values for part in np.array_split(values, 3, axis=2)]
    return np.stack([np.rint(255 * np.mean([_even(band) for band in np.moveaxis(part, 2, 0)], 0)) for part in parts], 2).astype(np.uint8)


def _even(band: Values) -> NDArray[np.float64]:
    """A band (H, W) from 0 to 1; 0 where it is the same everywhere."""
    low, high = float(band.min()), float(band.max())
    return (band.astype(np.float64) - low) / ((high - low) or 1.0)
