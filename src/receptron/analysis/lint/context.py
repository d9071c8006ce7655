"""What the rules look at, and what they say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from receptron.analysis.cost.macs import Work, works_of
from receptron.analysis.receptive_field.field import Fields
from receptron.analysis.receptive_field.index_relation import Relation
from receptron.analysis.tape import Call, Tape
from receptron.analysis.tape.views import Convolution
from receptron.wording import listed


@dataclass(frozen=True)
class Advice:
    """One finding of a rule.

    Attributes:
        rule: Name of the rule, one of `receptron.analysis.lint.RULES`.
        layer: Path of the layer it is about.
        evidence: What was seen, with its numbers.
        cure: What would mend it.
        share: What it costs, from 0 to 1, of that which it costs: parameters, multiplications, pixels. Advice is told in its order.

    Example:
        >>> from torch import nn
        >>> from receptron.analysis import advise, record
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
        >>> [advice.layer for advice in advise(Subject(record(net, (3, 32, 32)))) if advice.rule == "bias_before_norm"]
        ['0']
    """

    rule: str
    layer: str
    evidence: str
    cure: str
    share: float = 0.0


@dataclass(frozen=True)
class Transform:
    """Normalisation of input images, per channel, on values from 0 to 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Subject:
    """A recorded network, and what is known of its use: what `advise` is asked about.

    Args:
        tape: The network, recorded in eval mode.
        object_pixels: px of the objects in the images; None: the whole image.
        expected: Normalisation that the weights were trained with; None: not known.
        given: Normalisation that the images get; None: not known.

    Example:
        >>> from torch import nn
        >>> from receptron.analysis import record
        >>> subject = Subject(record(nn.Conv2d(3, 8, 3), (3, 32, 32)), object_pixels=20)
        >>> subject.fields.extents
        (32, 32)
    """

    tape: Tape
    object_pixels: int | None = None
    expected: Transform | None = None
    given: Transform | None = None

    @cached_property
    def fields(self) -> Fields:
        """Receptive fields of every value."""
        return Fields(self.tape)

    @cached_property
    def makers(self) -> dict[int, Call]:
        """The call that gave each value."""
        return {value: call for call in self.tape.forward for value in call.outputs}

    @cached_property
    def works(self) -> dict[int, Work]:
        """Multiply-accumulates of each counted call, by its position."""
        return works_of(self.tape)

    @cached_property
    def macs(self) -> int:
        """Those of all calls; 1 where there are none, so that shares of it are numbers."""
        return max(sum(work.macs for work in self.works.values()), 1)

    @cached_property
    def learnable(self) -> int:
        """Numbers in all parameters, frozen or not; 1 where there are none."""
        return max(sum(p.numel for p in self.tape.parameters if p.learnable), 1)

    @cached_property
    def users(self) -> dict[int, list[Call]]:
        """Calls that read each value."""
        found: dict[int, list[Call]] = {}
        for call in self.tape.forward:
            for value in call.inputs:
                found.setdefault(value, []).append(call)
        return found

    def calls(self, op: str) -> Iterable[tuple[str, Call]]:
        """Calls of an operator in the forward pass.

        Args:
            op: Its ATen name without overload.

        Returns:
            Each with the path of its module.

        Example:
            >>> from torch import nn
            >>> from receptron.analysis import record
            >>> [path for path, _ in Subject(record(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 32, 32))).calls("relu")]
            ['1']
        """
        return ((self.tape.path(call), call) for call in self.tape.forward if call.op == op)

    @cached_property
    def convolutions(self) -> list[tuple[str, Call, Convolution]]:
        """Convolutions with the paths of their modules, and what they are."""
        return [(path, call, Convolution.from_call(self.tape, call)) for path, call in self.calls("convolution")]

    def macs_of(self, call: Call) -> int:
        """Multiply-accumulates of one call.

        Args:
            call: One of the forward pass.

        Returns:
            0 for what multiplies nothing.

        Example:
            >>> from torch import nn
            >>> from receptron.analysis import record
            >>> subject = Subject(record(nn.Conv2d(3, 8, 3), (3, 32, 32)))
            >>> subject.macs_of(subject.tape.calls[0]) == 30 * 30 * 8 * 27
            True
        """
        work = self.works.get(self.position(call))
        return 0 if work is None else work.macs

    def position(self, call: Call) -> int:
        """Where a call stands in the forward pass.

        Args:
            call: One of the forward pass.

        Returns:
            Its number, from 0.

        Example:
            >>> from torch import nn
            >>> from receptron.analysis import record
            >>> subject = Subject(record(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 32, 32)))
            >>> subject.position(subject.tape.calls[1])
            1
        """
        return self._positions[id(call)]

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {id(call): i for i, call in enumerate(self.tape.forward)}

    def local(self, value: int, axis: int = 0) -> Relation | None:
        """What a value reads along its local paths.

        Args:
            value: Its number on the tape.
            axis: Number of the input's spatial axis, from 0.

        Returns:
            None if it has no such path.

        Example:
            >>> from torch import nn
            >>> from receptron.analysis import record
            >>> tape = record(nn.Conv2d(3, 8, 3, stride=2), (3, 32, 32))
            >>> Subject(tape).local(tape.outputs[0]).size
            3
        """
        state = self.fields.state(value, axis)[1]
        return state if isinstance(state, Relation) else None


Rule = Callable[[Subject], Iterable[Advice]]

NAMED = 4
"""Layers that one line names."""


def also(paths: Iterable[str]) -> str:
    """The layers of which the same is to be said, for the end of a sentence.

    Args:
        paths: Those after the one that is told.

    Returns:
        Empty where there are none.

    Example:
        >>> also(["a", "b"])
        '; also at a, b'
    """
    distinct = dict.fromkeys(path or "the network" for path in paths)
    return f"; also at {listed(distinct, NAMED)}" if distinct else ""
