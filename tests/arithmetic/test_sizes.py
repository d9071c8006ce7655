"""Sizes, against torch running the layers on the meta device and against windows counted one by one."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from receptron.arithmetic import (
    Conv,
    Pool,
    Transposed,
    Ways,
    chain_sizes,
    dropped,
    legal_sizes,
    output_size,
    parse,
    same_padding,
    smallest_size,
    ways,
)
from receptron.arithmetic.padding import sides
from receptron.arithmetic.search import layer_of
from receptron.errors import BadValue, ImageTooSmall, UnknownName

small = st.integers(1, 7)
quick = settings(deadline=None, max_examples=150)


def torch_size(module: nn.Module, *pixels: int) -> tuple[int, ...]:
    """As a real run has it: on the meta device torch 2.10 lets kernels pass that are larger than their input."""
    with torch.no_grad():
        return tuple(module(torch.zeros(1, 1, *pixels)).shape[2:])


@quick
@given(st.integers(1, 64), st.integers(1, 64), small, small, st.integers(1, 5), st.integers(0, 6), st.integers(1, 4))
def test_convolution_sizes_are_those_of_torch(height: int, width: int, k1: int, k2: int, stride: int, padding: int, dilation: int):
    layer = Conv((k1, k2), stride, padding, dilation)
    try:
        expected = torch_size(nn.Conv2d(1, 1, (k1, k2), stride, padding, dilation), height, width)
    except RuntimeError:
        with pytest.raises(ImageTooSmall):
            output_size(layer, (height, width))
    else:
        assert output_size(layer, (height, width)).value == expected


@quick
@given(st.integers(1, 80), small, st.integers(1, 5), st.integers(0, 3), st.integers(1, 3), st.booleans())
def test_pooling_sizes_are_those_of_torch_rounded_down_and_up(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil: bool):
    assume(padding <= kernel // 2 and size + 2 * padding >= dilation * (kernel - 1) + 1)
    layer = Pool(kernel, stride, padding, dilation, ceil)
    expected = torch_size(nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil), size, size)
    assert output_size(layer, (size, size)).value == expected


@quick
@given(st.integers(1, 40), small, st.integers(1, 5), st.integers(0, 3), st.integers(1, 3), st.integers(0, 4))
def test_transposed_sizes_are_those_of_torch(size: int, kernel: int, stride: int, padding: int, dilation: int, extra: int):
    assume(extra < max(stride, dilation) and (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1 >= 1)
    layer = Transposed(kernel, stride, padding, dilation, extra)
    expected = torch_size(nn.ConvTranspose1d(1, 1, kernel, stride, padding, extra, dilation=dilation), size)
    assert output_size(layer, size).value == expected[0]


@quick
@given(st.integers(1, 80), small, st.integers(1, 5), st.integers(1, 3))
def test_same_padding_divides_by_the_stride_rounding_up(size: int, kernel: int, stride: int, dilation: int):
    layer = Conv(kernel, stride, "same", dilation)
    before, after = sides(layer, size)
    padded = size + before + after
    positions = [p for p in range(0, padded, stride) if p + dilation * (kernel - 1) < padded]
    assert output_size(layer, size).value == -(-size // stride) == len(positions)
    assert same_padding(kernel, stride, dilation, size).value == (before, after)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@quick
@given(st.integers(4, 40), small, st.integers(1, 2))
def test_same_padding_at_stride_one_is_that_of_torch(size: int, kernel: int, dilation: int):
    expected = torch_size(nn.Conv1d(1, 1, kernel, padding="same", dilation=dilation), size)
    assert output_size(Conv(kernel, padding="same", dilation=dilation), size).value == expected[0]


def test_causal_padding_keeps_the_length_and_sees_no_future():
    before, after = sides(Conv(3, padding="causal", dilation=4), 20)
    assert (before, after) == (8, 0)
    assert output_size(Conv(3, padding="causal", dilation=4), 20).value == 20


def test_full_padding_gives_every_overlap():
    overlaps = sum(1 for shift in range(-2, 10) if any(0 <= shift + tap < 10 for tap in range(3)))
    assert output_size(Conv(3, padding="full"), 10).value == overlaps == 12


@quick
@given(st.integers(1, 60), small, st.integers(1, 5), st.integers(0, 3), st.integers(1, 3))
def test_dropped_pixels_are_those_that_no_window_covers(size: int, kernel: int, stride: int, padding: int, dilation: int):
    reach = dilation * (kernel - 1) + 1
    assume(size + 2 * padding >= reach)
    ends = [start + reach for start in range(0, size + 2 * padding - reach + 1, stride)]
    assert dropped(Conv(kernel, stride, padding, dilation), size).value == size + 2 * padding - max(ends)


def test_a_ceil_mode_window_drops_nothing():
    assert dropped(Pool(3, 2, ceil_mode=True), 112).value == 0
    assert dropped(Pool(3, 2), 112).value == 1


def test_ways_are_all_that_a_search_with_torch_finds():
    found = {(c.kernel, c.stride, c.padding, c.dilation) for c in map(layer_of, ways(28, 14, Ways(5, 3, 2)))}
    expected = set()
    for kernel in range(1, 6):
        for stride in range(1, 4):
            for dilation in range(1, 3 if kernel > 1 else 2):
                for padding in range((dilation * (kernel - 1) + 1) // 2 + 1):
                    if torch_size(nn.Conv1d(1, 1, kernel, stride, padding, dilation), 28) == (14,):
                        expected.add((kernel, stride, padding, dilation))
    assert found == expected
    assert (3, 2, 1, 1) in found


def test_no_way_is_said_plainly():
    with pytest.raises(BadValue, match="takes 10 to 400"):
        ways(10, 400)


def test_legal_sizes_are_those_where_no_layer_drops_a_pixel():
    chain = parse("conv 7 s2 p3, pool 3 s2 p1, conv 3 p1, conv 3 s2 p1")
    expected = []
    for size in range(1, 129):
        pixels, exact = size, True
        for layer in chain:
            lost = dropped(layer, pixels).value
            exact, pixels = exact and lost == 0, output_size(layer, pixels).value
        if exact:
            expected.append(size)
    assert list(legal_sizes(chain, 128).value) == expected


def test_the_smallest_size_fits_and_one_pixel_less_does_not():
    chain = parse("conv 5 s2, pool 3 s2, conv 3 d2")
    least = smallest_size(chain).value
    chain_sizes(chain, least)
    with pytest.raises(ImageTooSmall):
        chain_sizes(chain, least - 1)


def test_sizes_along_a_chain_are_those_of_the_second_document():
    assert chain_sizes(parse("conv 7 s2 p3, pool 3 s2 p1, conv 3 p1, conv 3 s2 p1"), 224).value == (112, 56, 56, 28)


@pytest.mark.parametrize("text", ["", "conv", "conv x", "conv 3 q1", "conf 3", "conv 3 psome", "conv 3 s-1"])
def test_a_chain_that_cannot_be_read_names_the_word(text: str):
    with pytest.raises(BadValue, match="KIND KERNEL"):
        parse(text)


def test_repeats_and_rectangles_are_read():
    chain = parse("conv 3x5 s2x1 p1x2 x3, max 2, average 3 s1 p1, conv 3 psame d2")
    assert chain[:3] == (Conv((3, 5), (2, 1), (1, 2)),) * 3
    assert chain[3:] == (Pool(2), Pool(3, 1, 1, kind="average"), Conv(3, padding="same", dilation=2))


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: Conv(0), BadValue, "kernel is 0"),
        (lambda: Conv(3, 0), BadValue, "stride is 0"),
        (lambda: Conv(3, padding=-1), BadValue, "padding is -1"),
        (lambda: Conv(3, padding="sme"), UnknownName, "Did you mean same"),
        (lambda: Conv((3, 3), (1, 1, 1)), BadValue, "2 and 3 axes"),
        (lambda: Conv(3, c_in=3, c_out=4, groups=2), BadValue, "2 groups do not divide"),
        (lambda: output_size(Conv(3), 0), BadValue, "0 pixels"),
        (lambda: same_padding(3, 2), BadValue, "depends on the size"),
    ],
)
def test_a_value_out_of_range_is_named(make, error: type[Exception], says: str):
    with pytest.raises(error, match=says):
        make()
