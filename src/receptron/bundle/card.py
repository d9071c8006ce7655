"""The one JSON of a model directory, as records: what the network is, what it expects, how good it is, where it came from.

Every number and text has its range beside it, held when the card is read; `contradictions` holds the fields against each other.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from msgspec import Meta

from receptron.data.audit.preconditions import MOST_CLASSES
from receptron.data.reading.depth_scale import DepthScale
from receptron.evaluation.records import BaselineComparison, Count, Evaluation, Label, Note
from receptron.weights.inputs import InputSpec

_Digest: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Provenance:
    """Where a model came from, enough to make it again."""

    receptron: Note
    versions: Annotated[dict[Note, Note], Meta(max_length=100)]  # python, torch, numpy, pillow, ...
    command: Annotated[str, Meta(max_length=100_000)]
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    data_sha256: _Digest  # over the sorted digests of all images with their labels
    weights: Annotated[str, Meta(max_length=10_000)]  # reference or file of the pretrained weights, or "none"
    weights_sha256: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")]
    device: Note
    precision: Note
    memory_format: Note
    made: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d(T\S{1,30})?$")]  # ISO 8601, UTC


@dataclass(frozen=True)
class ModelCard:
    """Everything that predict, evaluate and every later use know about a model besides its weights."""

    net: Annotated[str, Meta(min_length=1, max_length=100)]  # name in the zoo
    classes: Annotated[tuple[Label, ...], Meta(min_length=2, max_length=MOST_CLASSES)]
    channels: Annotated[int, Meta(ge=1, le=3)]  # 1 or 3
    input: InputSpec
    temperature: Annotated[float, Meta(ge=0.01, le=100)]
    rung: Note  # what was trained: "linear head", "last stage", "everything", "from scratch"
    parameters: Count
    macs: Count  # per image
    evaluation: Evaluation
    comparisons: Annotated[tuple[BaselineComparison, ...], Meta(max_length=100)]
    provenance: Provenance
    depth: DepthScale | None = None  # what is white in images of more than 8 bits; None in models of before: each image went by itself
    format: Annotated[int, Meta(ge=1, le=1)] = 1
