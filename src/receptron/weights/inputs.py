"""What a network's weights expect of an image: the facts that travel with them, for any part above to import."""

from dataclasses import dataclass
from typing import Literal, get_args

from receptron.errors import BadValue

Interpolation = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]


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

    def __post_init__(self) -> None:
        faults = {
            "pixels": (self.pixels >= 1, self.pixels, "a whole number of 1 or more"),
            "mean": (len(self.mean) >= 1 and len(self.mean) == len(self.std), (self.mean, self.std), "as many values as std, at least one"),
            "std": (all(s > 0 for s in self.std), self.std, "greater than zero for every channel"),
            "interpolation": (
                self.interpolation in get_args(Interpolation),
                self.interpolation,
                f"one of {', '.join(get_args(Interpolation))}",
            ),
            "crop": (0 < self.crop <= 1, self.crop, "a share of the image, over 0 and at most 1"),
        }
        for field, (good, value, wanted) in faults.items():
            if not good:
                raise BadValue(f"{field} of an input is {value!r}.", why=f"it must be {wanted}", mend=f"correct {field}")

    @property
    def resize(self) -> int:
        """Pixels of the shorter side before the crop, rounded down as torchvision and timm do."""
        return int(self.pixels / self.crop + 1e-3)


IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
