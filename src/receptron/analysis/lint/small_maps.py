"""Rules about maps that are too small for what reads them: nothing new to see, weights that only meet padding, work on zeros."""

from collections.abc import Iterable
from fractions import Fraction
from math import prod

from receptron.analysis.lint.context import Advice, Subject, also
from receptron.analysis.tape import Call
from receptron.analysis.tape.views import Convolution, Pooling, view_of
from receptron.wording import counted

PADDING_SHARE = 0.1
LATE_SHARE = 0.05
"""Of the work; less is not worth a line."""


def unproductive_layers(subject: Subject) -> Iterable[Advice]:
    """Weights that only ever meet padding at this size, and convolutions whose input sees the whole image along every path.

    Richter et al. 2021, arXiv:2106.12307; a shortcut keeps the field small, and with it the layer productive.
    """
    yield from _dead_weights(subject)
    shortest = _shortest_fields(subject)
    late = [
        (path, call)
        for path, call, conv in subject.convolutions
        if max(conv.window.kernel) > 1
        and conv.x in shortest
        and all(s > e for s, e in zip(shortest[conv.x], subject.fields.extents, strict=True))
    ]
    share = sum(subject.macs_of(call) for _, call in late) / subject.macs
    if share >= LATE_SHARE:
        yield Advice(
            "unproductive_layers",
            late[0][0],
            f"{counted(len(late), 'convolution')} from here on, with {share:.0%} of the work, can see nothing new:"
            " each unit before them sees the whole image already, along every path",
            "feed larger images or stride less, or see whether the network is as good without them",
            share,
        )


def padding_share(subject: Subject) -> Iterable[Advice]:
    """Multiplications with padding zeros, where they are many."""
    lost = {i: work.macs - work.in_bounds for i, work in subject.works.items()}
    share = sum(lost.values()) / subject.macs
    if share > PADDING_SHARE:
        worst = subject.tape.calls[max(lost, key=lambda i: lost[i])]
        path, view = subject.tape.path(worst), view_of(subject.tape, worst)
        dilated = isinstance(view, Convolution) and max(view.window.dilation) > 1
        yield Advice(
            "padding_share",
            path,
            f"{share:.0%} of {subject.macs:,} multiplications are with padding zeros, the largest part of them here",
            "feed larger images, or dilate less"
            if dilated
            else "feed larger images, or stop striding before maps are as small as their kernels",
            share,
        )


def _dead_weights(subject: Subject) -> Iterable[Advice]:
    found: dict[str, int] = {}
    for path, call, conv in subject.convolutions:
        dead = _dead(subject, call, conv)
        found[path] = min(found.get(path, dead), dead)  # a layer that is called twice lives in either call
    found = {path: dead for path, dead in found.items() if dead}
    if found:
        lost = sum(found.values())
        worst = max(found, key=lambda path: found[path])
        yield Advice(
            "unproductive_layers",
            worst,
            f"{lost:,} of {subject.learnable:,} parameters only ever meet padding, in {counted(len(found), 'convolution')} on maps that"
            f" are too small for them{also(path for path in found if path != worst)}",
            "feed larger images, or stride or dilate less",
            lost / subject.learnable,
        )


def _dead(subject: Subject, call: Call, conv: Convolution) -> int:
    """Numbers in a kernel that are multiplied with nothing but padding."""
    if conv.transposed or not subject.tape.values[conv.weight].learnable:
        return 0
    shape, after = subject.tape.shape(conv.weight), subject.tape.values[call.outputs[0]].shape[-len(conv.size) :]
    alive = [
        sum(any(0 <= o * stride - padding + tap * dilation < extent for o in range(count)) for tap in range(kernel))
        for extent, count, kernel, stride, padding, dilation in zip(conv.size, after, *conv.window, strict=True)
    ]
    return shape[0] * shape[1] * (prod(shape[2:]) - prod(alive))


def _shortest_fields(subject: Subject) -> dict[int, tuple[Fraction, ...]]:
    """Least pixels that each value sees along any of its paths, per axis; what lies between windows is not counted."""
    axes = range(len(subject.fields.axes))
    found = {subject.fields.source: (Fraction(1),) * len(axes)}
    for call in subject.tape.forward:
        before = [found[value] for value in call.inputs if value in found]
        if not before or not call.outputs or any(subject.local(call.outputs[0], axis) is None for axis in axes):
            continue
        grown = _grown(subject, call)
        least = [min(sizes) for sizes in zip(*before, strict=True)]
        found.update(dict.fromkeys(call.outputs, tuple(size + more for size, more in zip(least, grown, strict=True))))
    return found


def _grown(subject: Subject, call: Call) -> tuple[Fraction, ...]:
    """Pixels by which a window widens the field, per axis."""
    axes = range(len(subject.fields.axes))
    view = view_of(subject.tape, call)
    if (
        not isinstance(view, Convolution | Pooling)
        or len(view.window.kernel) != len(axes)
        or (isinstance(view, Convolution) and view.transposed)
    ):
        return (Fraction(0),) * len(axes)
    fields = [subject.local(view.x, axis) for axis in axes]
    kernels = zip(view.window.kernel, view.window.dilation, fields, strict=True)
    return tuple((kernel - 1) * dilation * field.jump if field is not None else Fraction(0) for kernel, dilation, field in kernels)
