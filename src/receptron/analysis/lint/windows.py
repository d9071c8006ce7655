"""Rules about windows and their arithmetic: pixels lost, checkerboards, padding, widths that waste a unit."""

from collections.abc import Iterable

from receptron.analysis.cost.macs import works_of
from receptron.analysis.lint.context import Advice, Subject
from receptron.analysis.tape.views import Convolution, Pooling, convolution_of, view_of

PADDING_SHARE = 0.1
LANES = 8
"""Channels that tensor cores (16-bit) and vector units take at once."""


def lost_pixels(subject: Subject) -> Iterable[Advice]:
    """Rows and columns of a map that no window reads, because the stride leaves a rest or jumps over them."""
    tape = subject.tape
    for call in tape.forward:
        view = view_of(tape, call)
        if not isinstance(view, Convolution | Pooling) or (isinstance(view, Convolution) and view.transposed):
            continue
        window, rows, read = view.window, tape.shape(view.x)[2], tape.values[call.outputs[0]].shape[2]
        end = (read - 1) * window.stride[0] + window.dilation[0] * (window.kernel[0] - 1) + 1 - window.padding[0]
        if end < rows:
            yield Advice(
                "lost_pixels",
                tape.path(call),
                f"{rows - end} of {rows} rows at the end are read by no window (kernel {window.kernel[0]}, stride {window.stride[0]})",
                f"feed a size that fits, pad {rows - end} more at the end, or pool with ceil_mode",
            )


def checkerboard(subject: Subject) -> Iterable[Advice]:
    """Transposed convolutions that cover some outputs with more taps than others. Odena et al. 2016, Distill."""
    for path, _, conv in subject.convolutions:
        if conv.transposed:
            kernel, stride = next(((k, s) for k, s in zip(conv.window.kernel, conv.window.stride, strict=True) if k % s), (0, 0))
            if kernel:
                yield Advice(
                    "checkerboard",
                    path,
                    f"kernel {kernel} is no multiple of stride {stride}: outputs get {-(-kernel // stride)} or {kernel // stride} taps",
                    f"use kernel {stride * max(1, round(kernel / stride))}, or resize and convolve",
                )


def padding_share(subject: Subject) -> Iterable[Advice]:
    """Multiplications with padding zeros, where they are many."""
    works = works_of(subject.tape).values()
    macs, inside = sum(w.macs for w in works), sum(w.in_bounds for w in works)
    if macs and 1 - inside / macs > PADDING_SHARE:
        yield Advice(
            "padding_share",
            "",
            f"{1 - inside / macs:.0%} of {macs:,} multiplications are with padding zeros",
            "feed larger images, or stop striding before maps are as small as their kernels",
        )


def wasted_lanes(subject: Subject) -> Iterable[Advice]:
    """Channel counts inside of the network that are no multiple of what the hardware takes at once."""
    odd: dict[str, tuple[int, int]] = {}
    works = works_of(subject.tape)
    for i, call in enumerate(subject.tape.forward):
        conv = convolution_of(subject.tape, call)
        if conv is not None and conv.c_out % LANES and conv.c_in > conv.groups:
            odd[subject.tape.path(call)] = (conv.c_out, works[i].macs)
    if odd:
        worst = max(odd, key=lambda path: odd[path][1])
        c_out = odd[worst][0]
        share = sum(macs for _, macs in odd.values()) / max(sum(w.macs for w in works.values()), 1)
        yield Advice(
            "wasted_lanes",
            worst,
            f"{len(odd)} convolutions ({share:.0%} of the work) have output channels that are no multiple of {LANES}, here {c_out}",
            f"use {-(-c_out // LANES) * LANES} channels: the hardware computes as many anyway",
        )
