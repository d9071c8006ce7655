"""Are wrong labels found, and what does correcting them bring? Linear head on frozen features of flowers, a tenth of the labels flipped.

    python benchmarks/label_errors.py --shared ../shared --work FOLDER [--seeds 5] [--part random|similar]

Confident learning on the out-of-fold answers of the head that `train` would fit. FOLDER keeps features, computed once by the weights that
the extra `photos` brings, and a row a seed, so that a run that was broken off goes on. random: flipped to any other class; similar: to
the class that the class is most often taken for. Precision: share of the first 50 and 150 suspects, or of all where there are fewer,
whose label had been flipped; found: share of the flips that are suspected at all. Accuracy on the 300 photos beside, with the flipped
labels, with the 150 first suspects corrected as proposed (nobody looked), with all suspects that had been flipped put right (a person
looked), and with no label flipped.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from lite0 import CARRIED, described, photos_of
from receptron.evaluation import temperature_scaling
from receptron.evaluation.label_issues import label_issues
from receptron.training.ladder.linear_probe import Chosen, choose_head
from receptron.weights.source import resolve

SHARE, FOLDS = 0.1, 3
PARTS = ("random", "similar")
COLUMNS = ("first 50", "first 150", "found", "suspects", "flipped", "as proposed", "looked at", "no flips")


def features(shared: Path, work: Path) -> tuple[torch.Tensor, NDArray[np.int64], torch.Tensor, NDArray[np.int64]]:
    """Of the training photos with their classes, and of the others; kept in the work folder."""
    file = work / "flowers.npz"
    if not file.is_file():
        weights = resolve(CARRIED)
        (x, y), (asked, truth) = (described(weights, *photos_of(shared / "data/flowers" / side)) for side in ("train", "val"))
        work.mkdir(parents=True, exist_ok=True)
        np.savez(file, x=np.concatenate([x, asked]), y=np.concatenate([y, truth]), learnt=len(y))
    kept = np.load(file)
    count = int(kept["learnt"])
    x, y = torch.from_numpy(kept["x"]).float(), kept["y"].astype(np.int64)
    return x[:count], y[:count], x[count:], y[count:]


def flipped(truth: NDArray[np.int64], like: NDArray[np.int64] | None, seed: int) -> NDArray[np.int64]:
    """A tenth of the labels turned, to the class `like` that of each or to any other."""
    draw, labels, classes = np.random.default_rng(seed), truth.copy(), int(truth.max()) + 1
    rows = draw.choice(len(truth), round(SHARE * len(truth)), replace=False)
    labels[rows] = (truth[rows] + draw.integers(1, classes, len(rows))) % classes if like is None else like[truth[rows]]
    return labels


def headed(x: torch.Tensor, labels: NDArray[np.int64], seed: int) -> Chosen:
    """The head that `train` would fit."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    folds = [np.sort(order[i::FOLDS]) for i in range(FOLDS)]
    return choose_head(x[:, None], torch.from_numpy(labels), int(labels.max()) + 1, folds)


def confused_with(x: torch.Tensor, truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each class the one that it is most often taken for, out of fold."""
    answers, classes = headed(x, truth, 0).logits.argmax(1), int(truth.max()) + 1
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (truth, answers), 1)
    np.fill_diagonal(counts, -1)
    return counts.argmax(1)


def one_seed(data: tuple[torch.Tensor, NDArray[np.int64], torch.Tensor, NDArray[np.int64]], part: str, seed: int) -> list[float]:
    """A row of the table."""
    x, truth, asked, answers = data
    labels = flipped(truth, confused_with(x, truth) if part == "similar" else None, seed)
    found = headed(x, labels, seed)
    temperature = temperature_scaling.sure_temperature(found.logits, labels, None)
    suspects, proposed = label_issues(temperature_scaling.probabilities(found.logits, temperature), labels)
    wrong = labels != truth
    blind, looked = labels.copy(), labels.copy()
    blind[suspects[:150]] = proposed[:150]
    looked[suspects] = truth[suspects]
    heads = [found.head, *(headed(x, one, seed).head for one in (blind, looked, truth))]
    accuracies = [float((head.logits(asked).argmax(1) == answers).mean()) for head in heads]
    return [
        float(wrong[suspects[:50]].mean()), float(wrong[suspects[:150]].mean()), float(wrong[suspects].sum() / wrong.sum()),
        float(len(suspects)), *accuracies,
    ]  # fmt: skip


def main() -> None:
    """Print a table a part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--part", choices=PARTS, action="append")
    chosen = parser.parse_args()
    data, console = features(chosen.shared, chosen.work), Console(width=140)
    for part in chosen.part or PARTS:
        table = Table("seed", *COLUMNS, title=f"{len(data[1]):,} flowers, {SHARE:.0%} of the labels flipped, {part}")
        rows: list[list[float]] = []
        for seed in range(chosen.seeds):
            file = chosen.work / f"label-errors-{part}-{seed}.json"
            if not file.is_file():
                file.write_text(json.dumps(one_seed(data, part, seed)))
            rows.append(json.loads(file.read_text()))
            table.add_row(str(seed), *cells(rows[-1]))
        table.add_row("mean", *cells(np.mean(rows, axis=0).tolist()))
        console.print(table)


def cells(row: list[float]) -> list[str]:
    """Shares as percent; the number of suspects as it is."""
    return [f"{value:.0f}" if name == "suspects" else f"{100 * value:.1f} %" for name, value in zip(COLUMNS, row, strict=True)]


if __name__ == "__main__":
    main()
