"""A linear head by the focal loss: logistic regression goes on from where it ended, by the same penalty. Lin et al. 2017, 1708.02002."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from receptron.training.loop.objective import focal


@dataclass(frozen=True)
class FocalRegression:
    """A fitted head, by scikit-learn's names; two classes have a row each."""

    coef_: NDArray[np.float64]  # (classes, D)
    intercept_: NDArray[np.float64]  # (classes,)
    classes_: NDArray[np.int64]


def refined(
    model: LogisticRegression, inputs: NDArray[np.float32], labels: NDArray[np.int64], counts: NDArray[np.float64], focus: float
) -> FocalRegression:
    """Minimise C times the summed focal losses plus half the squared weights, from what `model` found by cross-entropy.

    Args: inputs (N, D), class numbers (N,) and what each row counts (N,).
    """
    kinds, places = np.unique(labels, return_inverse=True)
    start = _rows(np.asarray(model.coef_, np.float64)), _rows(np.asarray(model.intercept_, np.float64)[:, None])
    x, y = torch.from_numpy(inputs).double(), torch.from_numpy(places)
    weigh, (classes, width), strength = torch.from_numpy(counts), start[0].shape, float(model.C)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        table = torch.from_numpy(flat).view(classes, width + 1).requires_grad_()
        rows, offsets = table[:, :-1], table[:, -1]
        total = strength * (weigh * focal(x @ rows.T + offsets, y, focus)).sum() + 0.5 * (rows**2).sum()
        (slope,) = torch.autograd.grad(total, table)
        return float(total.detach()), slope.flatten().numpy()

    found = minimize(loss, np.concatenate(start, axis=1).flatten(), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    table = np.asarray(found.x, np.float64).reshape(classes, width + 1)
    return FocalRegression(table[:, :-1], table[:, -1], kinds)


def _rows(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """A row for each of two classes, which scikit-learn lets share one."""
    return np.concatenate([-found / 2, found / 2]) if len(found) == 1 else found
