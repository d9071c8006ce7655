"""What rates over the depth and sizes of images may be, checked at the door."""

from collections.abc import Sequence
from math import isfinite
from typing import cast

from receptron.errors import BadValue

LEAST, MOST = 0.25, 2.0  # scales


def check_shares(rates: object, layer_decay: object) -> None:
    """Raises: BadValue for what are no rates, no decay, or both."""
    if rates is not None:
        listed = list(cast(Sequence[object], rates)) if isinstance(rates, tuple | list) else [rates]
        if len(listed) < 3 or not all((_number(one) and 0 < cast(float, one) <= 1e6) for one in listed):
            mend = "give numbers above 0, as 10,5,1; what is not to learn is left out by --unfreeze ladder"
            raise BadValue(f"--rates {rates} cannot be.", why="it is a rate for each part of the depth, from the head on", mend=mend)
    if layer_decay is not None and not (_number(layer_decay) and 0 < cast(float, layer_decay) <= 1):
        why = "each stage towards the image learns at this share of the next one's rate"
        raise BadValue(f"--layer-decay {layer_decay} is out of range.", why=why, mend="give a number above 0, at most 1")
    if rates is not None and layer_decay is not None:
        raise BadValue("--rates and --layer-decay were given.", why="both say at which rate each layer learns", mend="give one of them")


def check_scales(scales: object, pixels: object, finish: object) -> None:
    """Raises: BadValue for what are no scales or sides, and for a finish below the beginning."""
    if scales is not None:
        listed = list(cast(Sequence[object], scales)) if isinstance(scales, tuple | list) else []
        if not listed or not all(_number(one) and LEAST <= cast(float, one) <= MOST for one in listed):
            mend = f"give numbers from {LEAST:g} to {MOST:g}, as 0.75,1,1.25"
            raise BadValue(f"--scales {scales} cannot be.", why="each is a share of the side of the images", mend=mend)
    for flag, side in (("pixels", pixels), ("finish-pixels", finish)):
        if side is not None and not (isinstance(side, int) and not isinstance(side, bool) and 1 <= side <= 1024):
            raise BadValue(f"--{flag} {side} is out of range.", why="it is the side of an image", mend="give 1 to 1,024")
    if finish is not None and pixels is None:
        raise BadValue(f"--finish-pixels {finish} has no beginning.", why="training goes from low to high resolution", mend="add --pixels")
    if pixels is not None and finish is not None and cast(int, finish) <= cast(int, pixels):
        why = "training goes from low to high resolution"
        raise BadValue(f"--finish-pixels {finish} is not above --pixels {pixels}.", why=why, mend="finish higher, or leave one out")


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
