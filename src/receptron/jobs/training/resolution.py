"""At which size images are learnt from: `--pixels`, `--finish-pixels` and `--scales`, held against what the network can take."""

from dataclasses import replace

import torch

from receptron.errors import BadValue, ImageTooSmall
from receptron.jobs.training.initial_weights import InitialWeights
from receptron.training.loop.recipe import Recipe
from receptron.training.loop.scales import side_at
from receptron.zoo.builder import check_request, shaped


def at_resolution(start: InitialWeights, recipe: Recipe) -> InitialWeights:
    """`start` with the size that the network is trained to be fed with: the last one.

    Raises: BadValue, ImageTooSmall for sizes that it cannot take.
    """
    asked = recipe.finish_pixels or recipe.pixels
    made = replace(start, spec=replace(start.spec, pixels=asked)) if asked else start
    low = recipe.pixels or made.spec.pixels
    sides = {made.spec.pixels, low} | {side_at(side, scale) for scale in recipe.scales or () for side in (made.spec.pixels, low)}
    if asked or recipe.scales:
        for side in sorted(sides):
            _check(made, side)
    return made


def _check(start: InitialWeights, side: int) -> None:
    """Raises: ImageTooSmall or BadValue, if the network cannot learn from images of `side` pixels."""
    check_request(start.net, 2, None, side)
    net = shaped(start.net, 2, start.channels, start.spec.pixels).to("meta").train()
    try:
        net(torch.empty(2, start.channels, side, side, device="meta"))
    except ImageTooSmall:
        raise
    except (RuntimeError, ValueError) as error:
        told = str(error).splitlines()[0]
        raise BadValue(
            f"{start.net}, made for {start.spec.pixels}x{start.spec.pixels}, cannot take images of {side}x{side}.",
            why=told,
            mend="leave --scales and --finish-pixels out, or give a net that takes any size",
        ) from error
