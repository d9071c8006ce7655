"""What the two scores of `novelty` need of the training images, and what they come to on images that were held out.

The covariance within classes is shared and shrunk (Ledoit & Wolf 2004, J. Multivar. Anal. 88:365); that of all images is this plus the
covariance of the class means, so that all directions in which classes do not differ cancel, and a few numbers for each class suffice.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from sklearn.covariance import ledoit_wolf

from receptron.data.stateless_random import keyed
from receptron.errors import DataFault
from receptron.evaluation.novelty import Features, NoveltyScorer, normalised

NEIGHBOURS = 10
MOST_BYTES = 8 * 2**20  # of the training images' features; of more images an even draw is kept


def novelty_scorer(features: Features, labels: NDArray[np.int64], whole: int | None = None) -> NoveltyScorer:
    """What to keep of training images with `features` (N, D) and class numbers (N,).

    `whole`: images of the scorer that this one stands in for, of which these are a part; so large a part of its neighbours is counted,
    which lie about as far away. Raises: DataFault where the features say nothing.
    """
    kept = _drawn(*features.shape)
    classes, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    everything = min(whole or len(features), _most(features.shape[1]))
    neighbours = min(NEIGHBOURS, everything / len(classes) / 2)
    part = max(1, min(len(kept), round(neighbours * len(kept) / everything)))
    return NoveltyScorer(normalised(features[kept]).astype(np.float16), part, *_relative(features, places, counts))


def out_of_fold_scores(
    without: Sequence[Features], labels: NDArray[np.int64], folds: Sequence[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows of the images held out, and their scores (rows, 2) beside the others.

    `without[i]` (N, D) is what a network sees of all N images that never saw those of `folds[i]`; later folds are left out.
    """
    found: list[NDArray[np.float64]] = []
    for features, held_out in zip(without, folds, strict=False):
        others = np.setdiff1d(np.arange(len(labels)), held_out)
        found.append(novelty_scorer(features[others], labels[others], len(labels)).scores(features[held_out]))
    return np.concatenate(folds[: len(without)]), np.concatenate(found)


def _most(width: int) -> int:
    return max(1, MOST_BYTES // (2 * width))


def _drawn(images: int, width: int) -> NDArray[np.int64]:
    """Rows to keep of `images` images with so many features each."""
    if images <= _most(width):
        return np.arange(images)
    return np.sort(keyed("images that novelty is measured against", images).permutation(images)[: _most(width)])


def _relative(features: Features, places: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[Features, Features, Features, Features]:
    """Mean, directions, offsets and background. With S the covariance within classes, M the class means minus the mean of all, P the
    classes' shares: MD_k - MD_0 = -2 M_k S^-1 z' + M_k S^-1 M_k + z' (S^-1 - (S + M^T P M)^-1) z', the last by Woodbury's identity.

    Raises: DataFault where no feature varies within a class.
    """
    exact = features.astype(np.float64)
    mean, shares = exact.mean(0), counts / len(features)
    sums = np.zeros((len(counts), features.shape[1]))
    np.add.at(sums, places, exact)
    means = sums / counts[:, None] - mean
    residuals = exact - mean - means[places]
    spread = float((residuals**2).mean())
    if not spread > 1e-12 * float((exact**2).mean()):
        raise DataFault("the features do not vary within a class.", why="each has one image, or images that look the same to the network")
    within, _ = ledoit_wolf(residuals, assume_centered=True)
    directions = cho_solve(cho_factor(within, lower=True), means.T).T
    gram = means @ directions.T
    roots = np.sqrt(shares)
    inner = np.linalg.cholesky(np.eye(len(roots)) + roots[:, None] * gram * roots)
    background = solve_triangular(inner, roots[:, None] * directions, lower=True)
    if len(background) > features.shape[1]:
        background = np.linalg.qr(background, mode="r")
    found = (mean, directions, np.diag(gram), background)
    return found[0].astype(np.float32), found[1].astype(np.float32), found[2].astype(np.float32), found[3].astype(np.float32)
