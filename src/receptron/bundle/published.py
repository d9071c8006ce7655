"""A network of the zoo with published weights, or a file of weights, as one that answers images without having been trained here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from receptron.bundle import imagenet
from receptron.bundle.model import device_called
from receptron.bundle.predictor import Predictor
from receptron.data.reading.depth_scale import NOMINAL, DepthScale
from receptron.data.reading.file_bytes import LIMITS, Limits
from receptron.errors import BadValue, UnknownName
from receptron.evaluation.novelty.rule import NoveltyRule
from receptron.evaluation.records import SetRule
from receptron.weights.inputs import InputSpec
from receptron.weights.published import published_for
from receptron.weights.sidecar import Sidecar
from receptron.weights.source import resolve
from receptron.wording import listed
from receptron.zoo.builder import find
from receptron.zoo.loading import channels_of, load_pretrained

IMAGENET = 1000  # classes
_SHOWN = 10  # names that no class has


@dataclass(frozen=True)
class PublishedFacts:
    """What answering needs to know; the softmax is as the network gives it, uncalibrated."""

    net: str
    classes: tuple[str, ...]
    channels: int
    input: InputSpec
    temperature: float = 1.0
    offsets: None = None
    depth: DepthScale | None = NOMINAL
    mirrored: bool = True  # as the networks of the catalogue were trained
    sets: SetRule | None = None
    novelty: NoveltyRule | None = None


class PublishedNet(Predictor):
    """A network as others trained it. Which images they trained it on is not known here."""

    unseen = "of which it is not known whether the network was trained on them"

    def class_called(self, label: str) -> str | None:
        """The class that a folder is called after: ImageNet's by WordNet id, name or number; others by number."""
        if len(self.classes) == IMAGENET:
            place = imagenet.place_of(label)
        else:
            place = int(label) if label.isascii() and label.isdigit() and int(label) < len(self.classes) else None
        return None if place is None else self.classes[place]

    def check_called(self, labels: Sequence[str]) -> None:
        """Raises: UnknownName for labels that name no class, and BadValue for two that name one."""
        seen = dict[str, str]()
        odd = [label for label in labels if self.class_called(label) is None]
        if odd and len(self.classes) == IMAGENET:
            reasons = tuple(imagenet.why_not(label) for label in odd[:_SHOWN])
            more = (f"and {len(odd) - _SHOWN:,} more",) if len(odd) > _SHOWN else ()
            raise BadValue(
                f"{listed(odd)}: {self.facts.net} has no class for it.",
                why=(*reasons, *more),
                mend="call folders by WordNet id (n02123045), name (tabby) or number (281), and leave others out",
            )
        if odd:
            raise UnknownName(
                f"class of {self.facts.net}", odd[0], self.classes, mend=f"call folders 0 to {len(self.classes) - 1}, as its outputs"
            )
        for label in labels:
            known = self.class_called(label) or ""
            if known in seen:
                raise BadValue(
                    f"{seen[known]!r} and {label!r} both name the class {known}.", mend="put the images of a class in one folder"
                )
            seen[known] = label


def published(
    net: str | None, weights: str | Path | None = None, facts: Sidecar | None = None, device: str = "cpu", limits: Limits = LIMITS
) -> PublishedNet:
    """The network `net` with `weights`: a reference, a file with its sidecar or `facts`, or None for the published ones to prefer.

    Raises: BadValue, UnknownName, WeightsUnavailable, CheckpointMismatch, UnsafeCheckpoint.
    """
    said = (facts or Sidecar()).or_else(Sidecar(net=net))
    if weights is None:
        weights = _preferred(net)
    found = resolve(weights, said)
    find(found.net)
    channels = channels_of(found)
    if channels not in (1, 3):
        raise BadValue(f"{found.reference} takes images of {channels} channels.", why="photos are grey (1) or colour (3)")
    made = load_pretrained(found, None, None, None)
    made_for = PublishedFacts(found.net, _names(made.classes), channels, found.inputs)
    answers = PublishedNet(made_for, made.to(device_called(device)), limits)
    if made.classes == IMAGENET:
        answers.notes.append("The 1,000 classes are taken for ImageNet's, in the order of their WordNet ids, as published nets have them.")
    return answers


def _preferred(net: str | None) -> str:
    if net is None:
        raise BadValue("neither a net nor weights were named.", mend="give --net NAME, --weights FILE, or both")
    find(net)
    rows = published_for(net)
    if not rows:
        raise BadValue(f"no weights are published for {net}.", mend="give a file: --weights FILE")
    return rows[0].reference


def _names(count: int) -> tuple[str, ...]:
    if count != IMAGENET:
        return tuple(map(str, range(count)))
    return tuple(name for _, name in imagenet.classes())
