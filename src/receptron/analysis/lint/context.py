"""What the rules look at, and what they say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from receptron.analysis.receptive_field.field import Fields
from receptron.analysis.receptive_field.index_relation import Relation
from receptron.analysis.tape import Call, Tape
from receptron.analysis.tape.views import Convolution


@dataclass(frozen=True)
class Advice:
    """One finding: the rule, the layer it is about, what was seen (with its numbers) and what would mend it."""

    rule: str
    layer: str
    evidence: str
    cure: str


@dataclass(frozen=True)
class Transform:
    """Normalisation of input images, per channel, on values from 0 to 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Subject:
    """A recorded network, and what is known of its use: the object's size in pixels, how its weights and the images are normalised."""

    tape: Tape
    object_pixels: int | None = None
    expected: Transform | None = None
    given: Transform | None = None

    @cached_property
    def fields(self) -> Fields:
        """Receptive fields of every value."""
        return Fields(self.tape)

    @cached_property
    def users(self) -> dict[int, list[Call]]:
        """Calls that read each value."""
        found: dict[int, list[Call]] = {}
        for call in self.tape.forward:
            for value in call.inputs:
                found.setdefault(value, []).append(call)
        return found

    def calls(self, op: str) -> Iterable[tuple[str, Call]]:
        """Calls of an operator with the paths of their modules."""
        return ((self.tape.path(call), call) for call in self.tape.forward if call.op == op)

    @cached_property
    def convolutions(self) -> list[tuple[str, Call, Convolution]]:
        """Convolutions with the paths of their modules, and what they are."""
        return [(path, call, Convolution.from_call(self.tape, call)) for path, call in self.calls("convolution")]

    def local(self, value: int, axis: int = 0) -> Relation | None:
        """What a value reads along its local paths, None if it has none."""
        state = self.fields.state(value, axis)[1]
        return state if isinstance(state, Relation) else None


Rule = Callable[[Subject], Iterable[Advice]]
