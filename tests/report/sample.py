"""Runs to draw: one rich and lifelike, and the awkward ones. Every number follows from simulated answers, none is typed in."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.stats import binomtest

from receptron.bundle.card import ModelCard, Provenance
from receptron.data.records import Audit, Finding, SideCount, SplitSummary
from receptron.evaluation.records import Answer, BaselineComparison, Bin, ClassScore, Estimate, Evaluation, SuspectLabel, SuspectLabels
from receptron.training.records import EpochRecord, PhaseName, Run, RungRecord, Stage, Trial
from receptron.weights.inputs import InputSpec

FLOWERS = ("daisy", "dandelion", "roses", "sunflowers", "tulips")
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', 'it\'s & "both"', "{{ 7 * 7 }}", "%s </style>")
RIGHT_TO_LEFT = ("\u05d7\u05ea\u05d5\u05dc", "\u0643\u0644\u0628 \u0635\u063a\u064a\u0631", "\u05e1\u05d5\u05e1", "bird")


@dataclass(frozen=True)
class Wish:
    """What the simulated run should be like."""

    classes: tuple[str, ...] = FLOWERS
    tested: int = 300
    skill: float = 4.2  # how far the right class stands out; about 0.9 accuracy at 4.2 of 5 classes
    folds: bool = False  # no test side
    baseline: float = 0.81
    leaks: int = 0
    findings: bool = True
    seed: int = 7


@dataclass(frozen=True)
class Answers:
    """Simulated answers: probabilities of every image, its truth, its file."""

    labels: tuple[str, ...]
    truth: np.ndarray
    logits: np.ndarray
    files: tuple[str, ...] = field(default=())


def wilson(hits: int, count: int) -> Estimate:
    found = binomtest(hits, count).proportion_ci(0.95, "wilson") if count else None
    return Estimate(hits / count if count else 0.0, found.low if found else 0.0, found.high if found else 1.0, count, "Wilson")


def around(value: float, half: float, count: int, method: str = "bootstrap of 2,000 resamples", low: float = 0.0) -> Estimate:
    return Estimate(value, max(value - half, low), min(value + half, 1.0), count, method)


def answers(wish: Wish, files: tuple[str, ...] = ()) -> Answers:
    rng = np.random.default_rng(wish.seed)
    k = len(wish.classes)
    truth = rng.integers(0, k, wish.tested)
    logits = rng.normal(0, 1.4, (wish.tested, k))
    logits[np.arange(wish.tested), truth] += rng.normal(wish.skill, 1.2, wish.tested)
    logits[:, min(2, k - 1)] += 0.9 * (truth == k - 1)  # the third class and the last look alike
    names = files or tuple(f"{wish.classes[t]}/photo_{i:04d}.jpg" for i, t in enumerate(truth))
    return Answers(wish.classes, truth, logits * 2.8, names)


def probabilities(found: Answers, temperature: float) -> np.ndarray:
    scaled = found.logits / temperature
    shifted = np.exp(scaled - scaled.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def fitted(found: Answers) -> float:
    """The temperature of least cross-entropy on a grid."""
    rows = np.arange(len(found.truth))
    return float(min(np.arange(0.5, 6, 0.05), key=lambda t: -np.log(probabilities(found, t)[rows, found.truth] + 1e-12).mean()))


def bins(found: Answers, temperature: float) -> tuple[tuple[Bin, ...], float]:
    chances = probabilities(found, temperature)
    sure, right = chances.max(1), chances.argmax(1) == found.truth
    made: list[Bin] = []
    for low in np.arange(10) / 10:
        inside = (sure >= low) & (sure < low + 0.1 + 1e-9 * (low > 0.85))
        n = int(inside.sum())
        made.append(
            Bin(float(low), float(low + 0.1), n, float(sure[inside].mean()) if n else 0.0, float(right[inside].mean()) if n else 0.0)
        )
    return tuple(made), float(sum(b.count * abs(b.confidence - b.accuracy) for b in made) / len(sure))


def evaluation(found: Answers, temperature: float, source: str) -> Evaluation:
    k, said = len(found.labels), found.logits.argmax(1)
    matrix = np.zeros((k, k), dtype=int)
    np.add.at(matrix, (found.truth, said), 1)
    hits, n = int(np.trace(matrix)), len(said)
    scores = tuple(score(label, matrix, i) for i, label in enumerate(found.labels))
    (before, raw), (after, scaled) = bins(found, 1.0), bins(found, temperature)
    balanced = float(np.mean([s.recall.value for s in scores]))
    return Evaluation(
        n, source, wilson(hits, n), around(balanced, 0.031, n), scores, tuple(tuple(int(v) for v in row) for row in matrix),
        around(raw, 0.018, n), around(scaled, 0.013, n), before, after,
    )  # fmt: skip


def score(label: str, matrix: np.ndarray, i: int) -> ClassScore:
    hits, support, said = int(matrix[i, i]), int(matrix[i].sum()), int(matrix[:, i].sum())
    f1 = 2 * hits / (support + said) if support + said else 0.0
    return ClassScore(label, support, wilson(hits, said), wilson(hits, support), around(f1, 0.05, support))


def listed(found: Answers, temperature: float) -> tuple[tuple[Answer, ...], tuple[Answer, ...]]:
    chances = probabilities(found, temperature)
    every = [
        Answer(path, found.labels[row.argmax()], float(row.max()), dict(zip(found.labels, map(float, row), strict=True)), found.labels[t])
        for path, row, t in zip(found.files, chances, found.truth, strict=True)
    ]
    wrong = sorted((a for a in every if a.label != a.predicted), key=lambda a: -a.confidence)
    return tuple(wrong[:24]), tuple(sorted((a for a in every if a.label == a.predicted), key=lambda a: a.confidence)[:24])


DECISIONS = {
    "threads": 2,
    "engine of features": [
        {"stage": "features", "precision": "float32", "memory_format": "channels last", "images_per_second": 88.0, "chosen": False},
        {"stage": "features", "precision": "bfloat16", "memory_format": "channels last", "images_per_second": 412.0, "chosen": True},
    ],
    "views": 4,
    "time for last stage, fold 1": "",
}


def ladder(wish: Wish, n: int) -> tuple[RungRecord, ...]:
    base, linear, last = wish.baseline, 1 - 0.7 * (1 - wish.baseline), 1 - 0.4 * (1 - wish.baseline)
    cv = "5-fold, Wilson"
    return (
        RungRecord("majority class", around(1 / len(wish.classes), 0.02, n, cv), None, 0.0, False,
              "What guessing the largest class reaches."),
        RungRecord("nearest neighbour", around(base, 0.021, n, cv),
              around(base - 1 / len(wish.classes), 0.03, n, "paired bootstrap"), 1.3, True,
             "Its gain is more than chance."),
        RungRecord("linear head", around(linear, 0.019, n, cv), around(linear - base, 0.017, n, "paired bootstrap", -1), 31.2, True,
             "Its gain over the nearest neighbour is more than chance; regularisation C = 0.3 was best in cross-validation."),
        RungRecord("last stage", around(last, 0.014, n, cv), around(last - linear, 0.013, n, "paired bootstrap", -1), 171.8, True,
             "Its gain over the linear head is more than chance."),
        RungRecord("everything", None, None, 0.0, False, "An estimated 7 min 40 s would go over the time limit of 5 min.", True),
    )  # fmt: skip


def points(folds: int = 5, epochs: int = 12) -> tuple[EpochRecord, ...]:
    rng = np.random.default_rng(3)
    made: list[EpochRecord] = []
    for f in range(folds + 1):
        phase = PhaseName("last stage", f if f < folds else None)
        for e in range(1, epochs + 1):  # as shown; the record counts from 0
            loss = 0.12 + 1.25 * np.exp(-e / 2.4) + rng.normal(0, 0.025)
            seen = float(0.93 - 0.22 * np.exp(-e / 2.2) + rng.normal(0, 0.008)) if f < folds else None
            rate = float(0.003 * (1 + np.cos(np.pi * e / epochs)) / 2 + 1e-6)
            made.append(EpochRecord(phase, e - 1, float(loss), seen, rate, 402.0 + f))
    return tuple(made)


def findings(files: tuple[str, ...]) -> tuple[Finding, ...]:
    return (
        Finding("grey among colour", "note", "4 images are grey among 1,796 in colour.",
                "Keep them if such photos will be asked about too.", files[8:12]),
        Finding("near duplicates across sides", "error", "7 images of the test side have a near duplicate in training.",
                "They were kept out of the honest figure; remove one of each pair.", files[:14]),
        Finding("truncated", "warning", "2 images end before their pixels do.", "Copy them again from the camera, or remove them.",
                ("roses/IMG_2231.jpg", "tulips/IMG_0007.jpg")),
        Finding("near duplicates within a class", "warning", "31 images have a near duplicate in their own class.",
                "Nothing to do: they stay on one side. Fewer would train as well.", tuple(files[i % len(files)] for i in range(70))),
    )  # fmt: skip


def suspects(found: Answers) -> SuspectLabels:
    """Every thirtieth image, as if its label were the next class's."""
    k = len(found.labels)
    images = tuple(
        SuspectLabel(found.files[i], found.labels[(found.truth[i] + 1) % k], 0.004 * n, 0.8, found.labels[found.truth[i]], 0.9 - 0.01 * n)
        for n, i in enumerate(range(0, len(found.files), 30))
    )
    return SuspectLabels(images, 1500, "linear head")


def run(root: Path, files: tuple[str, ...] = (), wish: Wish = Wish()) -> Run:
    """A whole record; `files` are real images under `root`, one per tested image, if there are any."""
    found = answers(wish, files)
    classes, temperature = wish.classes, fitted(found)
    tested = f"5-fold cross-validation on {wish.tested} images" if wish.folds else f"{wish.tested} test images"
    measured = evaluation(found, temperature, tested)
    wrong, doubtful = listed(found, temperature)
    n, accuracy = measured.count, measured.accuracy.value
    per = {label: tuple(f for f, t in zip(found.files, found.truth, strict=True) if t == i) for i, label in enumerate(classes)}
    better = accuracy - wish.baseline > 0.03
    compared = (
        BaselineComparison("majority class", wilson(round(n / len(classes)), n), 
                   around(accuracy - 1 / len(classes), 0.05, n, "paired bootstrap"), True),
        BaselineComparison("nearest neighbour", wilson(round(wish.baseline * n), n),
                   Estimate(accuracy - wish.baseline, accuracy - wish.baseline - 0.03,
                   accuracy - wish.baseline + 0.03, n, "paired bootstrap"), better),
    )  # fmt: skip
    provenance = Provenance(
        "0.1.0", {"python": "3.11.2", "torch": "2.13.0", "numpy": "2.3.4", "pillow": "12.0.0"},
        "receptron train flowers --weights mobilenet_v2_tf.pt --net mobilenet_v2 --time 5m --seed 7 --out flowers-model", 7,
        "9f2c" * 16, "mobilenet_v2_tf.pt", "51ab" * 16, "cpu, 2 cores", "bf16", "channels_last", "2026-11-22T00:03:00+00:00",
    )  # fmt: skip
    card = ModelCard(
        "mobilenet_v2", classes, 3, InputSpec(224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), temperature, "last stage", 2_230_277, 300_774_272,
        measured, compared, provenance,
    )  # fmt: skip
    given = evaluation(answers(replace(wish, seed=11, skill=wish.skill + 1.5)), temperature, "as given") if wish.leaks else None
    method = "k-fold" if wish.folds else "given" if wish.leaks else "content hash"
    sides = tuple(
        SideCount(c, 0 if wish.folds else 300 - 7 * i, len(per[c]), 2 if i == 1 and not wish.folds else 0) for i, c in enumerate(classes)
    )
    if wish.folds:
        sides = tuple(SideCount(c, len(per[c]), 0) for c in classes)
    return Run(
        Path("flowers-model"), Path("flowers-model/report.html"), card,
        Audit(root, "split folders", 1800, 2, {c: 360 - 5 * i for i, c in enumerate(classes)},
              findings(found.files) if wish.findings else (), 6.4),
        SplitSummary(method, 0.2, sides, 38, wish.leaks, 0),
        ladder(wish, 1500), "the time limit of 5 min would be passed by training everything.", points(),
        (Trial("last stage", "fp32", "contiguous", 61.0, False),
         Trial("last stage", "fp32", "channels_last", 88.0, False), Trial("last stage", "bf16", "channels_last", 412.0, True)),
        (Stage("audit", 6.4), Stage("features", 98.0), Stage("cross-validation", 121.0), Stage("training", 51.5), Stage("evaluation", 4.1)),
        wrong, doubtful, given, {c: per[c][:8] for c in classes}, DECISIONS,
        {"--time": "5m", "--seed": "7", "--test-size": "0.2", "--weights": "mobilenet_v2_tf.pt",
         "--device": "auto", "--allow-broken": "no"}, 283.2, suspects=suspects(found),
    )  # fmt: skip


def painted(path: str) -> bytes | None:
    """An image made from its own name, unlike any other; nothing for a name with "IMG_" in it."""
    if "IMG_" in path:
        return None
    rng = np.random.default_rng(list(path.encode()))
    image = Image.new("RGB", (224, 168), tuple(int(v) for v in rng.integers(30, 120, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y, r = (int(v) for v in rng.integers((0, 0, 8), (224, 168, 50)))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(int(v) for v in rng.integers(60, 255, 3)))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88)
    return file.getvalue()


def flowers(shared: Path) -> tuple[Path, tuple[str, ...]]:
    """The real photos, one for each simulated answer and of its class."""
    root = shared / "data/flowers"
    of = [sorted((root / "val" / c).glob("*.jpg")) + sorted((root / "train" / c).glob("*.jpg")) for c in FLOWERS]
    used = [0] * len(FLOWERS)
    chosen: list[str] = []
    for t in answers(Wish()).truth:
        chosen.append(str(of[t][used[t]].relative_to(root)))
        used[t] += 1
    return root, tuple(chosen)


@cache
def awkward() -> dict[str, tuple[Run, Callable[[str], bytes | None]]]:
    """The records that break pages, by what is odd about them."""
    root = Path("photos")
    long = tuple(f"a_very_long_class_name_that_somebody_exported_from_a_database_{i}" for i in range(4))
    perfect = run(root, wish=Wish(skill=14, findings=False))
    cases = {
        "two classes": run(root, wish=Wish(("cracked", "sound"), tested=40, baseline=0.88)),
        "forty classes": run(root, wish=Wish(tuple(f"species {i:02d}" for i in range(40)), tested=1200, skill=5.4, baseline=0.6)),
        "long names": run(root, wish=Wish(long)),
        "no test side": run(root, wish=Wish(folds=True, tested=98)),
        "leaks": run(root, wish=Wish(leaks=7)),
        "no mistakes": replace(perfect, mistakes=()),
        "right to left": run(root, wish=Wish(RIGHT_TO_LEFT)),
        "hostile": run(Path('<b>"root"'), wish=Wish(HOSTILE)),
        "bare": replace(perfect, mistakes=(), doubtful=(), curves=(), trials=(), stages=(), samples={}, ladder=(), settings={},
                        card=replace(perfect.card, comparisons=())),
    }  # fmt: skip
    drawn = {name: (one, painted) for name, one in cases.items()}
    return drawn | {"broken images": (cases["leaks"], lambda path: b"not an image")}
