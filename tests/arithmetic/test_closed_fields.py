"""Receptive fields of chains, against the set of pixels that really reach an output, followed tap by tap."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receptron.arithmetic import Conv, Pool, field_jump, field_padding, field_size, field_start, parse
from receptron.errors import BadValue

layers = st.builds(
    lambda kernel, stride, padding, dilation: Conv(kernel, stride, padding, dilation),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(1, 3),
)


def pixels_seen(chain: list[Conv], output: int) -> set[int]:
    """Input positions (negative ones lie in the padding) that reach `output`, tap by tap from the end."""
    seen = {output}
    for layer in reversed(chain):
        seen = {o * layer.stride - layer.padding + tap * layer.dilation for o in seen for tap in range(layer.kernel)}
    return seen


@settings(deadline=None, max_examples=150)
@given(st.lists(layers, min_size=1, max_size=5))
def test_size_jump_padding_and_start_are_those_of_the_pixels_seen(chain: list[Conv]):
    first, second = pixels_seen(chain, 0), pixels_seen(chain, 1)
    assert field_size(chain).value == max(first) - min(first) + 1
    assert field_jump(chain).value == min(second) - min(first)
    assert field_padding(chain).value == -min(first)
    assert field_start(chain).value == (max(first) + min(first)) / 2


def test_axes_are_followed_apart():
    chain = [Conv((3, 5), (1, 2)), Pool((2, 3), (2, 1))]
    assert field_size(chain).value == (4, 9)
    assert field_jump(chain).value == (2, 2)


@pytest.mark.parametrize(
    ("chain", "size"),
    [("conv 3, conv 3, conv 3", 7), ("conv 3, conv 3 s2, pool 2 s2", 7), ("conv 3 d2", 5), ("conv 7 s2, pool 3 s2, conv 3 x4", 43)],
)
def test_known_fields(chain: str, size: int):
    assert field_size(parse(chain)).value == size


def test_a_stack_of_fifty_layers_with_stride_two():
    assert field_size([Conv(3, 2, 1)] * 50).value == 2 * (2**50 - 1) + 1


def test_an_empty_chain_and_a_padding_that_depends_on_the_size_are_refused():
    with pytest.raises(BadValue, match="no layer"):
        field_size([])
    with pytest.raises(BadValue, match="depends on the input"):
        field_padding([Conv(3, 2, "same")])
