"""Rules about windows and their arithmetic: pixels lost, checkerboards, widths that waste a unit."""

from collections import Counter
from collections.abc import Iterable

from receptron.analysis.lint.context import Advice, Subject, also
from receptron.analysis.tape import Call
from receptron.analysis.tape.views import Convolution, Pooling, numbers, view_of
from receptron.wording import counted

LOST_SHARE = 0.02
"""Of the rows of a map; what one row of 224 may hold is not worth a line."""
LANES = 8
"""Channels that tensor cores (16-bit) and vector units take at once."""
WASTED_SHARE = 0.01
"""Of the work; squeeze layers are odd everywhere and cost nothing."""


def lost_pixels(subject: Subject) -> Iterable[Advice]:
    """Rows and columns at the end of a map that no window reads because the stride leaves a rest.

    What lies between the windows of a stride wider than its kernel is left out by design, at the end as everywhere.
    """
    found: list[tuple[float, str, str, str]] = []
    for call in subject.tape.forward:
        view = view_of(subject.tape, call)
        if isinstance(view, Convolution | Pooling) and not (isinstance(view, Convolution) and view.transposed):
            found += _rests(subject, call, view)
    if found:
        share, worst, told, cure = max(found)
        others = sorted({path for _, path, _, _ in found} - {worst})
        yield Advice("lost_pixels", worst, told + also(others), cure, share)


def _rests(subject: Subject, call: Call, view: Convolution | Pooling) -> Iterable[tuple[float, str, str, str]]:
    tape = subject.tape
    rank = len(view.window.kernel)
    size, after = tape.shape(view.x)[-rank:], tape.values[call.outputs[0]].shape[-rank:]
    added = _padded_before(subject, view.x, rank)
    for dim, (kernel, stride, padding, dilation) in enumerate(zip(*view.window, strict=True)):
        reach = dilation * (kernel - 1) + 1
        end = (after[dim] - 1) * stride + reach - padding
        lost = size[dim] - added[dim] - end
        beyond = lost - max(stride - reach, 0)
        if beyond > 0 and beyond >= LOST_SHARE * size[dim]:
            what = ("rows", "columns")[dim - rank] if rank == 2 else "positions"
            more = end + stride - size[dim]
            ceil = ", or pool with ceil_mode" if isinstance(view, Pooling) else ""
            yield (
                lost / size[dim],
                tape.path(call),
                f"{lost} of {size[dim]} {what} at the end are read by no window (kernel {kernel}, stride {stride})",
                f"feed a size that leaves no rest, or pad {more} more at the end{ceil}, in every branch that meets this one",
            )
            return


def _padded_before(subject: Subject, value: int, rank: int) -> list[int]:
    """Zeros that a padding layer put at the end of each axis of a map."""
    call = subject.makers.get(value)
    given = numbers(call.arg(1, "pad")) if call is not None and "pad" in call.op else ()
    return [max(given[2 * (rank - 1 - dim) + 1], 0) if len(given) >= 2 * (rank - dim) else 0 for dim in range(rank)]


def checkerboard(subject: Subject) -> Iterable[Advice]:
    """Transposed convolutions that cover some outputs with more taps than others. Odena et al. 2016, Distill."""
    found: list[tuple[int, str, str, str]] = []
    for path, call, conv in subject.convolutions:
        for dim, (kernel, stride, padding, dilation) in enumerate(zip(*conv.window, strict=True)) if conv.transposed else ():
            taps = Counter(tap * dilation % stride for tap in range(kernel))
            least, most = min(taps[phase] for phase in range(stride)), max(taps.values())
            if least != most:
                told = f"kernel {kernel} is no multiple of stride {stride}: outputs get {most} or {least} taps"
                if dilation > 1:
                    told = f"kernel {kernel} with dilation {dilation} on stride {stride}: outputs get {most} or {least} taps"
                cure = _even_kernel(kernel, stride, padding, dilation, conv.output_padding[dim])
                found.append((subject.macs_of(call), path, told, cure))
                break
    if found:
        _, worst, told, cure = max(found)
        share = sum(macs for macs, _, _, _ in found) / subject.macs
        yield Advice("checkerboard", worst, told + also(path for _, path, _, _ in found if path != worst), cure, share)


def _even_kernel(kernel: int, stride: int, padding: int, dilation: int, output_padding: int) -> str:
    """A kernel that is a multiple of the stride, with the padding that leaves the size as it was."""
    if dilation > 1:
        return "leave the dilation out, or resize and convolve"
    wide = stride * -(-kernel // stride)
    grown = wide - kernel - output_padding  # to be taken off by paddings, which count twice
    new_padding, rest = divmod(2 * padding + grown, 2)
    new_padding, rest = (new_padding + 1, 1) if rest else (new_padding, 0)
    return f"use kernel {wide}, padding {new_padding} and output_padding {rest}, which give the same size, or resize and convolve"


def wasted_lanes(subject: Subject) -> Iterable[Advice]:
    """Channel counts inside of the network that are no multiple of what the hardware takes at once, where they carry work."""
    odd: dict[str, tuple[int, int]] = {}
    for path, call, conv in subject.convolutions:
        if conv.c_out % LANES and conv.groups == 1 and not _is_head(subject, call, conv):
            odd[path] = (subject.macs_of(call), conv.c_out)
    share = sum(macs for macs, _ in odd.values()) / subject.macs
    idle = sum(macs * (-c % LANES) / (c + -c % LANES) for macs, c in odd.values()) / subject.macs
    if idle >= WASTED_SHARE:
        worst = max(odd, key=lambda path: odd[path])
        c_out = odd[worst][1]
        yield Advice(
            "wasted_lanes",
            worst,
            f"{c_out} output channels are no multiple of {LANES}; so it is in {counted(len(odd), 'convolution')},"
            f" with {share:.0%} of the work{also(path for path in odd if path != worst)}",
            f"use {-(-c_out // LANES) * LANES} channels: in 16 bits the hardware computes as many anyway",
            idle,
        )


def _is_head(subject: Subject, call: Call, conv: Convolution) -> bool:
    """Whether a convolution gives the network's answer, whose channels are what is asked for; a lone layer is no head."""
    if conv.x in subject.tape.inputs:
        return False
    reached = set(call.outputs)
    for later in subject.tape.forward[subject.position(call) + 1 :]:
        if not reached.isdisjoint(later.inputs):
            if subject.macs_of(later):
                return False
            reached.update(later.outputs)
    return True
