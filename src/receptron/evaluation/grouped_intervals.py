"""Intervals at 95 % where images come in groups (a patient, a clip, copies of one photo): the group is the unit, not the image.

A share of n images in groups is worth the share of n' independent ones, and gets Wilson's or Tango's limits for n' with a t quantile (Korn
& Graubard 1998, Survey Methodology 24:193; Franco et al. 2019, J. Surv. Stat. Methodol. 7:334, for Wilson's form). What n' rests on:
- the variance: delete-a-group jackknife (CR3: Bell & McCaffrey 2002, Survey Methodology 28:169), never below that of independent images;
- what few groups cannot show: one more group is reckoned in whose images are alike through and through, so that groups which by chance
  all did equally well are not taken for a certainty, and groups that were all right count once each;
- the number of groups: Kish's effective one, (sum of sizes)^2 / sum of squares (Kish 1965, Survey Sampling, 8.2; Carter et al. 2017, Rev.
  Econ. Stat. 99:698), less one for the t quantile, or fewer where the variance comes from few of them (by the kurtosis: Valliant & Rust
  2010, J. Off. Stat. 26:585).
Coverage over many kinds of dependence: benchmarks/group_coverage.py. No method sees a kind of group that none of its groups is of.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import fmean

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom
from scipy.stats import t as student

from receptron.evaluation import confidence_intervals as independent
from receptron.evaluation.records import TOO_FEW, Estimate

LEAST = 4  # groups; with fewer an interval says next to nothing, and is told as unknown
ALIKE = 1.0  # groups reckoned in whose images are alike
Flags = NDArray[np.bool_]
Groups = NDArray[np.int64]


def numbered(groups: ArrayLike | None) -> Groups | None:
    """Group of each image as numbers from 0; None where every image is a group of its own, which needs none of this module."""
    if groups is None:
        return None
    found, places = np.unique(np.asarray(groups), return_inverse=True)
    return None if len(found) == len(places) else places.astype(np.int64)


def share(hits: Flags, among: Flags, groups: Groups | None, networks: int = 1) -> Estimate:
    """Share of the images `among` (N,) that are `hits` (N,); `networks` as for `out_of_fold`."""
    right, count = int((hits & among).sum()), int(among.sum())
    inside = None if groups is None else numbered(groups[among])
    if inside is None:
        return independent.out_of_fold(right, count, networks)
    sizes = _summed(inside, np.ones(count, bool))
    if len(sizes) < LEAST:
        return Estimate(right / count, 0.0, 1.0, count, TOO_FEW)
    low, high = _share_limits(_summed(inside, hits[among]), sizes, networks)
    return Estimate(right / count, low, high, count, f"Wilson over {len(sizes):,} groups")


def mean_share(hits: Flags, parts: list[Flags], groups: Groups | None) -> Estimate:
    """Plain mean of the shares of `hits` in each part, such as balanced accuracy; parts without images do not count.

    The wider of two intervals, as for independent images: that of the mean as one figure, with what groups do to several parts at once;
    and the sum of squared distances to the parts' own limits (Zou & Donner 2008), which sees parts that are all right in few groups.
    """
    if groups is None:
        return independent.mean_of_proportions([share(hits, part, None) for part in parts])
    parts = [part for part in parts if part.any()]
    count = sum(int(part.sum()) for part in parts)
    if len(np.unique(groups)) < LEAST:
        return Estimate(fmean(float(hits[part].mean()) for part in parts), 0.0, 1.0, count, TOO_FEW)
    summed = [_Part(_summed(groups, hits & part), _summed(groups, part)) for part in parts]
    value = fmean(part.share for part in summed)
    spread = value * (1 - value)
    effective = min(_effective(np.bincount(groups).astype(float)), len(parts) ** 2 / sum(1 / _effective(part.sizes) for part in summed))
    alone = spread * sum(1 / part.sizes.sum() for part in summed) / len(parts) ** 2
    error = _error(np.sum([part.deviations for part in summed], axis=0) / len(parts), effective, alone, spread / effective)
    low, high = independent.wilson_limits(value, _worth(spread, error, effective), error.quantile)
    own = [part.limits() for part in summed]
    below = sqrt(sum((part.share - limits[0]) ** 2 for part, limits in zip(summed, own, strict=True))) / len(parts)
    above = sqrt(sum((limits[1] - part.share) ** 2 for part, limits in zip(summed, own, strict=True))) / len(parts)
    limits = max(0.0, min(low, value - below)), min(1.0, max(high, value + above))
    return Estimate(value, *limits, count, f"Wilson over {len(np.unique(groups)):,} groups, combined over {len(parts)} classes")


def f1(truth: Flags, called: Flags, groups: Groups | None) -> Estimate:
    """F1 of one class from which images are of it and which are called it; see `confidence_intervals.f1`."""
    hits = truth & called
    if groups is None:
        return independent.f1(int(hits.sum()), int((truth & ~called).sum()), int((called & ~truth).sum()))
    found = share(hits, truth | called, groups)
    value, low, high = (2 * j / (1 + j) for j in (found.value, found.low, found.high))
    return Estimate(value, low, high, found.count, found.method)


def paired_gain(ours: Flags, theirs: Flags, groups: Groups | None) -> Estimate:
    """Difference in accuracy on the same images; it excludes zero only where `flipped_signs` rejects equality at 5 %.

    Raises: BadValue if the lengths differ or there are no images.
    """
    if groups is None:
        return independent.paired_gain(ours, theirs)
    plain = independent.paired_gain(ours, theirs)
    won, lost, sizes = (_summed(groups, flags) for flags in (ours & ~theirs, theirs & ~ours, np.ones(len(ours), bool)))
    if len(sizes) < LEAST:
        return Estimate(plain.value, -1.0, 1.0, plain.count, TOO_FEW)
    count, effective = sizes.sum(), _effective(sizes)
    spread = float((won + lost).sum() / count - plain.value**2)
    deviations = (won - lost - plain.value * sizes) / (count - sizes)
    error = _error(deviations, effective, spread / count, spread / effective)
    worth = _worth(spread, error, effective) / count
    low, high = independent.tango_limits(float(won.sum()) * worth, float(lost.sum()) * worth, count * worth, error.quantile)
    if flipped_signs(ours, theirs, groups) > 0.05:
        low, high = min(low, 0.0), max(high, 0.0)
    limits = max(-1.0, min(low, plain.value)), min(1.0, max(high, plain.value))
    return Estimate(plain.value, *limits, plain.count, f"Tango over {len(sizes):,} groups with exact test of flipped signs")


def flipped_signs(ours: Flags, theirs: Flags, groups: Groups | None) -> float:
    """Two-sided p value of equal accuracy: how often the gain is as large when each group's part of it has its sign drawn anew.

    Exact, by adding up all draws. With every image a group of its own this is McNemar's exact test.
    Source: Canay, Romano & Shaikh 2017, Econometrica 85:1013 (few groups).
    """
    gains = ours.astype(np.int64) - theirs.astype(np.int64)
    if groups is not None:
        gains = np.bincount(groups, gains).round().astype(np.int64)
    parts = np.abs(gains[gains != 0])
    total = int(parts.sum())
    singles = int((parts == 1).sum())
    chances = np.zeros(total + 1)  # of the sum of the parts whose sign came out as plus
    chances[: singles + 1] = binom.pmf(np.arange(singles + 1), singles, 0.5)
    for part in parts[parts > 1].tolist():
        chances[part:] = (chances[part:] + chances[:-part]) / 2  # the right side is reckoned before it is written
        chances[:part] /= 2
    distance = np.abs(2 * np.arange(total + 1) - total)
    return min(1.0, float(chances[distance >= abs(int(gains.sum()))].sum()))


def widening(groups: Groups) -> float:
    """By how much a bootstrap over these groups falls short of the width that so few groups need."""
    sizes = np.bincount(groups).astype(float)
    return float(student.ppf(0.975, max(1.0, _effective(sizes) - 1))) / independent.Z * sqrt(len(sizes) / (len(sizes) - 1))


@dataclass(frozen=True)
class _Error:
    """How unsure a figure is: its variance, and how many standard errors its limits lie away."""

    variance: float
    quantile: float


@dataclass(frozen=True)
class _Part:
    """Right answers and images of each group, in one class."""

    hits: NDArray[np.float64]
    sizes: NDArray[np.float64]

    @property
    def share(self) -> float:
        """Of the images that are right."""
        return float(self.hits.sum() / self.sizes.sum())

    @property
    def deviations(self) -> NDArray[np.float64]:
        """What leaving out each group does to the share; nothing can be said of a class that lies in one group."""
        left = self.sizes.sum() - self.sizes
        return np.divide(self.hits - self.share * self.sizes, left, out=np.zeros(len(left)), where=left > 0)

    def limits(self) -> tuple[float, float]:
        """Those of the share, however few its groups."""
        inside = self.sizes > 0
        if inside.sum() < 2:
            return 0.0, 1.0
        return _share_limits(self.hits[inside], self.sizes[inside])


def _share_limits(hits: NDArray[np.float64], sizes: NDArray[np.float64], networks: int = 1) -> tuple[float, float]:
    part, effective = _Part(hits, sizes), _effective(sizes)
    spread = part.share * (1 - part.share)
    error = _error(part.deviations, effective, spread / sizes.sum(), spread / effective)
    worth = _worth(spread, error, effective) / (1 if networks == 1 else independent.FOLDED)
    return independent.wilson_limits(part.share, worth, error.quantile)


def _summed(groups: Groups, flags: Flags) -> NDArray[np.float64]:
    """How many of each group are flagged."""
    return np.bincount(groups, flags).astype(np.float64)


def _effective(sizes: NDArray[np.float64]) -> float:
    """Groups of one size that are worth as much as these."""
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def _error(deviations: NDArray[np.float64], effective: float, alone: float, alike: float) -> _Error:
    """The error of a figure from what leaving out each group does to it.

    `alone` is its variance if images were independent, `alike` if those of a group always agreed.
    """
    count, second, fourth = len(deviations), float((deviations**2).sum()), float((deviations**4).sum())
    jackknifed = (count - 1) / count * second
    variance = max(((effective - 1) * jackknifed + ALIKE * alike) / (effective - 1 + ALIKE), alone)
    freedom = effective - 1
    if second and variance > alone and (kurtosis := count * fourth / second**2) > 1:
        by_groups = (variance - alone) / variance  # the share of the variance that is not known from the images' own
        freedom = min(freedom, 2 * count / (kurtosis - 1) / by_groups)
    return _Error(variance, float(student.ppf(0.975, max(1.0, freedom))))


def _worth(spread: float, error: _Error, effective: float) -> float:
    """Independent images that would leave the figure as unsure; where nothing varies, each group counts once."""
    return effective if spread <= 0 or error.variance <= 0 else spread / error.variance
