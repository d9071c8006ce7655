"""Looks for changes after which a network runs: each is made to a copy, which is then recorded."""

from contextlib import ExitStack
from heapq import heappop, heappush

from torch import nn

from receptron.analysis.diagnose.breaks import Break
from receptron.analysis.diagnose.changes import Change, Together
from receptron.analysis.diagnose.repairs import candidates
from receptron.analysis.recording import Network, Unrecordable, record
from receptron.analysis.recording.copying.meta_copy import on_meta
from receptron.analysis.tape import Tape
from receptron.analysis.tape.inputs import Inputs
from receptron.errors import ReceptronError

MOST_TRIED, MOST_CHANGES, MOST_FOUND = 48, 8, 4
"""Recordings, changes that belong together, and ways that are told."""

Changes = tuple[Change, ...]


def mended(broken: Break, inputs: Inputs) -> list[Changes]:
    """The ways with the fewest changes; none if nothing that was tried helps.

    Ways that came furthest are followed first, after every single change was tried.
    """
    waiting: list[tuple[int, int, int, Changes, Break]] = [(0, 0, 0, (), broken)]
    found: list[Changes] = []
    tried = 0
    while waiting and tried < MOST_TRIED and len(found) < MOST_FOUND:
        _, _, _, before, at = heappop(waiting)
        if len(before) >= (len(found[0]) if found else MOST_CHANGES):
            continue
        for change in candidates(at):
            tried += 1
            after = _made(at.net, change)
            if after is None:
                continue
            further = _run(after, inputs, (*before, change))
            if isinstance(further, Tape):
                found.append((*before, change))
            elif _advanced(at, further):
                heappush(waiting, (min(len(before), 1), -len(further.tape.calls), tried, (*before, change), further))
    fewest = min(map(_settings, found), default=0)
    return [changes for changes in found if _settings(changes) == fewest]


def _settings(changes: Changes) -> int:
    return sum(len(change.parts) if isinstance(change, Together) else 1 for change in changes)


def _made(net: nn.Module, change: Change) -> nn.Module | None:
    """A copy with the change; None for one that torch does not let be made."""
    copied = on_meta(net).net
    try:
        change.apply(copied)
    except (RuntimeError, ValueError, TypeError, AttributeError, AssertionError, ReceptronError):
        return None
    return copied


def _run(net: nn.Module, inputs: Inputs, changes: Changes) -> Tape | Break:
    with ExitStack() as stack:
        for change in changes:
            stack.enter_context(change.around())
        try:
            return record(net, inputs)
        except Unrecordable as cause:
            return Break(net, cause)


def _advanced(before: Break, after: Break) -> bool:
    """Whether the network now breaks further on, or at the same place for another reason."""
    was, now = len(before.tape.calls), len(after.tape.calls)
    return now > was or (now == was and (after.path, after.cause.why) != (before.path, before.cause.why))


def runs(net: Network, inputs: Inputs) -> bool:
    """Whether a network runs on an input."""
    try:
        record(net, inputs)
    except Unrecordable:
        return False
    return True
