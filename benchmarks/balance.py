"""Balanced accuracy of each way to weigh classes with few images: chest X-rays of four classes, COVID rare, grouped by patient.

    python benchmarks/balance.py [--data FOLDER] [--last-stage]

Prints, for a linear head on frozen features (cross-validated by patients), balanced accuracy, its gain over weighing nothing with the
interval of one among three, accuracy, and the calibration error before and after probabilities are led back to the shares of the data.
With --last-stage each way also trains the last stage through `receptron train`, judged on the same test patients.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from receptron import Extras, Recipe, ScanOptions, train
from receptron.data.dataset.scan import scan
from receptron.data.given_images.images import to_canvas
from receptron.data.ingest import CanvasPlan
from receptron.data.preprocessing.normalize import prepare
from receptron.data.reading.file_bytes import LIMITS
from receptron.evaluation.grouped_intervals import mean_share, numbered
from receptron.evaluation.temperature_scaling import calibration_error, probabilities, sure_temperature
from receptron.jobs.training.initial_weights import Wish, choose_initial_weights
from receptron.training.balancing.balance_choice import LEVEL
from receptron.training.balancing.balanced_gain import balanced_gain
from receptron.training.balancing.class_balance import METHODS, class_balance
from receptron.training.ladder.linear_probe import best_strength

DATA = Path(__file__).resolve().parents[2] / "shared/data/chest_xray"
OPTIONS = ScanOptions(groups=("patient",), ungrouped="own")
SHARE, FOLDS = 0.4, 5  # of the images of each class, and folds of patients


def features_of(root: Path) -> tuple[torch.Tensor, torch.Tensor, np.ndarray, list[str]]:
    """Pooled features (N, 1, D), class numbers (N,), patients (N,) and class names of a SHARE of each class."""
    catalog = scan(root, OPTIONS)
    labels = sorted({item.label for item in catalog.items})
    by_class = [[item for item in catalog.items if item.label == label] for label in labels]
    picked = [item for own in by_class for item in own[: round(SHARE * len(own))]]
    start = choose_initial_weights(catalog, Wish())
    net = start.make(len(labels)).eval()
    plan = CanvasPlan(start.spec.resize, start.spec.interpolation, LIMITS, None)
    parts: list[torch.Tensor] = []
    with torch.inference_mode():
        for at in range(0, len(picked), 32):
            canvases = [to_canvas(item.path, item.path.name, plan) for item in picked[at : at + 32]]
            parts.append(net.embed(prepare(canvases, start.spec, start.channels)))
    patients = np.unique([item.group or str(item.path) for item in picked], return_inverse=True)[1]
    return torch.cat(parts)[:, None].clone(), torch.tensor([labels.index(item.label) for item in picked]), patients, labels


def folds_of(patients: np.ndarray) -> list[np.ndarray]:
    """Rows of each fold; a patient stays whole."""
    place = np.random.default_rng(0).permutation(patients.max() + 1) % FOLDS
    return [np.flatnonzero(place[patients] == fold) for fold in range(FOLDS)]


def probes(root: Path) -> None:
    """The table of linear heads."""
    features, targets, patients, labels = features_of(root)
    truth, groups, folds = targets.numpy(), numbered(patients), folds_of(patients)
    counts = ", ".join(f"{label} {int((truth == i).sum())}" for i, label in enumerate(labels))
    print(f"{len(truth)} images of {patients.max() + 1} patients: {counts}; {torch.__version__}\n")
    print("| way | balanced accuracy | gain over none | accuracy | ECE, as trained | ECE, shares of the data |\n|---|---|---|---|---|---|")
    plain: np.ndarray | None = None
    for method in METHODS:
        balance = class_balance(method, targets, len(labels))
        _, logits = best_strength(features, targets, len(labels), folds, balance)
        right = logits.argmax(1) == truth
        plain = right if plain is None else plain
        reached = mean_share(right, [truth == i for i in range(len(labels))], groups)
        gain = balanced_gain(right, plain, truth, groups, LEVEL)
        errors = list[float]()
        for offsets in (None, balance.offsets):
            chances = probabilities(logits, sure_temperature(logits, truth, groups, offsets), offsets)
            errors.append(calibration_error(chances[np.arange(len(truth)), logits.argmax(1)], right, groups).value)
        told = f"{100 * gain.value:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})" if method != "none" else ""
        print(f"| {method} | {reached.words} | {told} | {100 * right.mean():.1f} % | {errors[0]:.3f} | {errors[1]:.3f} |", flush=True)


def last_stages(root: Path) -> None:
    """The whole job, once for each way, on the same sides."""
    print("\n| way | rung | balanced accuracy on test patients | seconds |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for method in METHODS:
            began = time.perf_counter()
            extras = Extras(precision="float32", images=OPTIONS, recipe=Recipe(balance=method), cache=Path(name) / "cache")
            run = train(root, Path(name) / method, time="90s", extras=extras)
            found = run.card.evaluation.balanced_accuracy
            print(f"| {method} | {run.card.rung} | {found.words} | {time.perf_counter() - began:.0f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--last-stage", action="store_true")
    given = parser.parse_args()
    probes(given.data)
    if given.last_stage:
        last_stages(given.data)
