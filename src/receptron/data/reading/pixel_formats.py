"""Every pixel format that a file may have, to 8-bit RGB, by stated rules.

| in the file | becomes |
|---|---|
| 1 bit, 8-bit grey | grey in all three channels |
| palette | its colours |
| alpha or a transparent colour | composed on white |
| CMYK, YCbCr | RGB without colour profiles; CMYK as Adobe writes it (inverted) is understood |
| more than 8 bits | scaled by the one scale of its set (`depth_scale`) |

Where an image stands alone (a preview, a model from before there were scales), its own values make the scale:

| values | become |
|---|---|
| 16 bits per channel in colour | the high byte |
| 16-bit grey | divided by 255, 4,095 or 65,535: the least of 8, 12 and 16 bits that holds the largest value (12-bit cameras) |
| 0 and 1 only, floats within 0..1 | times 255 |
| whole numbers up to 65,535 | as 16-bit grey |
| other integers and floats | within 0..255 as they are, otherwise smallest to largest finite value |
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from receptron.data.reading.depth_scale import FULL, DepthRange, to_eight_bits

Pixels = NDArray[np.uint8]
Canvas = NDArray[np.uint8 | np.float32]
"""uint8 (H, W, 3) of photos, or float32 (H, W, bands) in the bands' own units."""
WHITE = (255, 255, 255, 255)
_PLAIN = frozenset({"1", "L", "P", "RGB", "CMYK", "YCbCr", "RGBX"})
_ALPHA = frozenset({"LA", "RGBA", "PA", "La", "RGBa"})
DEEP = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I", "F"})


class UnknownMode(ValueError):
    """A pixel format without a rule."""


def to_rgb(image: Image.Image) -> tuple[Image.Image, bool]:
    """8-bit RGB image of one of 8 bits or less, by the rules above, and whether any pixel was not opaque.

    Raises: UnknownMode; whatever the decoder raises on damaged data.
    """
    if image.mode in _ALPHA or (image.mode in ("P", "L", "RGB", "1") and image.has_transparency_data):
        return _on_white(image.convert("RGBA"))
    if image.mode not in _PLAIN:
        raise UnknownMode(f"colour mode {image.mode} has no rule; save it as RGB")
    return (image if image.mode == "RGB" else image.convert("RGB")), False


def deep_to_rgb(values: NDArray[Any], scale: DepthRange | None, *, white_is_zero: bool = False) -> tuple[Image.Image, bool]:
    """The same for values of more than 8 bits: (H, W), or (H, W, bands) of grey and alpha, RGB, or RGB and alpha.

    Raises: OutOfScale; ValueError if no value is finite.
    """
    if values.ndim == 2:
        grey = to_eight_bits(values, scale)
        return Image.fromarray(255 - grey if white_is_zero else grey).convert("RGB"), False
    bands = values.shape[2]
    colours, alpha = (values[..., :-1], values[..., -1]) if bands in (2, 4) else (values, None)
    eight = (colours >> 8).astype(np.uint8) if scale is None or scale.white == FULL else to_eight_bits(colours, scale)
    plain = np.broadcast_to(eight, (*eight.shape[:2], 3))
    if alpha is None:
        return Image.fromarray(np.ascontiguousarray(plain)), False
    return _on_white(Image.fromarray(np.dstack([plain, (alpha >> 8).astype(np.uint8)]), "RGBA"))


def _on_white(image: Image.Image) -> tuple[Image.Image, bool]:
    lowest, _ = image.getchannel("A").getextrema()
    if lowest == 255:
        return image.convert("RGB"), False
    return Image.alpha_composite(Image.new("RGBA", image.size, WHITE), image).convert("RGB"), True
