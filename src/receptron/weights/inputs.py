"""What a network's weights expect of their input; it travels with them and is never guessed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InputSpec:
    """Resize the shorter side to `pixels / crop` (px), cut the centre `pixels` x `pixels`, scale to 0..1, subtract `mean`, divide by `std`.

    `mean` and `std` have one number per channel, in the 0..1 scale, in RGB order.
    """

    pixels: int
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    interpolation: str = "bilinear"
    crop: float = 0.875

    @property
    def side(self) -> int:
        """Shorter side (px) after the resize, before the cut."""
        return round(self.pixels / self.crop)
