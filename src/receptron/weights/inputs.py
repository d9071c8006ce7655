"""What a network's weights expect of an image: the facts that travel with them, for any part above to import."""

from dataclasses import dataclass
from typing import Literal, get_args

from receptron.errors import BadValue
from receptron.records import short

Interpolation = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]
MOST_PIXELS = 1024
MOST_RESIZE = 2048  # px; what is resized is at most twice as long as wide: 25 MB of canvas for one picture
FURTHEST_MEAN = 10.0  # on a scale where pixels lie within 0..1
STD = (1e-3, 10.0)
MOST_BANDS = 1024
FURTHEST = 1e38  # of what float32 holds


@dataclass(frozen=True)
class InputSpec:
    """Resize so that the shorter side is pixels / crop, cut the central square of `pixels`, scale to 0..1, subtract mean, divide by std.

    `mean` and `std` have one value for each channel, on the 0..1 scale. Raises: BadValue.
    """

    pixels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: Interpolation = "bilinear"
    crop: float = 0.875
    bands: int | None = None  # of images of bands: as many values of mean and std, in the bands' own units, and the whole image squeezed
    channels_axis: Literal["auto", "first", "last"] | None = None  # where the bands lie in an array; None for photos

    def __post_init__(self) -> None:
        least, most = STD
        known = get_args(Interpolation)
        faults = {
            "pixels": (1 <= self.pixels <= MOST_PIXELS, self.pixels, f"a whole number from 1 to {MOST_PIXELS:,}"),
            "bands": (self.bands is None or 1 <= self.bands <= MOST_BANDS, self.bands, f"a whole number from 1 to {MOST_BANDS:,}"),
            "mean": self._of_bands()
            if self.bands
            else (
                len(self.mean) in (1, 3) and len(self.mean) == len(self.std) and all(abs(m) <= FURTHEST_MEAN for m in self.mean),
                (self.mean, self.std),
                f"1 or 3 values, as many as std, at most {FURTHEST_MEAN:g} from zero: pixels are 0..1",
            ),
            "std": (
                bool(self.bands) or all(least <= s <= most for s in self.std),
                self.std,
                f"from {least:g} to {most:g} for every channel: pixels are 0..1",
            ),
            "interpolation": (self.interpolation in known, self.interpolation, f"one of {', '.join(known)}"),
            "crop": (0 < self.crop <= 1, self.crop, "a share of the image, over 0 and at most 1"),
        }
        for field, (good, value, wanted) in faults.items():
            if not good:
                raise BadValue(f"{field} of an input is {short(value)}.", why=f"it must be {wanted}", mend=f"correct {field}")
        if self.pixels / self.crop > MOST_RESIZE:
            asked = f"images would be resized to {self.pixels / self.crop:.4g} pixels, at most {MOST_RESIZE:,} are possible"
            raise BadValue(f"crop of an input is {self.crop!r} where pixels is {self.pixels}.", why=asked, mend="correct crop")

    def _of_bands(self) -> tuple[bool, object, str]:
        """Whether mean and std are those of bands, what they are, and what they must be."""
        good = len(self.mean) == len(self.std) == self.bands and all(abs(m) <= FURTHEST for m in self.mean)
        wanted = f"{self.bands} values, as many as std, at most {FURTHEST:g} from zero, with every std over zero"
        return good and all(0 < s <= FURTHEST for s in self.std), (self.mean, self.std), wanted

    @property
    def resize(self) -> int:
        """Pixels of the shorter side before the crop, rounded down as torchvision and timm do."""
        return int(self.pixels / self.crop + 1e-3)


IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
