"""Classifier heads: flattening against global average pooling."""

from dataclasses import dataclass
from random import Random

from receptron.arithmetic import global_pooling
from receptron.tutor.problem import Expected, Task, Template, Wrong, mistakes

ASKED = {
    "pooled": "How many parameters has the classifier if global average pooling comes before it?",
    "flattened": "How many parameters has the classifier if the map is flattened instead of pooled?",
    "saved": "How many parameters does global average pooling save against flattening the map?",
}


@dataclass(frozen=True)
class ClassifierHead:
    """A last map and the classes, with one linear layer (bias included) between."""

    channels: int
    pixels: int
    classes: int
    asked: str

    def layer(self, inputs: int) -> int:
        """Parameters of the linear layer."""
        return inputs * self.classes + self.classes

    @property
    def flat(self) -> int:
        """Numbers in the map."""
        return self.channels * self.pixels**2


WRONGS = (
    Wrong[ClassifierHead](
        "bias forgotten",
        lambda g: {"pooled": g.channels * g.classes, "flattened": g.flat * g.classes}.get(g.asked),
        lambda g: f"Each of the {g.classes} classes has a bias.",
    ),
    Wrong[ClassifierHead](
        "flattened although pooled",
        lambda g: g.layer(g.flat) if g.asked == "pooled" else None,
        lambda g: f"Pooling leaves one number per channel: {g.channels} inputs, not {g.flat:,}.",
    ),
    Wrong[ClassifierHead](
        "pooled although flattened",
        lambda g: g.layer(g.channels) if g.asked == "flattened" else None,
        lambda g: f"Flattening keeps all {g.flat:,} numbers of the map.",
    ),
    Wrong[ClassifierHead](
        "pooling counted as if it had weights",
        lambda g: g.layer(g.channels) + g.flat if g.asked == "pooled" else None,
        lambda g: "A mean has nothing to learn.",
    ),
    Wrong[ClassifierHead](
        "one side counted instead of both",
        lambda g: {"flattened": g.layer(g.channels * g.pixels), "saved": g.channels * (g.pixels - 1) * g.classes}.get(g.asked),
        lambda g: f"The map is {g.pixels} high and {g.pixels} wide.",
    ),
    Wrong[ClassifierHead](
        "the flattened layer itself taken for the saving",
        lambda g: g.layer(g.flat) if g.asked == "saved" else None,
        lambda g: f"A layer remains after pooling, with {g.layer(g.channels):,} parameters.",
    ),
)


def head(random: Random, difficulty: int) -> Task:
    """Parameters of a head, pooled or flattened."""
    given = ClassifierHead(
        random.choice((256, 512, 1024, 1280, 2048)), random.choice((4, 6, 7, 8, 10)), random.choice((4, 10, 100, 365, 1000)),
        ("pooled", "flattened", "saved")[difficulty - 1],
    )  # fmt: skip
    text = (
        f"A network's last map is {given.pixels}x{given.pixels}x{given.channels}; "
        f"one linear layer with bias gives {given.classes} classes. "
        f"{ASKED[given.asked]}"
    )
    derivation = global_pooling(given.channels, given.pixels, given.classes)
    values = {step.target: int(step.value) for step in derivation.steps if step.target != "ratio"}
    right = (values["flattened"] - values["pooled"] if given.asked == "saved" else values[given.asked],)
    hints = ("How many numbers reach the linear layer?", "inputs × classes + classes; pooling leaves C inputs, flattening C × H × W.")
    because = f"saved: {values['flattened']:,} - {values['pooled']:,} = {right[0]:,}" if given.asked == "saved" else ""
    expected = Expected(right, "parameters", tolerance=0.01)
    return Task(text, given, expected, hints, (derivation,), mistakes(WRONGS, given, right), because)


TEMPLATES = (Template("head.pooling", "pooling", "fully connected against global average pooling", head),)
