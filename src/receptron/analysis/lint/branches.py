"""Branches that are added or joined although they do not lie on each other."""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from receptron.analysis.lint.context import Advice, Subject, also
from receptron.analysis.receptive_field.index_relation import Relation
from receptron.analysis.tape import Call


class _Distance(NamedTuple):
    """Pixels of the input between the centres of two branches, and pixels between neighbouring units of the coarser of them."""

    pixels: Fraction
    unit: Fraction


def misaligned_branches(subject: Subject) -> Iterable[Advice]:
    """Branches that meet a unit or more apart.

    Less than a unit is what a pooling by 2 beside a 3x3 gives, in many good nets. Meant so are also branches of which one is the other
    moved (shifts) and, along one axis alone, branches that end at the same pixel (causal convolutions).
    """
    coarse = _coarsest(subject)
    found = [(distance, call) for call in subject.tape.forward if (distance := _apart(subject, call, coarse)) is not None]
    if not found:
        return
    distance, worst = max(found, key=lambda row: row[0].pixels / row[0].unit)
    path, units = subject.tape.path(worst), float(distance.pixels / distance.unit)
    others = [p for _, call in found if (p := subject.tape.path(call)) != path]
    yield Advice(
        "misaligned_branches",
        path,
        f"branches that meet in {worst.op} lie {float(distance.pixels):g} pixels of the input apart,"
        f" {units:.3g} units of the map{also(others)}",
        "crop and pad both sides alike, with the same total stride in both branches: odd kernels with padding (k - 1) / 2",
        min(1.0, len(found) / max(len(subject.convolutions), 1)),
    )


def _coarsest(subject: Subject) -> dict[int, Fraction]:
    """The largest distance between neighbours on the way to each value: upsampling from there leaves half of it open."""
    found: dict[int, Fraction] = {}
    for call in subject.tape.forward:
        before = max((found.get(value, Fraction(1)) for value in call.inputs), default=Fraction(1))
        for value in call.outputs:
            jumps = [field.jump for field in _fields(subject, value) if field is not None]
            found[value] = max([before, *jumps])
    return found


def _apart(subject: Subject, call: Call, coarse: dict[int, Fraction]) -> _Distance | None:
    if call.op not in ("add", "cat"):
        return None
    branches = [value for value in call.inputs if None not in _fields(subject, value)]
    pairs = [(branches[0], other) for other in branches[1:]]
    found = [distance for one, other in pairs if (distance := _distance(subject, one, other, coarse)) is not None]
    return max(found, key=lambda distance: distance.pixels, default=None)


def _distance(subject: Subject, one: int, other: int, coarse: dict[int, Fraction]) -> _Distance | None:
    unit = max(coarse.get(one, Fraction(1)), coarse.get(other, Fraction(1)))
    axes = [
        (a, b, _between(a, b, extent))
        for a, b, extent in zip(_fields(subject, one), _fields(subject, other), subject.fields.extents, strict=True)
        if a is not None and b is not None
    ]
    far = [(a, b, pixels) for a, b, pixels in axes if pixels >= unit]
    if not far or all(a.size == b.size and a.jump == b.jump for a, b, _ in far):
        return None
    if len(far) == 1 and _share_an_end(*far[0][:2]):
        return None
    return _Distance(max(pixels for _, _, pixels in far), unit)


def _between(one: Relation, other: Relation, extent: int) -> Fraction:
    """Pixels between the centres of two units of the same place: the larger of those at the first and at the last unit."""
    last = int(extent / max(one.jump, other.jump)) - 1
    return max(abs(_centre(one, place) - _centre(other, place)) for place in (0, max(last, 0)))


def _centre(field: Relation, place: int) -> Fraction:
    first, bits = field.row(place)
    return first + Fraction(bits.bit_length() - 1, 2)


def _share_an_end(one: Relation, other: Relation) -> bool:
    (first, bits), (start, others) = one.row(0), other.row(0)
    return one.jump == other.jump and (first == start or first + bits.bit_length() == start + others.bit_length())


def _fields(subject: Subject, value: int) -> list[Relation | None]:
    return [subject.local(value, axis) for axis in range(len(subject.fields.axes))]
