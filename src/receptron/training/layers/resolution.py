"""Whether a network can learn at the sizes that `--pixels`, `--finish-pixels` and `--scales` ask for."""

import torch

from receptron.errors import BadValue, ImageTooSmall
from receptron.training.layers.scales import side_at
from receptron.training.loop.recipe import Recipe
from receptron.zoo.builder import check_request, shaped


def check_sizes(net: str, channels: int, pixels: int, recipe: Recipe) -> None:
    """Raises: BadValue, ImageTooSmall, if `net`, made for `pixels`, cannot take every size that the recipe trains at."""
    if recipe.pixels or recipe.scales:
        ends = {pixels, recipe.pixels or pixels}
        for side in sorted(ends | {side_at(end, scale) for scale in recipe.scales or () for end in ends}):
            _check(net, channels, pixels, side)


def _check(name: str, channels: int, pixels: int, side: int) -> None:
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
