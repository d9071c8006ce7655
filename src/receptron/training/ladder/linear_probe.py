"""Rung 1: a linear head on frozen features. Multinomial logistic regression; how strongly it is held back is chosen by cross-validation."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from receptron.progress import Progress, Silent
from receptron.training.balancing.class_balance import ClassBalance
from receptron.training.balancing.focal_head import refined

STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0)  # scikit-learn's C: the larger, the freer
_ABSENT = -20.0  # logit of a class that the training images do not show
_ALIKE = ClassBalance()


@dataclass(frozen=True)
class LinearHead:
    """Class scores = features @ weight.T + bias."""

    weight: Tensor  # (classes, features)
    bias: Tensor  # (classes,)
    strength: float

    def logits(self, features: Tensor) -> NDArray[np.float64]:
        """(N, features) -> (N, classes)."""
        return (features.double() @ self.weight.double().T + self.bias.double()).numpy()

    def put_into(self, net: nn.Module) -> None:
        """Make this head the layer of a network, or of its tail, that names the classes, in place."""
        layer: nn.Linear = net.get_submodule("head.fc")  # type: ignore[assignment]
        with torch.no_grad():
            layer.weight.copy_(self.weight)
            layer.bias.copy_(self.bias)


@dataclass(frozen=True)
class Chosen:
    """The head on all training images, and what heads on the other folds say of each image."""

    head: LinearHead
    folds: tuple[LinearHead, ...]  # head i never saw fold i
    logits: NDArray[np.float64]  # (N, classes), out of fold


@dataclass(frozen=True)
class More:
    """Features (M, views, D) with class numbers (M,) that every fit sees besides, and that nothing is judged on."""

    features: Tensor
    targets: Tensor


def fit_head(features: Tensor, targets: Tensor, classes: int, strength: float, balance: ClassBalance = _ALIKE) -> LinearHead:
    """The head for features (N, views, D) whose images have class numbers (N,); the views of an image share its weight, so that
    a strength means the same whatever the number of views. Of images that are all of one class a head can only learn to name it.

    By `balance` images of rare classes count for more (a sampler, too, is weights here), or the loss is the focal one.
    Features are standardised for the fit, and the head is given for the features as they are.
    """
    weight, bias = torch.zeros(classes, features.shape[2]), torch.full((classes,), _ABSENT)
    if len(only := targets.unique()) == 1:
        bias[only] = 0.0
        return LinearHead(weight, bias, strength)
    middle, spread = features[:, 0].mean(0), features[:, 0].std(0) + 1e-6
    inputs = ((features - middle) / spread).flatten(0, 1).numpy()
    model = LogisticRegression(C=strength, max_iter=300, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last digits of a head do not matter to its accuracy
        views = features.shape[1]
        labels, counts = targets.repeat_interleave(views).numpy(), np.full(len(inputs), 1 / views)
        model.fit(inputs, labels, sample_weight=counts * np.array(balance.weights)[labels] if balance.weights else counts)
    found: Any = refined(model, inputs, labels, counts, balance.focus) if balance.focus else model
    rows, offsets = torch.from_numpy(found.coef_).float(), torch.from_numpy(found.intercept_).float()
    if len(rows) == 1:  # two classes share one row
        rows, offsets = torch.cat([torch.zeros_like(rows), rows]), torch.cat([torch.zeros_like(offsets), offsets])
    seen = torch.from_numpy(found.classes_).long()
    weight[seen] = rows / spread
    bias[seen] = offsets - (rows / spread) @ middle
    return LinearHead(weight, bias, strength)


def choose_head(
    features: Tensor,
    targets: Tensor,
    classes: int,
    folds: Sequence[NDArray[np.int64]],
    progress: Progress | None = None,
    balance: ClassBalance = _ALIKE,
    more: More | None = None,
) -> Chosen:
    """Try every strength on the folds (arrays of held-out rows) by log-loss on centre views; fit on all images with the best."""
    told = progress or Silent()
    told.start("linear head", len(STRENGTHS), "strengths")
    strength, _ = best_strength(features[:, :1], targets, classes, folds, balance, told.advance, more)
    heads, logits = _out_of_fold(features, targets, classes, folds, strength, balance, more)
    told.done(f"{strength:g} is best")
    return Chosen(fit_head(*with_more(features, targets, more), classes, strength, balance), tuple(heads), logits)


def best_strength(
    centre: Tensor,
    targets: Tensor,
    classes: int,
    folds: Sequence[NDArray[np.int64]],
    balance: ClassBalance,
    advance: Callable[[], object] = lambda: None,
    more: More | None = None,
) -> tuple[float, NDArray[np.float64]]:
    """The strength of least log-loss on the folds, by the weights of `balance`, from features (N, 1, D); its logits (N, classes)."""
    losses, said = list[float](), list[NDArray[np.float64]]()
    for strength in STRENGTHS:
        said.append(_out_of_fold(centre, targets, classes, folds, strength, balance, more)[1])
        losses.append(_log_loss(said[-1], targets, balance))
        advance()
    best = int(np.argmin(losses))
    return STRENGTHS[best], said[best]


def with_more(features: Tensor, targets: Tensor, more: More | None) -> tuple[Tensor, Tensor]:
    """Features (N, views, D) and class numbers, with those of `more` behind them, in as many views."""
    if more is None:
        return features, targets
    return torch.cat([features, more.features[:, : features.shape[1]]]), torch.cat([targets, more.targets])


def _out_of_fold(
    features: Tensor,
    targets: Tensor,
    classes: int,
    folds: Sequence[NDArray[np.int64]],
    strength: float,
    balance: ClassBalance,
    more: More | None,
) -> tuple[list[LinearHead], NDArray[np.float64]]:
    heads: list[LinearHead] = []
    logits = np.zeros((len(targets), classes))
    for held_out in folds:
        learning = np.setdiff1d(np.arange(len(targets)), held_out)
        heads.append(fit_head(*with_more(features[learning], targets[learning], more), classes, strength, balance))
        logits[held_out] = heads[-1].logits(features[held_out, 0])
    return heads, logits


def _log_loss(logits: NDArray[np.float64], targets: Tensor, balance: ClassBalance) -> float:
    weights = torch.tensor(balance.weights).double() if balance.weights else None
    return float(nn.functional.cross_entropy(torch.from_numpy(logits), targets, weight=weights))
