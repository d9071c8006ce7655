"""The main job: images in, a network that can be trusted out. Audit, split, fit, judge once on the test side, save, report."""

import hashlib
import os
import platform
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from math import inf
from pathlib import Path
from time import monotonic

from receptron import atomic_write, report
from receptron.analysis.cost import cost
from receptron.bundle import store
from receptron.bundle.card import ModelCard, Provenance
from receptron.bundle.model import Model
from receptron.cache_dir import cache
from receptron.data.audit import audit as rules
from receptron.data.audit.preconditions import check_broken, check_classes
from receptron.data.dataset.scan import scan
from receptron.data.deduplication.duplicates import find_duplicates
from receptron.data.ingest import Ingested, read
from receptron.data.reading.file_bytes import within
from receptron.data.records import Audit, Catalog
from receptron.data.splitting.few_groups import check_groups
from receptron.data.splitting.split import Split, split
from receptron.errors import StorageFault
from receptron.evaluation import temperature_scaling
from receptron.evaluation.metrics import evaluate
from receptron.evaluation.records import Answer
from receptron.given_path import check_given
from receptron.jobs.earlier_run import EarlierRun, read_earlier_run
from receptron.jobs.fit import FitOptions, FittedNetwork, fit_network, images_at
from receptron.jobs.initial_weights import InitialWeights, Wish, choose_initial_weights
from receptron.jobs.options import Extras, check_every, check_kind, check_precision, check_seed, seconds
from receptron.jobs.run_directory import Begun, RunDirectory, choose_folder, claimed, fingerprint, now, resuming
from receptron.jobs.suspect_labels import suspect_labels
from receptron.jobs.test_evaluation import TestEvaluation, evaluate_on_test, evaluate_out_of_fold
from receptron.progress import Progress
from receptron.records import to_json
from receptron.training.callbacks import tensorboard
from receptron.training.callbacks.signals import StopSignals
from receptron.training.checkpointing.decision_log import READING, SPENT, THREADS, DecisionLog
from receptron.training.checkpointing.time_budget import TimeBudget
from receptron.training.context import RunEnvironment
from receptron.training.hardware.device import find_device
from receptron.training.hardware.threads import threads
from receptron.training.records import Run, Stage

_DEFAULTS: dict[str, object] = {"time": "10m", "seed": 0, "device": "auto", "test_size": 0.2}
SAMPLES = 6  # images per class shown in the report


class Stopwatch:
    """Seconds of each part of the run."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []

    @contextmanager
    def stage(self, name: str, whole: Callable[[], float] | None = None) -> Generator[None]:
        """Time what happens inside; `whole` tells the seconds of all sittings, where that is known."""
        began = monotonic()
        yield
        self.stages.append(Stage(name, whole() if whole else monotonic() - began))

    def go_on(self, name: str, decisions: DecisionLog) -> None:
        """Add to the stage that has just ended what earlier sittings took for it, and write the sum down for later ones."""
        *others, last = self.stages
        self.stages = [*others, Stage(name, decisions.note(name, last.seconds + (decisions.recall(name, float) or 0.0)))]


@dataclass(frozen=True)
class _Sided:
    """The images, read and placed."""

    catalog: Catalog
    reading: Ingested
    audit: Audit
    split: Split


def train(
    path: str | Path,
    out: str | Path | None = None,
    net: str | None = None,
    weights: str | Path | None = None,
    time: str | float = "10m",
    seed: int = 0,
    device: str = "auto",
    test_size: float = 0.2,
    extras: Extras | None = None,
) -> Run:
    """Train or adapt a network on labelled images, and write model and report. The run is reproducible from `seed` on one machine.

    Args:
        path: A folder of class folders, of train/val/test folders, a CSV or Parquet table, or "digits".
        out: Folder to write into; None: NAME-model, or NAME-model-2 and so on where that is taken. Nothing there is replaced unless
            `extras` say so.
        net: Name in the zoo; None: one that suits the size of the images.
        weights: A published reference such as "torchvision/IMAGENET1K_V2", a local file, or "none" to start from scratch; None: small
            images start from scratch, others from the net's first published weights.
        time: How long the ladder may climb: "90s", "10m", "1h" or seconds.
        seed: Whole number that all chance comes from, 0 to 2**63 - 1.
        device: "cpu", "cuda", "mps", ... as torch names them, or "auto" for the best that is here.
        test_size: Share of the images kept for the test, below 1; 0 judges by cross-validation instead.
        extras: What few need.

    Returns:
        Everything that was found out; what is written is told by `model` and `report`.

    Raises:
        BadValue: If nothing is there, for what is no time, seed, device or share, and for fewer groups than sides and folds need.
        UnknownName: For a net, reference, precision or layout that is not there.
        UnclearLayout: For folders that can be read in more than one way.
        WouldReplace: If something lies in `out`, and `extras` do not say that it may go.
        MissingExtra: For a Parquet table without pyarrow, and curves without tensorboard.
        TooLittleTime: If the backbone cannot see every image once in that time.
        NoImages: If there is nothing to train on.
        UnreadableFolder: For folders that cannot be looked into.
        BrokenImages: If over 1 % of the images cannot be read, and `extras` do not allow it.
        BadTable: For a table with a line that cannot be used.
        DataFault: For images of one class only.
        WeightsUnavailable: For weights that are neither here nor to be fetched.
        CheckpointMismatch: For weights of another net.
        UnsafeCheckpoint: For a file of weights that holds more than plain tensors.
        StorageFault: For a folder that cannot be written to.
        InUse: If another process trains into the same folder.
        NonFinite: If the loss or an answer becomes NaN or infinite.
        SystemExit: With code 143 after a SIGTERM.

    Example:
        >>> run = train("digits", net="lenet5", time="2s", out="lenet-model")
        >>> run.model.as_posix(), run.card.rung, run.card.evaluation.count
        ('lenet-model/model', 'from scratch', 359)
    """
    _check_kinds(net, weights, device, test_size, extras)
    extras, watchmaker = extras or Extras(), Stopwatch()
    asked = {"path": path, "net": net, "weights": weights, "time": time, "seed": seed, "device": device, "test_size": test_size}
    command = extras.command or _call(asked, extras)
    budget, where = seconds(time), find_device(device)
    check_precision(extras.precision)
    check_seed(seed)
    check_every(extras.every)
    within(extras.image_memory)
    path = check_given(path)
    catalog = scan(path, extras.layout)
    like = read_earlier_run(check_given(extras.like)) if extras.like else None
    folder = choose_folder(path, out, resume=extras.resume)
    with claimed(folder, resume=extras.resume, overwrite=extras.overwrite, broken_off=lambda learnt: _tell_go_on(extras, learnt)) as place:
        extras.progress.tell(f"Writing to {folder}")
        log = tensorboard.logger(check_given(extras.tensorboard)) if extras.tensorboard else None
        activations = _cache_folder(extras.cache)
        start = choose_initial_weights(catalog, Wish(net, weights, extras.facts), extras.progress)
        with watchmaker.stage(READING):
            sided = _sides(catalog, start, like.sides if like else {}, test_size, seed, extras)
        settings = {"path": path, "net": start.net, "weights": start.pretrained.reference if start.pretrained else "none"}
        settings |= {"time": time, "seed": seed, "device": where, "precision": extras.precision, "test size": test_size}
        settings |= {"layout": extras.layout} if extras.layout != "auto" else {}
        if like:
            _tell_likeness(like, settings, sided, extras.progress)
        digest = fingerprint(settings, _data_digest(sided), start.spec, _weights_digest(start))
        fit_options = FitOptions(seed, where, extras.precision, has_test=bool(sided.split.test))
        with StopSignals(extras.progress.tell) as signals, threads(like.threads if like else None) as computing:
            place.begin(Begun(digest, str(Path(path).resolve()), extras.command, now()), resume=extras.resume)
            decisions = DecisionLog(place.decisions, like.run.decisions if like else {})
            decisions.note(THREADS, computing)
            watchmaker.go_on(READING, decisions)
            clock = TimeBudget(inf if like else budget, decisions.recall(SPENT, float) or 0.0)
            with watchmaker.stage("learning", lambda: clock.spent):
                environment = RunEnvironment(place.work, activations, clock, decisions, signals, extras.progress, extras.every, log)
                learnt = fit_network(sided.reading, sided.split, start, fit_options, environment)
                signals.leave_if_told()
                cut_short = signals.stop
            with watchmaker.stage("judging"):
                card, judged = _judge(sided, learnt, start, extras, _provenance(sided, learnt, start, fit_options, command))
                signals.leave_if_told()
            with watchmaker.stage("saving"):
                store.save(place.model, card, learnt.net.state_dict(), _placed(sided))
                run = _run(place, card, judged, sided, learnt, watchmaker.stages, settings)
                run = replace(run, decisions=decisions.timed, interrupted=cut_short)
                atomic_write.write_file(place.record, to_json(run))
                report.write(run)
        if not run.interrupted:
            place.forget()
    return run


def _check_kinds(net: object, weights: object, device: object, test_size: object, extras: object) -> None:
    """Raises: BadValue for an argument of a type that cannot be meant."""
    check_kind("net", net, str, type(None))
    check_kind("weights", weights, str, Path, type(None))
    check_kind("device", device, str)
    check_kind("test_size", test_size, int, float)
    check_kind("extras", extras, Extras, type(None))


def _tell_likeness(like: EarlierRun, settings: Mapping[str, object], sided: _Sided, progress: Progress) -> None:
    """What is taken over from another run, and what will differ."""
    progress.tell(f"Like {like.run.report.parent}: its decisions, {like.threads} threads and sides; --time does not count.")
    different = like.departures({name: str(value) for name, value in settings.items()}, _data_digest(sided))
    if different:
        progress.tell(f"Not the same network as there: {'; '.join(different)}.")


def _tell_go_on(extras: Extras, learnt: bool) -> None:
    """What to type, or to call, to go on with a run that broke off."""
    if not learnt:
        extras.progress.tell("Nothing was learnt yet: the same command starts again.")
        return
    how = resuming(extras.command) if extras.command else "the same call with Extras(resume=True)"
    extras.progress.tell(f"What was learnt so far is kept. To go on: {how}")


def _cache_folder(wanted: Path | None) -> Path:
    """Where activations are kept. Raises: StorageFault if the user named a folder that cannot be written to."""
    if wanted is None:
        return cache("features")
    folder = check_given(wanted).absolute()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        why = f"{nearest} is a file" if not nearest.is_dir() else f"not allowed to write to {nearest}"
        raise StorageFault(f"--cache {wanted} cannot be used.", why=why, mend="name a folder of yours, or leave it out")
    return folder


def _sides(catalog: Catalog, start: InitialWeights, earlier: Mapping[str, str], test_size: float, seed: int, extras: Extras) -> _Sided:
    began = monotonic()
    reading = read(catalog, start.spec.resize, start.spec.interpolation, extras.progress, limits=within(extras.image_memory))
    check_broken(reading.entries, allow_broken=extras.allow_broken)
    check_classes(reading.entries)
    clusters = find_duplicates(reading)
    sides = split(reading.entries, clusters, test_size=test_size, seed=seed, placed=earlier)
    sides = replace(sides, summary=replace(sides.summary, group_noun=catalog.group_noun))
    check_groups(sides.summary)
    return _Sided(catalog, reading, rules.audit(catalog, reading, clusters, monotonic() - began), sides)


def _judge(
    sided: _Sided, learnt: FittedNetwork, start: InitialWeights, extras: Extras, provenance: Provenance
) -> tuple[ModelCard, TestEvaluation]:
    """The card with its figures. The test side is touched here, once, through the network as it will be saved."""
    needs = cost(learnt.net.cpu().eval(), (start.channels, start.spec.pixels, start.spec.pixels))
    classes = learnt.context.classes
    logits, truth, groups = learnt.outcome.logits, learnt.truth, learnt.context.groups_of(learnt.outcome.rows)
    temperature = temperature_scaling.sure_temperature(logits, truth, groups)
    folded = evaluate(logits, truth, classes, temperature, f"{len(truth):,} training images, out of fold", groups=groups)
    card = ModelCard(
        net=start.net, classes=classes, channels=start.channels, input=start.spec, temperature=temperature, rung=learnt.outcome.rung,
        parameters=needs.parameters, macs=needs.macs, evaluation=folded, comparisons=(), provenance=provenance,
        depth=sided.reading.depth,
    )  # fmt: skip
    model = Model(card, learnt.net)
    known = tuple(place for place in sided.split.test if sided.reading.entries[place].item.label in classes)
    test = images_at(sided.reading, sided.split, known, classes)
    judged = evaluate_on_test(model, learnt, test, _leaked(sided), extras.progress) if len(test) else evaluate_out_of_fold(model, learnt)
    return replace(card, evaluation=judged.evaluation, comparisons=judged.comparisons), judged


def _leaked(sided: _Sided) -> frozenset[str]:
    """Digests of test images with a twin, or an image of their group, in training."""
    train, test = set(sided.split.train), set(sided.split.test)
    mixed = [unit.places for unit in sided.split.units if train & set(unit.places) and test & set(unit.places)]
    return frozenset(sided.reading.entries[place].sha256 for places in mixed for place in places if place in test)


def _run(
    place: RunDirectory,
    card: ModelCard,
    judged: TestEvaluation,
    sided: _Sided,
    learnt: FittedNetwork,
    stages: list[Stage],
    settings: Mapping[str, object],
) -> Run:
    """The record of the whole run; files are told relative to the root of the images."""
    root = sided.catalog.root

    def shown(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
        return tuple(replace(answer, path=os.path.relpath(answer.path, root)) for answer in answers)

    return Run(
        model=place.model, report=place.report, card=card, audit=sided.audit, split=sided.split.summary, ladder=learnt.rungs,
        stopped=learnt.outcome.stopped, curves=learnt.outcome.points, trials=learnt.trials, stages=tuple(stages), decisions={},
        mistakes=shown(judged.mistakes), doubtful=shown(judged.doubtful), given=judged.given, samples=_samples(sided),
        settings={name: str(value) for name, value in settings.items()}, seconds=sum(stage.seconds for stage in stages),
        suspects=suspect_labels(learnt, root), input_check=learnt.input_check,
    )  # fmt: skip


def _samples(sided: _Sided) -> dict[str, tuple[str, ...]]:
    """A few training files per class, spread over the class."""
    by_class: dict[str, list[str]] = {}
    for place in sided.split.train:
        item = sided.reading.entries[place].item
        by_class.setdefault(item.label, []).append(os.path.relpath(item.path, sided.catalog.root))
    return {label: tuple(files[:: max(1, len(files) // SAMPLES)][:SAMPLES]) for label, files in sorted(by_class.items())}


def _placed(sided: _Sided) -> Iterator[store.Placed]:
    """Every image's side, for the bundle to remember."""
    for side, places in (("train", sided.split.train), ("test", sided.split.test), ("set aside", sided.split.set_aside)):
        for place in places:
            entry = sided.reading.entries[place]
            yield store.Placed(entry.sha256, os.path.relpath(entry.item.path, sided.catalog.root), side, entry.item.label)


def _data_digest(sided: _Sided) -> str:
    """Digest over all images that are used, with label and side."""
    rows = sorted((row.sha256, row.label, row.side) for row in _placed(sided))
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def _weights_digest(start: InitialWeights) -> str:
    return atomic_write.sha256(start.pretrained.path) if start.pretrained else ""


def _call(given: Mapping[str, object], extras: Extras) -> str:
    """The call from Python that makes this run; what was left at its default is left out."""
    plain = {name: value for name, value in given.items() if value != _DEFAULTS.get(name) and name != "path"}
    rare = {
        name: getattr(extras, name)
        for name in ("precision", "allow_broken", "image_memory")
        if getattr(extras, name) != getattr(Extras(), name)
    }
    parts = [repr(str(given["path"])), *(f"{name}={_shown(value)}" for name, value in plain.items())]
    if rare:
        parts.append(f"extras=receptron.Extras({', '.join(f'{name}={value!r}' for name, value in rare.items())})")
    return f"receptron.train({', '.join(parts)})"


def _shown(value: object) -> str:
    return repr(str(value) if isinstance(value, Path) else value)


def _provenance(sided: _Sided, learnt: FittedNetwork, start: InitialWeights, fit_options: FitOptions, command: str) -> Provenance:
    engine = learnt.outcome.engine
    packages = ("torch", "numpy", "pillow", "scikit-learn", "safetensors")
    return Provenance(
        receptron=version("receptron"),
        versions={"python": platform.python_version(), **{name: version(name) for name in packages}},
        command=command,
        seed=fit_options.seed,
        data_sha256=_data_digest(sided),
        weights=start.pretrained.reference if start.pretrained else "none",
        weights_sha256=_weights_digest(start),
        device=fit_options.device,
        precision=engine.precision,
        memory_format=engine.layout,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )
