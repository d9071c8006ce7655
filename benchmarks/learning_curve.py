"""Is the accuracy at twice the images foretold rightly? Subsets of flowers, doubled, where the truth is known.

    python benchmarks/learning_curve.py --shared ../shared --work FOLDER [--draws 40] [--sizes 100,200,400]

Draws N photos, lets the learning curve foretell a linear head on 2N, then fits that head on the N and N more, as `train` would, and judges
it on all others (1,000 or more, so that the truth itself is off by about a point). Frozen features of the weights that the extra `photos`
brings, computed once into FOLDER, which also keeps a row a draw, so that a run that was broken off goes on. Beside it the baseline that
foretells no change: the 90 % interval of the cross-validated accuracy of today.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.stats import norm

from label_errors import features
from receptron.evaluation.confidence_intervals import FOLDED, wilson, wilson_limits
from receptron.training.ladder.linear_probe import choose_head
from receptron.training.learning_curve.forecast import forecast_of
from receptron.training.learning_curve.subset_accuracy import Measured, measure

CLASSES, TRUSTED = 5, 0.9


def folds(truth: NDArray[np.int64], seed: int) -> list[NDArray[np.int64]]:
    """As many as `train` makes, classes spread evenly."""
    order = np.random.default_rng(seed).permutation(len(truth))
    order, count = order[np.argsort(truth[order], kind="stable")], 3 if len(truth) >= 600 else 5
    return [np.sort(order[i::count]) for i in range(count)]


def one_draw(x: torch.Tensor, y: NDArray[np.int64], count: int, seed: int) -> dict[str, object]:
    """What was measured on `count` photos, and how a head on twice as many does."""
    order = np.random.default_rng(1000 * count + seed).permutation(len(y))
    few, twice, asked = order[:count], order[: 2 * count], order[2 * count :]
    chosen = choose_head(x[few][:, None], torch.from_numpy(y[few]), CLASSES, folds(y[few], seed))
    found = measure(x[few], torch.from_numpy(y[few]), CLASSES, chosen.head.strength, folds(y[few], seed), np.arange(count))
    head = choose_head(x[twice][:, None], torch.from_numpy(y[twice]), CLASSES, folds(y[twice], seed)).head
    right = head.logits(x[asked]).argmax(1) == y[asked]
    by_class = [float(right[y[asked] == label].mean()) for label in range(CLASSES)]
    rows = [{"share": one.share, "right": one.right.tolist()} for one in found]
    return {"measured": rows, "truth": y[few].tolist(), "reached": float(right.mean()), "by_class": by_class}


def judged(row: dict[str, object]) -> list[float]:
    """Covered, width, miss; the same of the baseline; share of classes covered and their mean width."""
    found = [Measured(one["share"], np.array(one["right"])) for one in row["measured"]]  # type: ignore[union-attr]
    truth, reached = np.array(row["truth"]), float(row["reached"])  # type: ignore[arg-type]
    units, everyone = np.arange(len(truth)), np.ones(len(truth), bool)
    span = forecast_of(found, everyone, units).doubled
    low, high = wilson_limits(float(found[-1].right.mean()), len(truth) / FOLDED, float(norm.ppf((1 + TRUSTED) / 2)))
    classes = [forecast_of(found, truth == label, units).doubled for label in range(CLASSES)]
    held = [1 - one.high <= there <= 1 - one.low for one, there in zip(classes, row["by_class"], strict=True)]  # type: ignore[call-overload]
    return [
        float(1 - span.high <= reached <= 1 - span.low), span.high - span.low, reached - (1 - span.middle), float(low <= reached <= high),
        high - low, reached - float(found[-1].right.mean()), float(np.mean(held)), float(np.mean([one.high - one.low for one in classes])),
    ]  # fmt: skip


def main() -> None:
    """Print one row a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--sizes", default="100,200,400")
    chosen = parser.parse_args()
    x, y, asked, truth = features(chosen.shared, chosen.work)
    x, y = torch.cat([x, asked]), np.concatenate([y, truth])
    heads = ("photos", "draws", "covered", "mean width", "mean miss", "no change: covered", "width", "miss", "classes: covered", "width")
    table = Table(*heads, title="accuracy at twice the photos, 90 % intervals, points")
    for count in map(int, chosen.sizes.split(",")):
        rows: list[list[float]] = []
        for seed in range(chosen.draws):
            file = chosen.work / f"learning-curve-{count}-{seed}.json"
            if not file.is_file():
                file.write_text(json.dumps(one_draw(x, y, count, seed)))
            rows.append(judged(json.loads(file.read_text())))
        covered = wilson(sum(row[0] == 1 for row in rows), len(rows)).words
        mean = [f"{100 * value:.1f}" for value in np.mean(rows, axis=0)]
        table.add_row(str(count), str(len(rows)), covered, *mean[1:])
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
