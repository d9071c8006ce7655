"""Receptive fields of chains, with strides, dilation and pooling."""

from dataclasses import dataclass
from random import Random

from receptron.arithmetic import Conv, Pool, field_size
from receptron.arithmetic.derivation import whole
from receptron.arithmetic.layers import Window, axis, stride_of
from receptron.arithmetic.sizes import describe
from receptron.tutor.problem import Expected, Task, Template, Wrong, mistakes

SKILL = "receptive-field"


@dataclass(frozen=True)
class FieldChain:
    """Layers whose field is asked for."""

    layers: tuple[Window, ...]

    def field(self, *, jump: bool = True, own_stride: bool = False, dilation: bool = True, pools: bool = True, first: int = 1) -> int:
        """The recursion, with one of its parts left out or done wrong."""
        size, step = first, 1
        for layer in self.layers:
            if isinstance(layer, Pool) and not pools:
                continue
            if own_stride:
                step *= axis(stride_of(layer), 0)
            size += (axis(layer.kernel, 0) - 1) * (axis(layer.dilation, 0) if dilation else 1) * (step if jump else 1)
            if not own_stride:
                step *= axis(stride_of(layer), 0)
        return size

    @property
    def strides(self) -> str:
        """The strides in order."""
        return ", ".join(str(axis(stride_of(layer), 0)) for layer in self.layers)


WRONGS = (
    Wrong[FieldChain](
        "jump ignored",
        lambda g: g.field(jump=False),
        lambda g: f"The strides are {g.strides}: after the first stride above 1 neighbouring inputs lie several pixels apart.",
    ),
    Wrong[FieldChain](
        "the layer's own stride counted",
        lambda g: g.field(own_stride=True),
        lambda g: "A layer's taps lie as far apart as its inputs do. Its own stride spreads its outputs, and so only later layers.",
    ),
    Wrong[FieldChain](
        "dilation ignored",
        lambda g: g.field(dilation=False),
        lambda g: "The taps of a dilated kernel lie apart: K taps span D(K - 1) steps.",
    ),
    Wrong[FieldChain](
        "pooling left out",
        lambda g: g.field(pools=False),
        lambda g: "A pooling window reads pixels like any other window, and its stride spreads all that follows.",
    ),
    Wrong[FieldChain](
        "started from 0 instead of 1",
        lambda g: g.field(first=0),
        lambda g: "Without any layer an output sees one pixel: itself.",
    ),
    Wrong[FieldChain](
        "kernels added up",
        lambda g: sum(axis(layer.kernel, 0) for layer in g.layers),
        lambda g: "Neighbouring windows overlap: each layer adds K - 1 steps, not K.",
    ),
)
HINTS = (
    "Start from one pixel. Each layer adds the steps between its taps; how far apart in the image are they?",
    "r_l = r_{l-1} + (k_l - 1) × D_l × j_{l-1}, where j_{l-1} is the product of the strides before layer l.",
)


def chain(random: Random, difficulty: int) -> Task:
    """Convolutions with strides."""
    layers = [Conv(random.choice((3, 3, 5, 7)), random.randint(1, 2)) for _ in range(2 + difficulty)]
    return asked(tuple(layers))


def dilated(random: Random, difficulty: int) -> Task:
    """Convolutions with dilation."""
    layers = [
        Conv(random.choice((3, 3, 5)), random.randint(1, min(2, difficulty)), 0, random.choice((1, 2, 4, 8))) for _ in range(1 + difficulty)
    ]
    return asked(tuple(layers))


def pooled(random: Random, difficulty: int) -> Task:
    """Convolutions with pooling between them."""
    layers: list[Window] = []
    for _ in range(difficulty + 1):
        layers += [Conv(random.choice((3, 3, 5)))] * random.randint(1, 2)
        layers.append(Pool(random.choice((2, 3)), 2))
    return asked((*layers, Conv(3)))


def asked(layers: tuple[Window, ...]) -> Task:
    """The question and its answer."""
    given = FieldChain(layers)
    text = (
        f"An image goes through: {', '.join(map(describe, layers))} (kernel, s = stride, d = dilation). "
        "How many pixels wide is the receptive field of one output?"
    )
    derivation = field_size(layers)
    right = (whole(derivation),)
    return Task(text, given, Expected(right, "px"), HINTS, (derivation,), mistakes(WRONGS, given, right))


TEMPLATES = (
    Template("field.chain", SKILL, "receptive field with strides", chain),
    Template("field.dilated", SKILL, "receptive field with dilation", dilated),
    Template("field.pooled", SKILL, "receptive field after pooling", pooled),
)
