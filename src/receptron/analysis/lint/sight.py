"""Rules about what layers see: fields too small or too large, holes, branches that do not lie on each other."""

from collections.abc import Iterable

from receptron.analysis.lint.context import Advice, Subject
from receptron.analysis.receptive_field.index_relation import Relation


def field_too_small(subject: Subject) -> Iterable[Advice]:
    """The widest local field against the object, or the image: what no unit sees whole must be pieced together from parts.

    Networks with attention are left out: their units see beyond what their convolutions do.
    """
    if any(True for _ in subject.calls("bmm")):
        return
    widest = max((r.size for r in _local_convolutions(subject).values()), default=None)
    extent = subject.object_pixels or subject.fields.extents[0]
    if widest is not None and widest < extent:
        what = "the object" if subject.object_pixels else "the image"
        yield Advice(
            "field_too_small",
            list(_local_convolutions(subject))[-1],
            f"no unit sees more than {widest} of the {extent} pixels of {what}",
            "stride earlier, add layers or dilation, or feed smaller images",
        )


def unproductive_layers(subject: Subject) -> Iterable[Advice]:
    """Convolutions whose input already sees the whole image along every path. Richter et al. 2021, arXiv:2106.12307."""
    extent = subject.fields.extents[0]
    late: list[str] = []
    for path, _, conv in subject.convolutions:
        field = subject.local(conv.x)
        if field is not None and field.size > extent and max(conv.window.kernel) > 1:
            late.append(path)
    if late:
        yield Advice(
            "unproductive_layers",
            late[0],
            f"{len(late)} convolutions from here on read maps whose units already see more than the {extent} pixels there are",
            "feed larger images, drop these layers, or stride less",
        )


def gridding(subject: Subject) -> Iterable[Advice]:
    """Dilated convolutions whose fields have holes: neighbours then look at different pixels. Yu et al. 2017, arXiv:1705.09914."""
    for path, call, conv in subject.convolutions:
        field, dilation = subject.local(call.outputs[0]), max(conv.window.dilation)
        if field is not None and dilation > 1 and field.taken < field.size:
            yield Advice(
                "gridding",
                path,
                f"its units see {field.taken} of the {field.size} pixels along their field (dilation {dilation})",
                "choose dilations without a common factor that grow step by step (1, 2, 5), or add a plain 3x3 after it",
            )


def misaligned_branches(subject: Subject) -> Iterable[Advice]:
    """Branches that are added or joined although their units are centred on different pixels."""
    for call in subject.tape.forward:
        if call.op in ("add", "cat") and len(call.inputs) > 1:
            fields = [field for field in (subject.local(i) for i in call.inputs) if field is not None]
            apart = _apart(fields)
            if apart is not None:
                yield Advice(
                    "misaligned_branches",
                    subject.tape.path(call),
                    f"branches that meet in {call.op} lie {apart} apart",
                    "give both branches the same total stride and centre: odd kernels with padding (k - 1) / 2, or the same pooling",
                )


def _apart(fields: list[Relation]) -> str | None:
    if len(fields) < 2:
        return None
    if len({field.jump for field in fields}) > 1:
        return f"further with every unit (jumps {' and '.join(str(float(f.jump)) for f in fields)} px)"
    starts = {field.start for field in fields if field.period == 1}
    return f"{float(max(starts) - min(starts))} pixels of the input" if len(starts) > 1 else None


def _local_convolutions(subject: Subject) -> dict[str, Relation]:
    found: dict[str, Relation] = {}
    for path, call, _ in subject.convolutions:
        field = subject.local(call.outputs[0])
        if field is not None:
            found[path] = field
    return found
