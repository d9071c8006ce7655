"""What a recipe changes of the network itself: branches and features left out while it learns, and the head that it is built with."""

import torch

from receptron.blocks.before_classes import add_hidden, set_dropout
from receptron.blocks.classifier import Classifier
from receptron.blocks.drop import drop_paths
from receptron.training.layers.layer_rates import levels_of, spread
from receptron.training.loop.recipe import Recipe
from receptron.zoo import build


def shaped(net: Classifier, recipe: Recipe, *, pretrained: bool) -> Classifier:
    """`net` as the recipe wants it, changed in place. A hidden layer on pretrained features comes on the ladder, after the linear head.

    Raises: BadValue for what the network has no place for.
    """
    if recipe.hidden and not pretrained:
        add_hidden(net, recipe.hidden, recipe.dropout or 0.0)
    elif recipe.dropout is not None and not recipe.hidden:
        set_dropout(net, recipe.dropout)
    if recipe.drop_path:
        drop_paths(net, recipe.drop_path)
    return net


def check_shape(net: str, channels: int, recipe: Recipe) -> None:
    """Whether the net of that name can have what the recipe asks for, before any image is read. Raises: BadValue."""
    if recipe.rates:
        with torch.device("meta"):
            spread(recipe.rates, levels_of(build(net, classes=2, channels=channels)))
    if recipe.hidden or recipe.dropout is not None or recipe.drop_path:
        with torch.device("meta"):
            shaped(build(net, classes=2, channels=channels), recipe, pretrained=False)
