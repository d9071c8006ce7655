"""Whether a network can learn at the sizes that `--pixels`, `--finish-pixels` and `--scales` ask for."""

import torch

from receptron.errors import BadValue, ImageTooSmall
from receptron.training.layers.scales import side_at
from receptron.training.loop.recipe import Recipe
from receptron.zoo.builder import check_request, shaped


def sizes_of(pixels: int, recipe: Recipe) -> list[int]:
    """Every side, px, that the recipe trains at, from images of `pixels` on; none where it leaves sizes alone.

    >>> sizes_of(64, Recipe(scales=(0.75, 1.0)))
    [48, 64]
    """
    if not (recipe.pixels or recipe.scales):
        return []
    ends = {pixels, recipe.pixels or pixels}
    return sorted(ends | {side_at(end, scale) for scale in recipe.scales or () for end in ends})


def check_size(name: str, channels: int, pixels: int, side: int) -> None:
    """Raises: BadValue, ImageTooSmall, if the net of that name, made for `pixels`, cannot learn from images of `side`."""
    check_request(name, 2, None, side)
    try:
        net = shaped(name, 2, channels, pixels).to("meta").train()
        net(torch.empty(2, channels, side, side, device="meta"))
    except ImageTooSmall:
        raise
    except (RuntimeError, ValueError) as error:
        raise BadValue(
            f"{name}, made for {pixels}x{pixels}, cannot take images of {side}x{side}.",
            why=str(error).splitlines()[0],
            mend="give another size, or a net that takes any",
        ) from error
