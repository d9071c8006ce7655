"""Writing to a slice changes what it covers, and no more: windows of what is read afterwards, against gradients of real runs."""

from collections.abc import Callable
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from impulse import pixels_reaching
from torch import Tensor, nn

from receptron.analysis.receptive_field.field import Fields, receptive_field
from receptron.analysis.recording import record
from receptron.analysis.tape.overlap import Strided, box_of

SIZE = (1, 2, 8, 9)
Where = tuple[slice | int, ...]


class Writes(nn.Module):
    """Maps of the input written into parts of other maps."""

    def __init__(self, forward: Callable[[Tensor, Callable[[Tensor, int], Tensor]], Tensor]):
        super().__init__()
        self.work = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.work(x, blurred)


def blurred(x: Tensor, kernel: int) -> Tensor:
    """A window of ones about every pixel, in every channel."""
    channels = x.shape[1]
    return nn.functional.conv2d(x, torch.ones(channels, channels, kernel, kernel, dtype=x.dtype, device=x.device), padding=kernel // 2)


def seen(net: nn.Module) -> tuple[Fields, int, Tensor, Tensor]:
    x = torch.ones(SIZE, dtype=torch.double, requires_grad=True)
    tape = record(net, [torch.ones(SIZE, dtype=torch.double)])
    return Fields(tape), tape.outputs[0], x, net(x)


def everywhere(fields: Fields, value: int, x: Tensor, out: Tensor) -> list[tuple[tuple[set[int], ...], tuple[set[int], ...]]]:
    """What each unit sees, and what gradients say of it."""
    units = product(range(out.shape[2]), range(out.shape[3]))
    return [(tuple(map(set, fields.reach.seen_by(value, unit))), pixels_reaching(x, out, unit)) for unit in units]


def part(extent: int) -> st.SearchStrategy[slice]:
    ends = st.tuples(st.integers(0, extent - 1), st.integers(1, extent), st.integers(1, 3))
    return ends.map(lambda e: slice(e[0], max(e[1], e[0] + 1), e[2]))


ONE_SIDED = st.one_of(
    part(8).map(lambda rows: (slice(None), slice(None), rows)),
    part(9).map(lambda columns: (slice(None), slice(None), slice(None), columns)),
    st.integers(0, 7).map(lambda row: (slice(None), slice(None), row)),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(ONE_SIDED, st.sampled_from([1, 3, 5])), min_size=1, max_size=4), st.sampled_from(["before", "at once", "into zeros"])
)
def test_every_unit_sees_what_gradients_say_after_writes_to_slices(writes: list[tuple[Where, int]], slices: str):
    """Through slices made before all writes or one by one; into another map or into zeros."""

    def work(x: Tensor, blur: Callable[[Tensor, int], Tensor]) -> Tensor:
        z = torch.zeros_like(x) if slices == "into zeros" else blur(x, 3)
        views = [z[where] for where, _ in writes] if slices == "before" else []
        for number, (where, kernel) in enumerate(writes):
            y = blur(x, kernel)[where]
            if views:
                views[number].copy_(y)
            else:
                z[where] = y
        return z * 1

    for ours, theirs in everywhere(*seen(Writes(work))):
        assert ours == theirs


def late_view(x: Tensor, blur: Callable[[Tensor, int], Tensor]) -> Tensor:
    """A slice taken first sees what is written to the whole afterwards."""
    z = torch.zeros_like(x)
    view = z[:, :, 2:6]
    z[:] = blur(x, 3)
    return view * 1


def turned(x: Tensor, blur: Callable[[Tensor, int], Tensor]) -> Tensor:
    """Written through a transposed view."""
    z = torch.zeros_like(x)
    z.transpose(2, 3)[:, :, 3:].copy_(blur(x, 3).transpose(2, 3)[:, :, :-3])
    return z * 1


def flat_row(x: Tensor, blur: Callable[[Tensor, int], Tensor]) -> Tensor:
    """Added to in place, then read from another slice."""
    z = blur(x, 3)
    z[:, :, ::2] += blur(x, 5)[:, :, ::2]
    return z[:, :, 1:] * 1


@pytest.mark.parametrize("work", [late_view, turned, flat_row])
def test_views_of_any_kind_are_followed(work: Callable[..., Tensor]):
    for ours, theirs in everywhere(*seen(Writes(work))):
        assert ours == theirs


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.tuples(part(2), part(8), part(9)), st.sampled_from([1, 3])), min_size=1, max_size=3))
def test_boxes_of_several_sides_never_hide_a_pixel(writes: list[tuple[tuple[slice, slice, slice], int]]):
    def work(x: Tensor, blur: Callable[[Tensor, int], Tensor]) -> Tensor:
        z = torch.zeros_like(x)
        for (channels, rows, columns), kernel in writes:
            where = (slice(None), channels, rows, columns)
            z[where] = blur(x, kernel)[where]
        return z * 1

    for ours, theirs in everywhere(*seen(Writes(work))):
        assert all(real <= told for real, told in zip(theirs, ours, strict=True)) or not all(theirs)


def test_far_from_borders_a_shift_is_a_shift_and_a_patched_map_is_the_wider_of_both():
    def shifted(x: Tensor, blur: Callable[[Tensor, int], Tensor]) -> Tensor:
        x = blur(x, 3)
        z = torch.zeros_like(x)
        z[..., 3:] = x[..., :-3]
        return z * 1

    def patched(x: Tensor, blur: Callable[[Tensor, int], Tensor]) -> Tensor:
        y = blur(x, 3)
        z = torch.zeros_like(y)
        z[:, :, 2:6] = blur(y, 5)[:, :, 2:6]
        z[:, :, :2] = y[:, :, :2]
        return z * 1

    rows, columns = receptive_field(record(Writes(shifted), SIZE[1:])).axes
    assert (rows.size, rows.start, columns.size, columns.jump, columns.start) == (3, 0, 3, 1, -3)
    assert receptive_field(record(Writes(patched), SIZE[1:])).size == (7, 7)


def test_boxes_are_those_of_numbering_every_place():
    """All slices of a small tensor in all orders, against the places themselves."""
    base = torch.arange(2 * 3 * 4).reshape(2, 3, 4)
    outers = [base, base.permute(2, 0, 1), base[:, 1:], base[:, ::2, 1:]]
    for outer, rows, columns, turn in product(outers, (slice(None), slice(1, 3), slice(0, 3, 2)), (slice(1, 4), slice(0, 4, 2)), (0, 1)):
        inner = base[:, rows, columns]
        inner = inner.transpose(0, 2) if turn else inner
        box = box_of(*(Strided(tuple(t.shape), tuple(t.stride()), int(t.storage_offset())) for t in (inner, outer)))
        contained = set(inner.flatten().tolist()) <= set(outer.flatten().tolist())
        if box is None:
            assert not contained or any(n == 1 for n in (*inner.shape, *outer.shape))
            continue
        cut = outer[tuple(slice(s.start, s.start + s.step * s.length, s.step) for s in box)]
        assert sorted(cut.flatten().tolist()) == sorted(inner.flatten().tolist())
        assert [cut.shape[d] for d, s in enumerate(box) if s.inner >= 0] == [inner.shape[s.inner] for s in box if s.inner >= 0]
