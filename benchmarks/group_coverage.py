"""Do the intervals mean what they say where images come in groups? How often the 95 % interval covers the figure for new groups.

    OMP_NUM_THREADS=1 python benchmarks/group_coverage.py [--sets 200] [--groups 4 8 40] [--only probe]

Two kinds of data, none of them read from disk. "answers": right and wrong answers are drawn, each group with a chance of its own (a beta
distribution of that correlation within groups; "hard groups": one in ten is nearly always wrong), with labels image by image or one for a
group. "probe": features with a part from the class, a part that all images of a group share and a part of their own, a linear head as rung
1 of the ladder fits it, judged on new groups and out of fold. The truth is the figure on thousands of other groups. Wanted: 93 % or more.
An interval that is told as unknown is counted apart. "ungrouped" is the accuracy's interval if
nobody says which images belong together (out of fold for the probe).
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from receptron.evaluation import grouped_intervals
from receptron.evaluation.confidence_intervals import out_of_fold, wilson
from receptron.evaluation.records import Estimate
from receptron.evaluation.temperature_scaling import calibration_error, probabilities, reliability
from receptron.training.ladder.linear_probe import fit_head

CLASSES = ("a", "b", "c")
MOST = 4000  # groups that stand for all there are
DIMENSIONS = 16
STRENGTH = 0.01  # of the linear head
FIGURES = ("accuracy", "balanced accuracy", "recall", "F1", "paired gain", "calibration error", "out of fold", "ungrouped")
UNGROUPED = FIGURES[-1]


@dataclass(frozen=True)
class Answers:
    """Scores (N, classes), true classes (N,), what a baseline gets right (N,), group (N,)."""

    scores: np.ndarray
    truth: np.ndarray
    baseline: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True)
class Told:
    """One interval beside the truth."""

    figure: str
    estimate: Estimate
    truth: float

    @property
    def covers(self) -> bool:
        """Whether the truth lies in the interval."""
        return self.estimate.low <= self.truth <= self.estimate.high


Draw = Callable[[np.random.Generator, int], Answers]


def sizes_of(rng: np.random.Generator, groups: int, uneven: bool) -> np.ndarray:
    """Group number of each image."""
    return np.repeat(np.arange(groups), rng.integers(2, 31, groups) if uneven else np.full(groups, 10))


def labels_of(rng: np.random.Generator, owner: np.ndarray, by_group: bool) -> np.ndarray:
    """Class number of each image."""
    return rng.integers(0, len(CLASSES), owner.max() + 1)[owner] if by_group else rng.integers(0, len(CLASSES), len(owner))


def drawn_answers(accuracy: float, correlation: float, *, by_group: bool = False, uneven: bool = False, hard: float = 0.0) -> Draw:
    """Groups whose chance of a right answer is beta distributed; of the share `hard` a tenth of that."""

    def chances(rng: np.random.Generator, groups: int) -> np.ndarray:
        if correlation in (0.0, 1.0):
            plain = np.full(groups, accuracy) if correlation == 0 else (rng.random(groups) < accuracy).astype(float)
        else:
            plain = rng.beta(accuracy * (1 / correlation - 1), (1 - accuracy) * (1 / correlation - 1), groups)
        return np.where(rng.random(groups) < hard, plain / 10, plain)

    def draw(rng: np.random.Generator, groups: int) -> Answers:
        owner = sizes_of(rng, groups, uneven)
        truth = labels_of(rng, owner, by_group)
        shared = chances(rng, groups)
        right = rng.random(len(owner)) < shared[owner]
        baseline = rng.random(len(owner)) < 0.8 * (shared if groups % 2 else rng.permutation(shared))[owner]
        said = np.where(right, truth, (truth + rng.integers(1, len(CLASSES), len(owner))) % len(CLASSES))
        return Answers(np.eye(len(CLASSES))[said] * rng.uniform(0.5, 4, (len(owner), 1)), truth, baseline, owner)

    return draw


@dataclass(frozen=True)
class World:
    """Where features come from: how far classes lie apart, and how strongly a group's images are alike, in units of their own noise."""

    apart: float
    alike: float
    by_group: bool

    def features(self, rng: np.random.Generator, groups: int) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
        """Features (N, 1, D), labels (N,) and group (N,)."""
        owner = sizes_of(rng, groups, uneven=False)
        truth = labels_of(rng, owner, self.by_group)
        centres = np.eye(len(CLASSES), DIMENSIONS) * self.apart
        rows = centres[truth] + self.alike * rng.normal(size=(groups, DIMENSIONS))[owner] + rng.normal(size=(len(owner), DIMENSIONS))
        return torch.from_numpy(rows[:, None].astype(np.float32)), torch.from_numpy(truth), owner


def figures(found: Answers, groups: np.ndarray | None) -> dict[str, Estimate]:
    """Every interval of one set, as `evaluate` makes them."""
    said, units = found.scores.argmax(1), grouped_intervals.numbered(groups)
    right, everyone = said == found.truth, np.ones(len(said), bool)
    of_class = [found.truth == i for i in range(len(CLASSES))]
    told = {
        "accuracy": grouped_intervals.share(right, everyone, units),
        "balanced accuracy": grouped_intervals.mean_share(right, of_class, units),
        "recall": grouped_intervals.share(right, of_class[0], units),
        "F1": grouped_intervals.f1(of_class[0], said == 0, units),
        "paired gain": grouped_intervals.paired_gain(right, found.baseline, units),
        "calibration error": calibration_error(probabilities(found.scores).max(1), right, units),
    }
    return {name: one for name, one in told.items() if one.count}


def truths(found: Answers) -> dict[str, float]:
    """The figures themselves, on so many groups that they stand for all."""
    said = found.scores.argmax(1)
    right, called = said == found.truth, said == 0
    recalls = [float(right[found.truth == i].mean()) for i in range(len(CLASSES))]
    bins = reliability(probabilities(found.scores).max(1), right)
    return {
        "accuracy": float(right.mean()),
        "balanced accuracy": float(np.mean(recalls)),
        "recall": recalls[0],
        "F1": float(2 * (called & right).sum() / (called.sum() + (found.truth == 0).sum())),
        "paired gain": float(right.mean() - found.baseline.mean()),
        "calibration error": sum(each.count * abs(each.accuracy - each.confidence) for each in bins) / len(said),
    }


def answers(draw: Draw, groups: int, sets: int) -> Iterator[Told]:
    """Each figure of each set."""
    truth = truths(draw(np.random.default_rng(1), MOST))
    for seed in range(sets):
        found = draw(np.random.default_rng((seed, groups)), groups)
        right = found.scores.argmax(1) == found.truth
        yield from (Told(name, one, truth[name]) for name, one in figures(found, found.groups).items())
        yield Told(UNGROUPED, wilson(int(right.sum()), len(right)), truth["accuracy"])


def probe(world: World, groups: int, sets: int) -> Iterator[Told]:
    """The same of a linear head: out of fold on its own groups, and on as many new ones."""
    other, other_truth, other_groups = world.features(np.random.default_rng(1), MOST // 4)
    parts = min(5, groups)
    for seed in range(sets):
        rng = np.random.default_rng((seed, groups))
        rows, labels, owner = world.features(rng, groups)
        while len(labels.unique()) < 2:  # nothing to tell apart: refused before training
            rows, labels, owner = world.features(rng, groups)
        folds = [np.flatnonzero(owner % parts == part) for part in range(parts)]
        right, heads = np.zeros(len(labels), bool), []
        for held_out in folds:
            learning = np.setdiff1d(np.arange(len(labels)), held_out)
            heads.append(fit_head(rows[learning], labels[learning], len(CLASSES), STRENGTH))
            right[held_out] = heads[-1].logits(rows[held_out, 0]).argmax(1) == labels[held_out].numpy()
        shares = [(head.logits(other[:, 0]).argmax(1) == other_truth.numpy()).mean() for head in heads]
        everyone = np.ones(len(right), bool)
        yield Told(
            "out of fold", grouped_intervals.share(right, everyone, grouped_intervals.numbered(owner), parts), float(np.mean(shares))
        )
        yield Told(UNGROUPED, out_of_fold(int(right.sum()), len(right), parts), float(np.mean(shares)))
        head = fit_head(rows, labels, len(CLASSES), STRENGTH)
        new, new_truth, new_groups = world.features(rng, groups)
        truth = truths(answered(head.logits(other[:, 0]), other_truth.numpy(), other_groups))
        found = answered(head.logits(new[:, 0]), new_truth.numpy(), new_groups)
        yield from (Told(name, one, truth[name]) for name, one in figures(found, new_groups).items())


def answered(scores: np.ndarray, truth: np.ndarray, groups: np.ndarray) -> Answers:
    """A head's answers beside those of a baseline that always says the first class."""
    return Answers(scores, truth, truth == 0, groups)


def cases() -> dict[str, Callable[[int, int], Iterator[Told]]]:
    """What is drawn, by name."""
    found: dict[str, Callable[[int, int], Iterator[Told]]] = {}
    for accuracy in (0.5, 0.8, 0.95):
        for correlation in (0.0, 0.1, 0.3, 0.6, 1.0):
            draw = drawn_answers(accuracy, correlation)
            found[f"answers {accuracy:.0%}, correlation {correlation}"] = lambda g, n, draw=draw: answers(draw, g, n)
    more = {
        "label per group": drawn_answers(0.8, 0.3, by_group=True),
        "label per group, uneven sizes": drawn_answers(0.8, 0.3, by_group=True, uneven=True),
        "uneven sizes": drawn_answers(0.9, 0.3, uneven=True),
        "hard groups": drawn_answers(0.97, 0.0, hard=0.1),
    }
    found |= {f"answers, {name}": lambda g, n, draw=draw: answers(draw, g, n) for name, draw in more.items()}
    worlds = {
        "nothing to learn, label per group": World(0.0, 2.0, by_group=True),
        "label per group, groups alike": World(2.5, 1.0, by_group=True),
        "label per image, groups alike": World(2.5, 1.0, by_group=False),
        "label per image, independent": World(2.5, 0.0, by_group=False),
    }
    return found | {f"probe, {name}": lambda g, n, world=world: probe(world, g, n) for name, world in worlds.items()}


def main() -> None:
    """Draw, count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--groups", type=int, nargs="+", default=[4, 8, 40])
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    options = parser.parse_args()
    console = Console(width=150)
    for groups in options.groups:
        table = Table("case", *FIGURES, title=f"{groups} groups, {options.sets} sets: % covered of those known (unknown)")
        for name, case in cases().items():
            if options.only in name:
                table.add_row(name, *_cells(list(case(groups, options.sets))))
        console.print(table)


def _cells(told: list[Told]) -> Iterator[str]:
    for figure in FIGURES:
        rows = [one for one in told if one.figure == figure]
        known = [one for one in rows if not one.estimate.unknown]
        unknown = f" ({len(rows) - len(known)}?)" if len(known) < len(rows) else ""
        yield (f"{100 * np.mean([one.covers for one in known]):.1f}" if known else "") + unknown


if __name__ == "__main__":
    main()
