"""The one JSON of a model directory, as records: what the network is, what it expects, how good it is, where it came from.

Every number and text has its range beside it, held when the card is read; `contradictions` holds the fields against each other.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from msgspec import Meta

from receptron.bundle.ensembles.kept import EnsembleCard
from receptron.data.audit.preconditions import MOST_CLASSES
from receptron.data.reading.depth_scale import DepthScale
from receptron.evaluation.novelty.rule import NoveltyFigures, NoveltyRule
from receptron.evaluation.records import BaselineComparison, Count, Evaluation, Label, Note, SetFigures, SetRule
from receptron.own_net.record import OwnNetRecord
from receptron.weights.inputs import MOST_BANDS, InputSpec

_Offset: TypeAlias = Annotated[float, Meta(ge=-30, le=30)]
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
    synthetic: Count = 0  # generated images that were learnt from besides
    synthetic_sha256: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")] = ""  # over those that were given, used or not


@dataclass(frozen=True)
class ModelCard:
    """Everything that predict, evaluate and every later use know about a model besides its weights.

    Attributes:
        net: Name in the zoo, or file and class of a network of the user's own.
        classes: Class names in the order of the network's outputs.
        channels: Channels that the network takes: 1 or 3, or as many as images have bands.
        input: How an image becomes the network's input: size in px, crop, mean, standard deviation.
        temperature: What logits are divided by before the softmax.
        rung: What was trained: "linear head", "last stage", "everything", "from scratch".
        parameters: Numbers that can be learnt.
        macs: Multiply-accumulates for one image; None for a network of the user's own that cannot be recorded.
        evaluation: Every metric on the test images, or by cross-validation.
        comparisons: The network against baselines, on the same images.
        provenance: Where the model came from, enough to make it again.
        depth: What is white in images of more than 8 bits; None in models of before: each image went by itself.
        mirrored: Whether training showed mirror images, so that views at prediction may be some as well.
        sets: Which classes are in an image's set at a stated coverage; None in models of before.
        set_figures: What the sets came to on the test images; None where there were none.
        novelty: From which scores on an image is of none of the classes; None where that cannot be told.
        novelty_figures: How many test images are called so; None where there were none, or it cannot be told.
        novelty_unknown: Why it cannot be told; None in models of before too.
        ensemble: How several networks answer together; None where one answers alone.
        offsets: What to add to scaled logits for probabilities by the data's own shares of the classes, which training had balanced; the
            answer is the class of the highest logit as it is. None where classes count by their images.
        head: "linear", or "hidden:256" with a layer of so many units before the class layer.
        own: By what the file of a network of the user's own is known again; None for a net of the zoo. Nothing of it is ever run unasked.
        format: Version of this record.

    Example:
        >>> from receptron import load
        >>> card = load("digits-model").card
        >>> card.net, len(card.classes), card.input.pixels, card.rung
        ('lenet5', 10, 16, 'from scratch')
    """

    net: Annotated[str, Meta(min_length=1, max_length=500)]
    classes: Annotated[tuple[Label, ...], Meta(min_length=2, max_length=MOST_CLASSES)]
    channels: Annotated[int, Meta(ge=1, le=MOST_BANDS)]
    input: InputSpec
    temperature: Annotated[float, Meta(ge=0.01, le=100)]
    rung: Note
    parameters: Count
    macs: Count | None
    evaluation: Evaluation
    comparisons: Annotated[tuple[BaselineComparison, ...], Meta(max_length=100)]
    provenance: Provenance
    depth: DepthScale | None = None
    mirrored: bool = False
    sets: SetRule | None = None
    set_figures: SetFigures | None = None
    novelty: NoveltyRule | None = None
    novelty_figures: NoveltyFigures | None = None
    novelty_unknown: Note | None = None
    ensemble: EnsembleCard | None = None
    offsets: Annotated[tuple[_Offset, ...], Meta(max_length=MOST_CLASSES)] | None = None
    head: Annotated[str, Meta(pattern="^(linear|hidden:[1-9][0-9]{0,4})$")] = "linear"
    own: OwnNetRecord | None = None
    format: Annotated[int, Meta(ge=1, le=1)] = 1
