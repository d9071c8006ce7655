"""What training starts from: which network, which weights, which input; decided from what the user said and how large the images are."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Literal, cast

import torch

from receptron.blocks.auxiliary import AuxiliaryClassifier
from receptron.blocks.classifier import Classifier
from receptron.data.augmentation.policy import FittedPolicy, fitted
from receptron.data.bands.band_plan import BandPlan
from receptron.data.reading.decode import decode
from receptron.data.reading.file_bytes import LIMITS, Limits
from receptron.data.records import Catalog, ImageFacts
from receptron.errors import BadValue, ImageTooSmall, UnknownName, UnreadableImage
from receptron.own_net.own_network import OwnNet
from receptron.own_net.trial import try_out
from receptron.progress import Progress
from receptron.training.layers.resolution import check_size, sizes_of
from receptron.training.loop.recipe import Recipe
from receptron.weights import sidecar
from receptron.weights.carried import INSTALL, carried
from receptron.weights.fetch import SILENT
from receptron.weights.inputs import InputSpec
from receptron.weights.pretrained import Pretrained
from receptron.weights.published import only_net_of, published_for
from receptron.weights.source import is_file, resolve
from receptron.wording import counted
from receptron.zoo import ZOO, build
from receptron.zoo.builder import find, shaped
from receptron.zoo.loading import channels_of, load_pretrained

DEFAULT_NET = "mobilenet_v2"  # where no package carries weights: the best figure per second on a laptop's processor among the first nets
SMALL_NET = "cifar_resnet20"  # He et al. 2016, section 4.2: made for 32x32
PLAIN_NET = "resnet18"
SMALL = 64  # px of the shorter side below which ImageNet's weights do not fit the images
TINY, PHOTO = 16, 128  # px: the least and the most that training from scratch works at by default
PEEK = 32  # images looked at to decide, at most


@dataclass(frozen=True)
class Wish:
    """What the user said about network and weights; None: not said."""

    net: str | None = None
    weights: str | Path | None = None  # reference, file, "none", or None for the default
    facts: sidecar.Sidecar = field(default_factory=sidecar.Sidecar)  # what flags say of a weights file
    arguments: str | None = None  # JSON: what a network of one's own is made with
    axis: str = "auto"  # where the bands of an array lie


@dataclass(frozen=True)
class InitialWeights:
    """Where training starts."""

    net: str
    pretrained: Pretrained | None
    spec: InputSpec
    channels: int
    grey: bool
    own: OwnNet | None = None  # where the network is the user's
    float32_only: bool = False  # its code does not bear fewer bits

    @property
    def reference(self) -> str:
        """Of the weights, "none" from scratch."""
        return self.pretrained.reference if self.pretrained else "none"

    def make(self, classes: int) -> Classifier:
        """A network with its weights, pretrained or fresh."""
        if self.own:
            state = self.pretrained.state() if self.pretrained else None
            return self.own.classifier(classes, (self.channels, self.spec.pixels), state)
        if self.pretrained is None:
            return build(self.net, classes=classes, channels=self.channels, pixels=self.spec.pixels)
        return load_pretrained(self.pretrained, classes, self.channels, self.spec.pixels)  # a new class layer goes without saying here

    def sized(self, recipe: Recipe) -> "InitialWeights":
        """The same, fed with images of the last size that the recipe trains at. Raises: BadValue, ImageTooSmall."""
        last = recipe.finish_pixels or recipe.pixels
        made = replace(self, spec=replace(self.spec, pixels=last)) if last else self
        for side in sizes_of(made.spec.pixels, recipe):
            if self.own:
                try_out(self.own, 2, self.channels, side)
            else:
                check_size(self.net, self.channels, made.spec.pixels, side)
        return made

    def policy(self, augment: str) -> FittedPolicy:
        """The policy of that name, without what does not suit the images."""
        return fitted(augment, self.spec.pixels, self.channels, grey=self.grey, bands=bool(self.spec.bands))

    def precision(self, asked: str) -> str:
        """The number format that was asked for, where the network bears it."""
        return "float32" if self.float32_only else asked

    def maker(self, classes: int) -> Callable[[], Classifier]:
        """`make` for a fixed number of classes."""
        return lambda: self.make(classes)


@dataclass(frozen=True)
class Look:
    """What a few images say of all: px of the shorter side, and whether they are grey."""

    shorter: int
    grey: bool
    bands: int = 0  # of images of bands in their own units; 0 for photos
    longer: int = 0
    axis: str = "auto"  # where the bands of an array lie


def look_at(catalog: Catalog, limits: Limits, axis: str = "auto") -> Look:
    """A few images, spread over the catalog, looked at."""
    seen = _peek(catalog, limits, axis)
    bands = max((facts.bands for facts in seen), default=0)
    if bands:
        sides = [int(median(side(facts.width, facts.height) for facts in seen)) for side in (min, max)]
        return Look(sides[0], bands == 1, bands, sides[1], axis)
    shorter = int(median(min(facts.width, facts.height) for facts in seen)) if seen else SMALL
    return Look(shorter, bool(seen) and all(facts.grey for facts in seen))


def choose_initial_weights(catalog: Catalog, wish: Wish, limits: Limits = LIMITS, progress: Progress = SILENT) -> InitialWeights:
    """Small images and `weights="none"` start from scratch, everything else from pretrained weights.

    Raises: WeightsUnavailable (offline) naming the ways on; UnknownName; ImageTooSmall; BadValue.
    """
    if wish.net is not None:
        find(wish.net)
    if wish.weights in ("none", None):
        sidecar.check_unsaid(wish.facts)
    look = look_at(catalog, limits, wish.axis)
    if look.bands and wish.weights is None:
        progress.tell(
            f"Learnt from scratch: no weights were trained on {counted(look.bands, 'band')}; --weights NAME spreads a photo net's."
        )
    if wish.weights == "none" or (look.bands and wish.weights is None) or (wish.weights is None and look.shorter < SMALL):
        return from_scratch(wish.net, look)
    return from_weights(_pretrained(wish, progress), look)


def from_weights(pretrained: Pretrained, look: Look) -> InitialWeights:
    """Training from `pretrained`. Raises: UnknownName, BadValue, CheckpointMismatch, UnsafeCheckpoint."""
    if pretrained.net not in ZOO:
        written = sidecar.sidecar_of(pretrained.path)
        raise UnknownName(
            f"net of {pretrained.path.name}", pretrained.net, ZOO, mend=f"correct net in {written}: `receptron zoo` lists them"
        )
    if look.bands:
        spec = band_spec(look.bands, pretrained.inputs.pixels, look.axis)
        return InitialWeights(pretrained.net, pretrained, spec, look.bands, look.grey)
    return InitialWeights(pretrained.net, pretrained, pretrained.inputs, _channels(pretrained), look.grey)


def _channels(weights: Pretrained) -> int:
    """Channels that `weights` were trained on: they are fed as they were. Raises: BadValue where photos have not as many."""
    channels = channels_of(weights)
    if channels not in (1, 3):
        raise BadValue(
            f"{weights.reference} takes images of {channels} channels.", why="photos are grey (1) or colour (3)", mend="give other weights"
        )
    return channels


def from_scratch(net: str | None, look: Look) -> InitialWeights:
    """Training from fresh weights, at the size of the images; None: a net that suits it."""
    shorter = max(look.shorter, look.longer)  # images of bands are squeezed whole
    net = net or (SMALL_NET if shorter < SMALL else PLAIN_NET)
    least = ZOO[net].least if net in ZOO else 1
    pixels = _enough_to_learn(net, max(least, min(max(shorter, TINY), PHOTO)))
    if look.bands:
        return InitialWeights(net, None, band_spec(look.bands, pixels, look.axis), look.bands, look.grey)
    crop = 1.0 if pixels < SMALL else 0.875
    return InitialWeights(net, None, InputSpec(pixels, (0.5,), (0.25,), "bilinear", crop), 1 if look.grey else 3, look.grey)


def band_spec(bands: int, pixels: int, axis: str) -> InputSpec:
    """The input of a network for images of `bands`; the statistics come when the sides are known."""
    where = cast(Literal["auto", "first", "last"], axis)
    return InputSpec(pixels, (0.0,) * bands, (1.0,) * bands, "bilinear", 1.0, bands, where)


def _enough_to_learn(name: str, pixels: int) -> int:
    """`pixels`, or the size that the net was published for where its auxiliary heads, which work while it learns, need more."""
    net = shaped(name, None, None, None).train()
    try:
        if isinstance(net, AuxiliaryClassifier):
            net(torch.empty(2, ZOO[name].channels, pixels, pixels, device="meta"))
    except ImageTooSmall:
        return ZOO[name].pixels
    return pixels


def _pretrained(wish: Wish, progress: Progress) -> Pretrained:
    facts = wish.facts.or_else(sidecar.Sidecar(net=wish.net))
    if wish.net is not None and facts.net != wish.net:
        raise BadValue(f"two nets were asked for: {wish.net}, and {facts.net} by the facts of its weights.", mend="name one of them")
    if wish.weights is not None:
        if not is_file(wish.weights):
            facts = facts.or_else(sidecar.Sidecar(net=only_net_of(str(wish.weights)) or DEFAULT_NET))
        return resolve(wish.weights, facts, progress)
    if wish.net is None and (here := carried()):
        return resolve(here[0].reference, sidecar.Sidecar(net=here[0].net), progress)
    if wish.net is None:
        progress.tell(f"Starting from {DEFAULT_NET}, downloaded once; for better weights without a download {INSTALL}")
    net = wish.net or DEFAULT_NET
    rows = published_for(net)
    if not rows and net in ZOO:
        raise BadValue(
            f"no weights are published for {net}.", mend=f"train it from scratch with --weights none, or give a file: --weights {net}.pt"
        )
    return resolve(rows[0].reference if rows else "torchvision/IMAGENET1K_V1", sidecar.Sidecar(net=net), progress)


def _peek(catalog: Catalog, limits: Limits, axis: str) -> list[ImageFacts]:
    """Facts of a few images spread over the catalog."""
    found: list[ImageFacts] = []
    for item in catalog.items[:: -(-len(catalog.items) // PEEK) or 1]:
        try:
            found.append(decode(item.path, limits, shortest=SMALL, bands=BandPlan(axis=axis))[1])
        except UnreadableImage:
            continue
    return found
