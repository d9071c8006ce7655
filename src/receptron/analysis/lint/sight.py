"""Rules about what units see: too little of the image, or with holes."""

from collections.abc import Iterable

from receptron.analysis.lint.context import Advice, Subject, also
from receptron.analysis.receptive_field.index_relation import Relation
from receptron.analysis.tape import Call

GATHERING = ("mean", "sum", "amax", "max", "logsumexp", "var", "std", "linalg_vector_norm")
"""Operators that bring a whole map down to one number a channel, as adaptive poolings do; the head of a classifier."""
GATES = ("mul", "div", "sub")
"""Operators by which a number a channel scales a map without telling it what lies elsewhere."""


def field_too_small(subject: Subject) -> Iterable[Advice]:
    """The widest field along windows against the object, or the image: what no unit sees whole must be pieced together from parts.

    Silent where units look beyond their windows (attention, mixers, linear layers over a map, pooled context), and, as long as the size
    of the objects is not known, where each place of the map is an answer of its own.
    """
    if (subject.object_pixels is None and _answers_by_place(subject)) or _looks_beyond(subject):
        return
    axes = range(len(subject.fields.axes))
    seen = [_widest(subject, axis) for axis in axes]
    extents = [subject.object_pixels or subject.fields.extents[axis] for axis in axes]
    path, size, extent = min(
        ((path, size, extent) for (path, size), extent in zip(seen, extents, strict=True)),
        key=lambda row: row[1] / row[2],
        default=("", 0, 0),
    )
    enough = extent if subject.object_pixels else extent / 2  # what is to be recognised seldom fills the image
    if 0 < size < enough:
        what = "the object" if subject.object_pixels else "the image"
        yield Advice(
            "field_too_small",
            path,
            f"along its convolutions and poolings no unit sees more than {size} of the {extent} pixels of {what}",
            "stride earlier, add layers or dilation, or feed smaller images",
            1 - size / extent,
        )


def gridding(subject: Subject) -> Iterable[Advice]:
    """Dilated convolutions whose fields have holes that no later layer closes. Yu et al. 2017, arXiv:1705.09914."""
    closed = _closed(subject)
    found: list[tuple[float, str, str]] = []
    for path, call, conv in subject.convolutions:
        field, dilation = subject.local(call.outputs[0]), max(conv.window.dilation)
        if field is not None and dilation > 1 and field.taken < field.size and call.outputs[0] not in closed:
            told = f"its units see {field.taken} of the {field.size} pixels along their field (dilation {dilation})"
            found.append((1 - field.taken / field.size, path, told))
    if found:
        share, worst, told = max(found)
        yield Advice(
            "gridding",
            worst,
            f"{told}, and no later layer sees the others{also(path for _, path, _ in found if path != worst)}",
            "choose dilations without a common factor that grow step by step (1, 2, 5), or add a plain 3x3 after it",
            share,
        )


def _closed(subject: Subject) -> set[int]:
    """Values from which on some unit sees its field without holes."""
    found: set[int] = set()
    for call in reversed(subject.tape.forward):
        for value in call.outputs:
            field = subject.local(value)
            if field is not None and field.taken == field.size and field.size > 1:
                found.add(value)
        if not found.isdisjoint(call.outputs):
            found.update(call.inputs)
    return found


def _widest(subject: Subject, axis: int) -> tuple[str, int]:
    fields = [(path, field.size) for path, call, _ in subject.convolutions if (field := subject.local(call.outputs[0], axis)) is not None]
    return max(fields, key=lambda row: row[1], default=("", 0))


def _answers_by_place(subject: Subject) -> bool:
    return any(subject.local(value, axis) is not None for value in subject.tape.outputs for axis in range(len(subject.fields.axes)))


def _looks_beyond(subject: Subject) -> bool:
    """Whether what lies outside of a unit's windows reaches it, otherwise than through a norm or a gate."""
    gathered: set[int] = set()
    for call in subject.tape.forward:
        maps = [value for value in call.inputs if _on_map(subject, value)]
        stays = any(_on_map(subject, value) for value in call.outputs)
        if maps and not stays and call.outputs:
            if not _gathers(call):
                return True
            gathered.update(call.outputs)
        elif not gathered.isdisjoint(call.inputs):
            if maps and call.op not in GATES:
                return True
            gathered.update([] if maps else call.outputs)
    return False


def _on_map(subject: Subject, value: int) -> bool:
    return isinstance(subject.local(value), Relation)


def _gathers(call: Call) -> bool:
    return call.op in GATHERING or "pool" in call.op
