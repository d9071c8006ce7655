"""From which scores on an image is called none of the classes, so that a stated share of known images is; and how many then are."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import ArrayLike, NDArray

from receptron.evaluation import grouped_intervals
from receptron.evaluation.novelty.scorer import SCORES
from receptron.evaluation.records import Count, Estimate, Novelty

SHARE = 0.05
_Limit = Annotated[float, Meta(ge=-1e30, le=1e30)]


@dataclass(frozen=True)
class NoveltyRule:
    """An image is none of the classes if either of its scores is over its limit.

    Attributes:
        share: Of the known images that are called so, over many images like those that the rule was made from, about.
        limits: Of the neighbour distance and of the relative Mahalanobis distance.
        count: Images, or groups of images, that it was made from.
        grouped: Whether they were groups.

    Example:
        >>> from receptron import load
        >>> rule = load("digits-model").card.novelty
        >>> rule.share, len(rule.limits), rule.grouped
        (0.05, 2, False)
    """

    share: Annotated[float, Meta(gt=0, lt=1)]
    limits: tuple[_Limit, _Limit]
    count: Count
    grouped: bool


@dataclass(frozen=True)
class NoveltyFigures:
    """How many images of known classes, that the rule was not made from, it calls none of them."""

    strange: Estimate


def novelty_rule(scores: ArrayLike, groups: ArrayLike | None = None, share: float = SHARE) -> NoveltyRule | None:
    """The rule from scores (N, 2) of images that neither the network nor the scorer knew; None where they are too few for the share.

    An image is as strange as its stranger score ranks among all; the strangest ones up to the share lie beyond the limits. Every group
    (N,) weighs the same, as one image does where there are none, and two more count as strangest of all, one by each score: without
    them few images would call more than the share strange, as each limit is as loose as the images next to it lie apart.

    >>> novelty_rule(np.arange(58).reshape(29, 2), share=0.1).limits
    (54.0, 55.0)
    >>> novelty_rule(np.arange(76).reshape(38, 2), share=0.05) is None
    True
    """
    found = np.asarray(scores, np.float64)
    weights, count = _weights(len(found), groups)
    allowed = share - len(SCORES) / (count + 1) + 1e-9
    if allowed < 0:
        return None
    ranked = np.min([_as_strange(column, weights) for column in found.T], axis=0)
    order = np.argsort(ranked, kind="stable")
    kept = found[order[np.cumsum(weights[order]) > allowed]]
    limits = float(kept[:, 0].max()), float(kept[:, 1].max())
    return NoveltyRule(share, limits, count, grouped=count < len(found))


def novelties(scores: ArrayLike, rule: NoveltyRule) -> list[Novelty]:
    """What is told of each image with scores (N, 2).

    >>> novelties([[0.5, 3.0], [0.9, -1.0]], NoveltyRule(0.05, (0.7, 10.0), 100, grouped=False))[1].by
    ('neighbour distance',)
    """
    found = np.asarray(scores, np.float64)
    by = [tuple(name for name, over in zip(SCORES, row, strict=True) if over) for row in found > np.asarray(rule.limits)]
    return [Novelty(bool(names), names, *row) for names, row in zip(by, found.tolist(), strict=True)]


def novelty_figures(scores: ArrayLike, rule: NoveltyRule, groups: ArrayLike | None = None) -> NoveltyFigures:
    """How many images of known classes with scores (N, 2), that the rule was not made from, are called none of them."""
    strange: NDArray[np.bool_] = np.any(np.asarray(scores, np.float64) > np.asarray(rule.limits), axis=1, keepdims=True)[:, 0]
    return NoveltyFigures(grouped_intervals.share(strange, np.ones(len(strange), bool), grouped_intervals.numbered(groups)))


def _weights(images: int, groups: ArrayLike | None) -> tuple[NDArray[np.float64], int]:
    """Weight of each image, and how many groups there are; with one more group the weights are 1 together."""
    units = grouped_intervals.numbered(groups)
    units = np.arange(images) if units is None else units
    count = int(units.max()) + 1 if images else 0
    return 1 / (np.bincount(units)[units] * (count + 1)), count


def _as_strange(column: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight of the images whose score is as high as each one's, or higher."""
    values, places = np.unique(-column, return_inverse=True)
    return np.cumsum(np.bincount(places, weights, len(values)).astype(np.float64))[places]
