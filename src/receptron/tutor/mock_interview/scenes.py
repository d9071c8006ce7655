"""Scenes of a mock interview: themes whose questions get harder and change what was assumed."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from receptron.arithmetic import Conv, chain_sizes, field_size
from receptron.arithmetic.derivation import Derivation, solve, whole
from receptron.arithmetic.expression import symbols
from receptron.errors import UnknownName
from receptron.tutor.problem import Expected, Task, mistakes
from receptron.tutor.question_bank import find as question
from receptron.tutor.question_bank.question import Question
from receptron.tutor.templates import problem as drawn
from receptron.tutor.templates.networks import skip_connections
from receptron.tutor.templates.sizes import output_sizes, windows
from receptron.tutor.templates.sizes.receptive_field import HINTS as FIELD_HINTS
from receptron.tutor.templates.sizes.receptive_field import WRONGS as FIELD_WRONGS
from receptron.tutor.templates.sizes.receptive_field import FieldChain


@dataclass(frozen=True)
class Turn:
    """One question: a task with a number, or an open question. `bridge` says what changed; `level` 1 opens a theme."""

    bridge: str
    level: int
    task: Task | None = None
    question: Question | None = None

    @property
    def text(self) -> str:
        """What the interviewer says."""
        asked = self.task.text if self.task else self.question.prompt if self.question else ""
        return f"{self.bridge} {asked}".strip()


@dataclass(frozen=True)
class Theme:
    """Turns that build on each other; after a wrong answer the harder ones are not reached."""

    name: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class Scene:
    """A whole interview."""

    name: str
    title: str
    minutes: int
    themes: Callable[[Random], tuple[Theme, ...]]


LAYER = Conv(3, 2, 1)
N, F = symbols("N f")


def _whiteboard(random: Random) -> tuple[Theme, ...]:
    """At the whiteboard: a 6x6 map, fifty layers, and why a ResNet."""
    return _map(), _stack(), _residual()


def _map() -> Theme:
    first = windows.Along(LAYER, 6), windows.FLOOR, windows.HINTS
    holes = windows.Along(Conv(3, 2, 1, 2), 6), windows.DILATION, windows.HINTS
    return Theme(
        "output size",
        (
            Turn("I draw a 6x6 map.", 1, windows.along("A 3x3 convolution with stride 2 and padding 1: how wide is the output?", *first)),
            Turn("Now the kernel is dilated.", 2, windows.along("Same layer with dilation 2: how wide is the output?", *holes)),
            Turn("Back to the first layer.", 3, _after(4)),
        ),
    )


def _stack() -> Theme:
    plain = _stacked(Conv(3, 1, 1), "Stack 50 layers of 3x3 with stride 1: how wide is the receptive field?")
    strided = _stacked(LAYER, "What is the field of 50 layers 3x3 with stride 2 (write an expression such as 2**9 if you like)?")
    return Theme(
        "receptive field",
        (
            Turn("Forget the stride for a moment.", 1, plain),
            Turn("I said 50 of these layers, and these have stride 2.", 2, strided),
            Turn("Your detector misses large objects.", 3, question=question("large-objects")),
        ),
    )


def _residual() -> Theme:
    return Theme(
        "residual networks",
        (
            Turn("Why a ResNet instead of a plain stack?", 1, question=question("residual-block")),
            Turn("Show me the numbers.", 2, _slopes(50, 0.1, skip=False)),
            Turn("With shortcuts.", 2, _slopes(50, 0.1, skip=True)),
            Turn("You said that it cannot vanish. Suppose every branch learnt to undo its input.", 3, _slopes(50, -1.0, skip=True)),
            Turn("", 3, question=question("better-optimiser")),
        ),
    )


def _after(layers: int) -> Task:
    derivation = chain_sizes([LAYER] * layers, 6)
    last = derivation.value[-1] if isinstance(derivation.value, tuple) else derivation.value
    given = output_sizes.SizeChain((LAYER,) * layers, 6)
    text = f"Put {layers} of them in a row: how wide is the last map?"
    return Task(text, given, Expected((last,), "px"), windows.HINTS, (derivation,), mistakes(output_sizes.CHAIN, given, (last,)))


def _stacked(layer: Conv, text: str) -> Task:
    chain = (layer,) * 50
    derivation = field_size(chain)
    last = derivation.steps[-1]
    short = Derivation(derivation.quantity, derivation.value, "px", (derivation.steps[0], derivation.steps[1], last), derivation.source)
    right = (whole(derivation),)
    return Task(text, FieldChain(chain), Expected(right, "px"), FIELD_HINTS, (short,), mistakes(FIELD_WRONGS, FieldChain(chain), right))


def _slopes(count: int, slope: float, *, skip: bool) -> Task:
    given = skip_connections.ScalarBlocks(count, slope, skip)
    form = "y = F(x) + x" if skip else "y = F(x)"
    text = f"{count} blocks on one number, each {form} with slope F' = {slope:g}. What gradient reaches the first, if it is 1 at the last?"
    step = solve("gradient", (1 + F if skip else F) ** N, {"f": slope, "N": count})
    derivation = Derivation("gradient", step.value, "", (step,), skip_connections.RESNET)
    hints = ("What does one block multiply by?", "dL/dx = dL/dy × dy/dx, once per block.")
    return Task(
        text, given, Expected((step.value,), tolerance=0.02), hints, (derivation,), mistakes(skip_connections.CHAIN, given, (step.value,))
    )


def _ladder(name: str, steps: tuple[tuple[str, str], ...], closing: str) -> Callable[[Random], Theme]:
    """A theme of fresh problems, each harder than the one before, closed by an open question."""

    def theme(random: Random) -> Theme:
        turns = [
            Turn(bridge, min(level, 3), drawn(template, min(level, 3), random.randrange(2**31)).task)
            for level, (template, bridge) in enumerate(steps, 1)
        ]
        return Theme(name, (*turns, Turn("", 3, question=question(closing))))

    return theme


THEMES = (
    _ladder(
        "sizes",
        (("size.floor", ""), ("size.dilated", "Now the kernel has holes."), ("size.transposed", "And upwards.")),
        "stride-and-padding",
    ),
    _ladder(
        "counting",
        (("parameters.conv", ""), ("parameters.norm", "Every convolution gets a batch norm."), ("cost.flops", "And the work.")),
        "counting-parameters",
    ),
    _ladder(
        "sight",
        (("field.chain", ""), ("field.pooled", "With pooling between."), ("field.dilated", "With dilation instead.")),
        "large-objects",
    ),
    _ladder(
        "thrift",
        (("separable.cost", ""), ("separable.saving", "What did it save?"), ("pointwise.saving", "Another way to save.")),
        "depthwise-separable",
    ),
    _ladder(
        "depth",
        (("gradient.paths", ""), ("gradient.chain", "Put numbers in."), ("bottleneck.factor", "Deep nets use bottlenecks.")),
        "prove-the-gradient",
    ),
    _ladder(
        "transfer",
        (("transfer.frozen", ""), ("transfer.strategy", "Now choose."), ("transfer.strategy", "The data change.")),
        "transfer-scenario",
    ),
)


def _mixed(random: Random) -> tuple[Theme, ...]:
    """Three themes by lot."""
    return tuple(theme(random) for theme in random.sample(THEMES, 3))


SCENES = {
    scene.name: scene
    for scene in (
        Scene("whiteboard", "On site: a 6x6 map on the whiteboard, fifty layers, and why a ResNet", 30, _whiteboard),
        Scene("mixed", "Three themes by lot, each getting harder", 35, _mixed),
    )
}


def find(name: str) -> Scene:
    """The scene called `name`. Raises: UnknownName."""
    if name not in SCENES:
        raise UnknownName("scene", name, SCENES)
    return SCENES[name]
