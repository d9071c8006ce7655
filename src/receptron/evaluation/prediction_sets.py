"""Sets of classes that hold the true one with a stated chance, whatever the network and the images: split conformal prediction.

Source: Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World, Ch. 2 and 4; Sadinle, Lei & Wasserman 2019, J. Am. Stat.
Assoc. 114:223 for sets by probability, the smallest on average; Dunn, Wasserman & Ramdas 2023, J. Am. Stat. Assoc. 118:2491, Sec. 3.1, for
groups. The promise is about images like those that the rule was made from, on average over all of them, not for each class.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta

from receptron.evaluation import grouped_intervals
from receptron.evaluation.records import SetFigures, SetRule

COVERAGE = 0.95


def set_rule(chances: ArrayLike, labels: ArrayLike, groups: ArrayLike | None = None, coverage: float = COVERAGE) -> SetRule:
    """The rule from probabilities (N, K) of images that the network was not trained on, and their classes (N,).

    Every group (N,) weighs the same, as one image does where there are none, and one more counts as answered worst of all. Where so few
    cannot promise the coverage, the least probability is 0: every class is in the set.

    >>> chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    >>> set_rule(chances, [0, 0, 1, 0], coverage=0.5).least
    0.7
    >>> set_rule(chances, [0, 0, 1, 0], coverage=0.9).least
    0.0
    """
    scores, truth = np.asarray(chances, np.float64), np.asarray(labels, np.int64)
    own = scores[np.arange(len(truth)), truth]
    units = grouped_intervals.numbered(groups)
    units = np.arange(len(truth)) if units is None else units
    count = int(units.max()) + 1 if len(units) else 0
    order = np.argsort(-own, kind="stable")
    weights = 1 / (np.bincount(units)[units[order]] * (count + 1)) if count else np.zeros(0)
    reached = np.flatnonzero(np.cumsum(weights) >= coverage - 1e-9)
    least = float(own[order[reached[0]]]) if len(reached) else 0.0
    return SetRule(coverage=coverage, least=least, count=count, grouped=count < len(truth))


def prediction_sets(chances: ArrayLike, rule: SetRule, answers: ArrayLike | None = None) -> NDArray[np.bool_]:
    """(N, K): the classes in each image's set. What is answered (N,), or else the likeliest class, always is, so none is empty.

    >>> prediction_sets([[0.5, 0.4, 0.1], [0.2, 0.2, 0.6]], SetRule(coverage=0.9, least=0.3, count=50, grouped=False)).tolist()
    [[True, True, False], [False, False, True]]
    """
    scores = np.asarray(chances, np.float64)
    inside = scores >= rule.least
    inside[np.arange(len(scores)), scores.argmax(1) if answers is None else np.asarray(answers, np.int64)] = True
    return inside


def set_figures(
    chances: ArrayLike, labels: ArrayLike, rule: SetRule, groups: ArrayLike | None = None, answers: ArrayLike | None = None
) -> SetFigures:
    """How often the sets of images that the rule was not made from hold the truth, and how large they are."""
    truth = np.asarray(labels, np.int64)
    inside = prediction_sets(chances, rule, answers)
    sizes, held = inside.sum(1), inside[np.arange(len(truth)), truth]
    everyone = np.ones(len(truth), bool)
    units = grouped_intervals.numbered(groups)
    return SetFigures(
        held=grouped_intervals.share(held, everyone, units),
        single=grouped_intervals.share(sizes == 1, everyone, units),
        mean_size=float(sizes.mean()),
    )


def usual_coverage(rule: SetRule, share: float = 0.95) -> tuple[float, float]:
    """Between what the true coverage of such a rule lies in `share` of all draws of the images that it was made from: a Beta law.

    Of independent images, and an exact law where probabilities have no ties (Vovk 2012, Conditional validity, Sec. 2).

    >>> [round(limit, 3) for limit in usual_coverage(SetRule(coverage=0.9, least=0.2, count=500, grouped=False))]
    [0.873, 0.925]
    """
    places = int(np.ceil((rule.count + 1) * rule.coverage - 1e-9))
    left = max(rule.count + 1 - places, 0)
    if not left:
        return 1.0, 1.0
    law = beta(places, left)
    return float(law.ppf((1 - share) / 2)), float(law.ppf((1 + share) / 2))


def named(inside: NDArray[np.bool_], classes: Sequence[str], chances: NDArray[np.float64]) -> tuple[str, ...]:
    """The classes of one image's set (K,), likeliest first."""
    return tuple([classes[int(place)] for place in np.argsort(-chances, kind="stable") if inside[place]])
