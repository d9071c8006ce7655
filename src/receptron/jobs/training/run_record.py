"""What a run leaves to know of it: the record of everything that was found out, and how the network was made."""

import os
import platform
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

from receptron import atomic_write
from receptron.bundle.card import ModelCard, Provenance
from receptron.evaluation.records import Answer
from receptron.jobs.training.fit import FitOptions, FittedNetwork
from receptron.jobs.training.initial_weights import InitialWeights
from receptron.jobs.training.judging import Judgement
from receptron.jobs.training.labels.suspect_labels import suspect_labels
from receptron.jobs.training.run_directory import RunDirectory
from receptron.jobs.training.sided_images import SidedImages
from receptron.training.records import Run, Stage

SAMPLES = 6  # images per class shown in the report


def run_record(
    place: RunDirectory,
    card: ModelCard,
    judged: Judgement,
    sided: SidedImages,
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
        suspects=suspect_labels(learnt, root, sided.decided), input_check=learnt.input_check, judged=judged.images,
        corrections=sided.corrections, balance=learnt.balance, searches=learnt.searches,
    )  # fmt: skip


def _samples(sided: SidedImages) -> dict[str, tuple[str, ...]]:
    """A few training files per class, spread over the class."""
    by_class: dict[str, list[str]] = {}
    for place in sided.split.train:
        item = sided.reading.entries[place].item
        by_class.setdefault(item.label, []).append(os.path.relpath(item.path, sided.catalog.root))
    return {label: tuple(files[:: max(1, len(files) // SAMPLES)][:SAMPLES]) for label, files in sorted(by_class.items())}


def weights_digest(start: InitialWeights) -> str:
    """Digest of the weights file that training starts from; empty from scratch."""
    return atomic_write.sha256(start.pretrained.path) if start.pretrained else ""


def start_digest(start: InitialWeights) -> str:
    """Digest of everything that training starts from: the weights file, and the user's own network."""
    return " ".join(filter(None, (weights_digest(start), start.own.record.digest if start.own else "")))


def provenance(sided: SidedImages, learnt: FittedNetwork, start: InitialWeights, fit_options: FitOptions, command: str) -> Provenance:
    """How the network was made, for the card."""
    engine = learnt.outcome.engine
    packages = ("torch", "numpy", "pillow", "scikit-learn", "safetensors")
    return Provenance(
        receptron=version("receptron"),
        versions={"python": platform.python_version(), **{name: version(name) for name in packages}},
        command=command,
        seed=fit_options.seed,
        data_sha256=sided.sha256,
        weights=start.reference,
        weights_sha256=weights_digest(start),
        device=fit_options.device,
        precision=engine.precision,
        memory_format=engine.layout,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )
