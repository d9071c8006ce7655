"""From the tape to what a drawing shows: which value is which, and who reads it. What only copies or makes is no node."""

from receptron.analysis.form import JOINED, role_of
from receptron.analysis.tape import Call, Tape

_SAME = frozenset({
    "to", "_to_copy", "clone", "copy", "detach", "alias", "contiguous", "lift_fresh", "lift_fresh_copy", "expand", "expand_as",
    "resolve_conj", "resolve_neg", "native_dropout",
})  # fmt: skip
"""Operators after which the numbers are what they were."""
NEVER = -1


class Flow:
    """The values of a forward pass that depend on its input, each under one number, whatever copies of it are called."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self._same: dict[int, int] = {}
        self.made: dict[int, int] = dict.fromkeys(tape.inputs, NEVER)  # by which call; what does not depend on the input is left out
        self.last_read: dict[int, int] = {}
        self.nodes: list[tuple[int, ...]] = [()] * len(tape.forward)  # what a call takes; nothing where it is no node
        for i, call in enumerate(tape.forward):
            self._follow(i, call)
        for value in tape.outputs:
            self.last_read[self.value(value)] = len(tape.forward)

    def value(self, number: int) -> int:
        """The number that a value goes by."""
        return self._same.get(number, number)

    def alive(self, call: Call) -> tuple[int, ...]:
        """What of the values that a call reads depends on the input, in order and as often as it is read."""
        read = call.inputs[1:] if call.op == "copy" else call.inputs
        return tuple(value for value in map(self.value, read) if value in self.made)

    def gives(self, first: int, last: int) -> tuple[int, ...]:
        """Values made by the calls from `first` to before `last` that are read afterwards."""
        made = (self.value(v) for call in self.tape.forward[first:last] for v in call.outputs)
        return tuple(dict.fromkeys(v for v in made if first <= self.made.get(v, NEVER) and self.last_read.get(v, NEVER) >= last))

    def takes(self, first: int, last: int) -> tuple[int, ...]:
        """Values that these calls read and did not make: once each, or as often as they are read where there is one node."""
        told = [i for i in range(first, last) if self.nodes[i]]
        if len(told) == 1:
            return self.nodes[told[0]]
        return tuple(dict.fromkeys(v for i in told for v in self.nodes[i] if self.made[v] < first))

    def _follow(self, i: int, call: Call) -> None:
        taken = self.alive(call)
        if not taken:
            return
        if self._keeps(call, taken):
            for out in call.outputs:
                if out not in self.made:
                    self._same[out] = taken[0]
            return
        self.nodes[i] = taken
        for value in taken:
            self.last_read[value] = i
        for out in call.outputs:
            self.made.setdefault(out, i)

    def _keeps(self, call: Call, taken: tuple[int, ...]) -> bool:
        """Whether what comes out is what went in."""
        if call.op == "overwritten":
            return len(set(taken)) < 2
        shapes = {self.tape.values[v].shape for v in (*call.inputs[:1], *call.outputs)}
        return call.op in _SAME or (call.op in ("view", "_unsafe_view", "reshape") and len(shapes) == 1) or not call.outputs


def is_join(call: Call, taken: tuple[int, ...]) -> bool:
    """Whether a call brings several tensors together."""
    return call.op in JOINED or (len(taken) > 1 and role_of(call) in ("activation", "product", "other"))
