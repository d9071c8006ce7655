"""Every repair that is proposed for a broken network is made to the real one, from its words, and run on real numbers."""

import inspect
import re

import pytest
import torch
from broken_nets import BROKEN, Viewing, Written, conv, repaired
from torch import Tensor, nn

from receptron.analysis.diagnose import explain
from receptron.errors import ForwardFault, ShapeClash

IMAGE = (3, 32, 32)


@pytest.mark.parametrize("case", BROKEN)
def test_every_proposed_repair_mends_the_real_network(case: str):
    with pytest.raises((RuntimeError, ValueError, AssertionError)):
        BROKEN[case]()(torch.zeros(1, *IMAGE))
    clash = explain(BROKEN[case](), IMAGE)
    assert clash is not None and clash.repairs
    for words in clash.repairs:
        net, given = repaired(BROKEN[case](), words, clash.layer)
        net.eval()(given)


def test_a_repair_that_does_not_mend_would_be_found():
    net, given = repaired(BROKEN["channels"](), "set in_channels=7 (was 9)", "1")
    with pytest.raises(RuntimeError):
        net(given)


@pytest.mark.parametrize(
    ("case", "changes"),
    [
        ("three times the wrong channels", 4),
        ("wrong all the way to the head", 6),
        ("view", 2),
        ("a decoder without padding", 1),
        ("a deep decoder without padding", 3),
    ],
)
def test_as_many_changes_are_told_as_are_needed(case: str, changes: int):
    for words in (clash := explain(BROKEN[case](), IMAGE)).repairs:
        assert words.count("(was ") + words.count("write ") == changes
        for left_out in range(changes if changes > 1 else 0):
            parts = re.split(r" and (?=set |write )", words)
            net, given = repaired(BROKEN[case](), " and ".join(part for i, part in enumerate(parts) if i != left_out), clash.layer)
            with pytest.raises((RuntimeError, ValueError)):
                net(given)


FAULTS = {
    "group norm": ("input", "GroupNorm", "GroupNorm(4, 16"),
    "group norm whose groups do not divide": ("input", "GroupNorm", "num_groups"),
    "LSTM": ("input", "LSTM", "LSTM(12, 4"),
    "GRU over a map": ("input", "GRU", "GRU(10, 4"),
    "attention": ("input", "MultiheadAttention", "embed_dim=16"),
    "attention to keys of another width": ("input", "MultiheadAttention", "embed_dim=16"),
    "pixel shuffle": ("input", "PixelShuffle", "upscale_factor=2"),
    "channel shuffle": ("input", "ChannelShuffle", "groups=3"),
    "layer norm": ("input", "LayerNorm", "normalized_shape"),
    "view": ("view", "view", "401"),
    "view with a rest": ("view", "view", "401"),
    "half of a network in another type": ("types", "another type", "Half"),
    "whole numbers wanted": ("types", "another type", "Long"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_no_clash_of_shapes_is_told_as_what_it_is(case: str):
    fault, what, why = FAULTS[case]
    clash = explain(BROKEN[case](), IMAGE)
    error = clash.error()
    assert clash.fault == fault
    assert isinstance(error, ForwardFault) and not isinstance(error, ShapeClash)
    assert what in error.what and why in error.why


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = conv(3, 8)

    def forward(self, x: Tensor, mask: Tensor, *, scale: float) -> Tensor:
        return self.conv(x) * mask * scale


class Calls(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Masked()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


@pytest.mark.parametrize(
    ("net", "inputs", "layer", "named"),
    [
        (Masked(), IMAGE, "", "mask"),
        (Calls(), IMAGE, "inner", "mask"),
        (nn.Sequential(conv(3, 8)), [IMAGE, IMAGE], "", "positional argument"),
        (Masked(), {"x": IMAGE, "mask": (1, 1, 1), "scale": 2.0, "more": 1}, "", "more"),
    ],
)
def test_arguments_that_are_missing_or_too_many_are_told_with_what_forward_takes(net: nn.Module, inputs, layer: str, named: str):
    clash = explain(net, inputs)
    error = clash.error()
    assert (clash.fault, clash.layer) == ("arguments", layer)
    assert not isinstance(error, ShapeClash) and named in error.why and "it takes (" in error.why
    assert clash.repairs == ()


class Lines(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.linear = conv(3, 8), conv(3, 8, stride=2), nn.Linear(10, 10)

    def forward(self, x: Tensor) -> Tensor:
        left = self.a(x)
        return left + self.b(x)  # the line that breaks


def test_the_line_of_the_users_forward_is_named():
    source, first = inspect.getsourcelines(Lines.forward)
    number = first + next(i for i, line in enumerate(source) if "breaks" in line)
    clash = explain(Lines(), IMAGE)
    assert clash.line == f"test_repairs.py, line {number}: return left + self.b(x)  # the line that breaks"
    assert clash.line in clash.error().why


def test_a_layer_inside_of_torch_is_told_by_the_line_that_calls_it_and_a_sequential_by_none():
    called = explain(Viewing(1, 8 * 30 * 30, features=50), IMAGE)
    assert "self.linear(self.flat(self.conv(x)))" in called.line
    assert explain(BROKEN["channels"](), IMAGE).line == ""


def test_code_that_fails_for_reasons_of_its_own_gets_its_error_and_no_repairs():
    clash = explain(Written(lambda m, x: m.nowhere(x)), IMAGE)
    assert clash.fault == "code" and clash.repairs == ()
    assert "has no attribute 'nowhere'" in clash.error().why


def test_no_flattening_is_proposed_for_a_view_of_more_dimensions():
    clash = explain(Written(lambda m, x: m.c(x).reshape(-1, 7, 30, 30), c=conv(3, 8)), IMAGE)
    assert clash.fault == "view" and clash.repairs == ()


def test_two_shapes_that_meet_in_the_users_own_line_are_a_clash_of_shapes():
    clash = explain(Written(lambda m, x: m.c(x) @ torch.ones(5, 5), c=conv(3, 8)), IMAGE)
    assert isinstance(clash.error(), ShapeClash) and clash.shapes[-1] == (5, 5) and "@" in clash.line


def test_the_network_itself_is_never_changed():
    net = BROKEN["three times the wrong channels"]()
    before = {name: (id(p), tuple(p.shape)) for name, p in net.named_parameters()}
    explain(net, IMAGE)
    assert before == {name: (id(p), tuple(p.shape)) for name, p in net.named_parameters()}
    assert [m.in_channels for m in net if isinstance(m, nn.Conv2d)] == [3, 10, 24]
