"""The rules, and what they find, the dearest first."""

from receptron.analysis.lint.batch import view_mixes_images
from receptron.analysis.lint.branches import misaligned_branches
from receptron.analysis.lint.context import Advice, Rule, Subject
from receptron.analysis.lint.sight import field_too_small, gridding
from receptron.analysis.lint.small_maps import padding_share, unproductive_layers
from receptron.analysis.lint.weights import (
    bias_before_norm,
    frozen_norm_in_train_mode,
    heavy_head,
    unused_modules,
    wrong_normalisation,
)
from receptron.analysis.lint.windows import checkerboard, lost_pixels, wasted_lanes

RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        view_mixes_images,
        wrong_normalisation,
        field_too_small,
        unproductive_layers,
        gridding,
        misaligned_branches,
        lost_pixels,
        checkerboard,
        padding_share,
        heavy_head,
        bias_before_norm,
        wasted_lanes,
        unused_modules,
        frozen_norm_in_train_mode,
    )
}


def advise(subject: Subject) -> tuple[Advice, ...]:
    """Everything that the rules find: a line for each kind of thing, what costs most first.

    Args:
        subject: The recorded network and what is known of its use.

    Returns:
        Empty where there is nothing to say.

    Example:
        >>> from torch import nn
        >>> from receptron.analysis import record
        >>> net = nn.Sequential(nn.Conv2d(3, 13, 3), nn.BatchNorm2d(13), nn.Conv2d(13, 16, 1))
        >>> [advice.rule for advice in advise(Subject(record(net, (3, 32, 32))))]
        ['wasted_lanes', 'bias_before_norm']
    """
    found = [advice for rule in RULES.values() for advice in rule(subject)]
    return tuple(sorted(found, key=lambda advice: -advice.share))
