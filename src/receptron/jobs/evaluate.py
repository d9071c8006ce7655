"""`receptron evaluate`: how good a model is on labelled images, with what it was trained on told apart."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from receptron.bundle.model import Model, load
from receptron.bundle.predictor import BATCH, Predictor, Scores
from receptron.bundle.published import PublishedNet, published
from receptron.data.augmentation.prediction_views import check_views
from receptron.data.dataset.scan import scan
from receptron.data.dataset.scan_options import ScanOptions
from receptron.data.deduplication.duplicates import joined
from receptron.data.given_images.images import name_of
from receptron.data.reading.file_bytes import IMAGE_MEMORY, read_bytes, within
from receptron.data.records import Catalog, Item
from receptron.data.splitting.groups import in_groups
from receptron.data.unused import Unused, UnusedColumn
from receptron.errors import BadValue, NoImages, UnknownName, UnreadableImage
from receptron.evaluation import temperature_scaling
from receptron.evaluation.grouped_intervals import numbered, paired_gain
from receptron.evaluation.metrics import evaluate as judge
from receptron.evaluation.records import Answer, Estimate, Evaluation
from receptron.own_net.own_network import is_own
from receptron.progress import Progress, Silent
from receptron.weights.sidecar import Sidecar, check_unsaid
from receptron.wording import counted

SIDES = ("auto", "all", "test", "val", "train")
_LEARNT = {"train", "val"}  # sides of the model's own split that shaped it


@dataclass(frozen=True)
class ViewsGain:
    """What averaging over several views changes on images new to the model, beside the centre alone."""

    count: int  # views of each image
    gain: Estimate  # in accuracy, paired
    mended: int  # images that the centre alone gets wrong, and all views together right
    broken: int
    cost: float  # how many times the time of one view


@dataclass(frozen=True)
class Evaluated:
    """The figures on images new to the model, and apart from them those on images it was trained on.

    Attributes:
        model: The model directory, or the name of a published net.
        path: Where the images lie.
        fresh: Figures on new images (of a published net: on all); None where the model was trained on every image here.
        trained: Figures on images it was trained on, which flatter; None where there is none.
        unknown: Images left out for each label that the model does not know.
        broken: Files that could not be read, and why.
        mistakes: Wrong answers on new images, surest first.
        unused: What lies among the images and is not used, and why.
        unused_columns: Columns of a table that play no role.
        views: What several views of each image gained on new images; None where one was asked for, or all images were trained on.

    Example:
        >>> found = evaluate("digits-model", "digits")
        >>> found.fresh.count, found.trained.count, found.unknown, found.broken
        (359, 1438, {}, {})
    """

    model: Path
    path: Path
    fresh: Evaluation | None
    trained: Evaluation | None
    unknown: dict[str, int]
    broken: dict[str, str]
    mistakes: tuple[Answer, ...]
    unused: tuple[Unused, ...] = ()
    unused_columns: tuple[UnusedColumn, ...] = ()
    views: ViewsGain | None = None


@dataclass(frozen=True)
class _Judged:
    """Images that were read, in one order: what they are, their logits, whether training saw them, and which belong together."""

    items: Sequence[Item]
    logits: np.ndarray
    centre: np.ndarray  # logits of the first view alone
    labels: np.ndarray
    learnt: np.ndarray
    groups: np.ndarray
    noun: str  # what a group is; empty where images come in no groups


def evaluate(
    model: str | Path | Predictor,
    path: str | Path,
    *,
    side: str = "auto",
    options: ScanOptions | None = None,
    batch: int = BATCH,
    device: str = "cpu",
    progress: Progress | None = None,
    image_memory: float = IMAGE_MEMORY,
    views: int = 1,
) -> Evaluated:
    """Every metric of a model on labelled images.

    Images that the model was trained on are known by their bytes and judged apart, whatever they are called. Broken images and labels that
    the model does not know are told. Where images have groups, or are files of the same bytes, these are the unit of every interval.

    Args:
        model: The model directory; or a network that was not trained here, from `bundle.published`.
        path: A folder of class folders, of train/val/test folders, a CSV or Parquet table, or "digits".
        side: Where the images come with sides: "auto" takes their test side, "all" everything, or "train", "val", "test".
        options: How folders, tables and names are meant where that is not certain.
        batch: Images that go through the network at once, at most.
        device: "cpu", "cuda", "mps", ... as torch names them, or "auto".
        progress: Told how far it is; None: nobody.
        image_memory: Megabytes that one image may take while it is decoded.
        views: Views of each image whose probabilities are averaged, 1 to 32; 1 is the centre alone.

    Returns:
        Figures with intervals, and the mistakes.

    Raises:
        NotABundle: If no model directory is there.
        BundleCorrupt: For a file of it that is not as it was written.
        BundleFault: For a format or a net that this version does not know.
        BadValue: If no images are there, for a number of views, a device that is not here, and for a number out of its range.
        UnknownName: For another side, a layout or column that is not there, and where the model knows none of the labels.
        UnclearLayout: For folders that can be read in more than one way.
        NoImages: If there is nothing to evaluate.
        BadTable: For a table with a line that cannot be used.
        UnreadableFolder: For folders that cannot be looked into.
        MissingExtra: For a Parquet table without pyarrow.
        NonFinite: If the network answers NaN or infinity, naming the images.

    Example:
        >>> found = evaluate("digits-model", "digits")
        >>> found.fresh.count + found.trained.count
        1797
    """
    check_views(views)
    loaded = model if isinstance(model, Predictor) else load(model, device, within(image_memory))
    if options and options.channels_axis != "auto":
        loaded.plan = replace(loaded.plan, bands=replace(loaded.plan.bands, axis=options.channels_axis))
    catalog = scan(path, options)
    for note in loaded.notes:
        (progress or Silent()).tell(note)
    items, unknown = _known(_chosen(catalog, side), loaded)
    scores = loaded.scores([item.path for item in items], batch, progress, views)
    judged = _judged(items, scores, loaded, catalog.group_noun)
    if not len(judged.items):
        raise NoImages(f"of {counted(len(items), 'image')} in {path} none can be read.", mend=f"receptron audit {path} tells why")
    return Evaluated(
        model=_named(model),
        path=Path(path),
        fresh=_figures(judged, ~judged.learnt, loaded, loaded.unseen),
        trained=_figures(judged, judged.learnt, loaded, "that the model was trained on"),
        unknown=unknown,
        broken={name_of(items[i].path, i): reason for i, reason in sorted(scores.faults.items())},
        mistakes=_mistakes(judged, loaded),
        unused=catalog.unused,
        unused_columns=catalog.unused_columns,
        views=_views_gain(judged, scores),
    )


def _named(model: str | Path | Predictor) -> Path:
    if isinstance(model, Model) and model.folder:
        return model.folder
    return Path(model.facts.net) if isinstance(model, Predictor) else Path(model)


def subject(
    model: Path, path: Path | None, weights: str | None, facts: Sidecar, device: str, image_memory: float
) -> tuple[Path | Predictor, Path]:
    """What is judged, and on which images: of a model and a path, or of one path with a net or weights in `facts`.

    The model of a network of one's own wants its file, which is the net in `facts`. Raises: BadValue where both or neither are given.
    """
    if is_own(facts.net) and weights is None:
        check_unsaid(facts)
        if path is None:
            raise BadValue(f"{model} is all that was named: a model, or images?", mend=f"receptron evaluate MODEL PATH --net {facts.net}")
        return load(model, device, within(image_memory), facts.net), path
    if facts.net is None and weights is None:
        if path is None:
            raise BadValue(
                f"{model} is all that was named: a model, or images?",
                mend="receptron evaluate MODEL PATH, or for a published net: receptron evaluate PATH --net NAME",
            )
        check_unsaid(facts)
        return model, path
    if path is not None:
        raise BadValue(
            f"{model} and {path} were named, and a net or weights.",
            why="a model directory has a net and weights of its own",
            mend="leave out the model, or --net and --weights",
        )
    return published(facts.net, weights, facts, device, within(image_memory)), model


def _chosen(catalog: Catalog, side: str) -> list[Item]:
    if side not in SIDES:
        raise UnknownName("side", side, SIDES)
    given = {item.split for item in catalog.items}
    wanted = ("test" if "test" in given else "all") if side == "auto" else side
    chosen = [item for item in catalog.items if wanted in ("all", item.split)]
    if not chosen:
        raise NoImages(f"no image of {catalog.root} is on the side {wanted!r}.", mend="leave --side out to take what there is")
    return chosen


def _known(items: Iterable[Item], model: Predictor) -> tuple[list[Item], dict[str, int]]:
    """Images with the names that the model has for their labels, and how many images of each other label there are."""
    items = list(items)
    labels = sorted({item.label for item in items})
    if isinstance(model, PublishedNet):
        model.check_called(labels)
    called = {label: name for label in labels if (name := model.class_called(label)) is not None}
    known = [replace(item, label=called[item.label]) for item in items if item.label in called]
    unknown = Counter(item.label for item in items if item.label not in called)
    if not known:
        raise UnknownName("class of this model", min(unknown), model.classes, mend=f"the model knows: {', '.join(model.classes)}")
    return known, dict(sorted(unknown.items()))


def _judged(items: list[Item], scores: Scores, model: Predictor, noun: str) -> _Judged:
    read = [items[i] for i in scores.read]
    digests = [_digest(item.path) for item in read]
    place = {label: i for i, label in enumerate(model.classes)}
    learnt = {row.sha256 for row in model.split if row.side in _LEARNT}
    return _Judged(
        read,
        scores.logits,
        scores.centre,
        np.array([place[item.label] for item in read], np.int64),
        np.array([digest in learnt for digest in digests], bool),
        _together(read, digests),
        noun if any(item.group is not None for item in read) else "",
    )


def _together(items: Sequence[Item], digests: Sequence[str]) -> np.ndarray:
    """A number for each image, the same for images of one group and for files of the same bytes."""
    first: dict[tuple[str, str], int] = {}
    keys = [
        [("bytes", digest)] + ([("group", item.group)] if item.group is not None else [])
        for item, digest in zip(items, digests, strict=True)
    ]
    return np.array(joined(len(items), [(place, first.setdefault(key, place)) for place, own in enumerate(keys) for key in own]), np.int64)


def _figures(judged: _Judged, chosen: np.ndarray, model: Predictor, what: str) -> Evaluation | None:
    if not chosen.any():
        return None
    groups = judged.groups[chosen]
    source = in_groups(f"{counted(int(chosen.sum()), 'image')} {what}", groups, judged.noun)
    return judge(
        judged.logits[chosen],
        judged.labels[chosen],
        model.classes,
        model.facts.temperature,
        source,
        groups=groups,
        offsets=model.facts.offsets,
    )


def _views_gain(judged: _Judged, scores: Scores) -> ViewsGain | None:
    new = ~judged.learnt
    if len(scores.seconds) == 1 or not new.any():
        return None
    together, alone = (logits[new].argmax(1) == judged.labels[new] for logits in (judged.logits, judged.centre))
    gain = paired_gain(together, alone, numbered(judged.groups[new]))
    cost = sum(scores.seconds) / scores.seconds[0]
    return ViewsGain(len(scores.seconds), gain, int((together & ~alone).sum()), int((alone & ~together).sum()), cost)


def _mistakes(judged: _Judged, model: Predictor) -> tuple[Answer, ...]:
    wrong = np.flatnonzero((judged.logits.argmax(1) != judged.labels) & ~judged.learnt)
    chances = temperature_scaling.probabilities(judged.logits[wrong], model.facts.temperature, model.facts.offsets)
    answers = [_answer(judged.items[int(i)], row, model) for i, row in zip(wrong, chances, strict=True)]
    return tuple(sorted(answers, key=lambda answer: -answer.confidence))


def _answer(item: Item, chances: np.ndarray, model: Predictor) -> Answer:
    answer = model.answer(name_of(item.path, 0), chances)
    return replace(answer, label=item.label)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(read_bytes(path)).hexdigest()
    except UnreadableImage:  # gone since it was read
        return ""
