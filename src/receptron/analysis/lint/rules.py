"""The rules, in the order in which their findings are told."""

from receptron.analysis.lint.context import Advice, Rule, Subject
from receptron.analysis.lint.sight import field_too_small, gridding, misaligned_branches, unproductive_layers
from receptron.analysis.lint.weights import (
    bias_before_norm,
    frozen_norm_in_train_mode,
    heavy_head,
    unused_modules,
    wrong_normalisation,
)
from receptron.analysis.lint.windows import checkerboard, lost_pixels, padding_share, wasted_lanes

RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
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
    """Everything that the rules find, in the order of `RULES`.

    Args:
        subject: The recorded network and what is known of its use.

    Returns:
        Empty where there is nothing to say.

    Example:
        >>> from torch import nn
        >>> from receptron.analysis import record
        >>> [advice.rule for advice in advise(Subject(record(nn.Conv2d(3, 8, 3), (3, 32, 32)))) if "see" in advice.evidence]
        ['field_too_small']
    """
    return tuple(advice for rule in RULES.values() for advice in rule(subject))
