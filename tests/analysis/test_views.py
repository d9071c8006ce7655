"""Calls read as what they mean, against the modules that made them; and one entry per operator that everything else follows from."""

import pytest
import torch
from torch import nn

from receptron.analysis.cost.macs import works_of
from receptron.analysis.cost.working import working
from receptron.analysis.receptive_field.access_patterns import RULES
from receptron.analysis.recording import record
from receptron.analysis.tape import Call, Tape
from receptron.analysis.tape.operators import MULTIPLIED, NORMALISED, POOLED, is_known
from receptron.analysis.tape.views import BATCH_NORMS, OTHER_NORMS, POOLINGS, VIEWS, Convolution, Normalization, Pooling, Product, view_of


def recorded(module: nn.Module, *size: int, train: bool = False) -> tuple[Tape, Call]:
    """The tape, and its call that has a view."""
    tape = record(module, size, train=train)
    return tape, next(call for call in tape.calls if call.op in VIEWS)


CONVOLUTIONS = [
    (nn.Conv2d(4, 6, (3, 5), (1, 2), (2, 0), (2, 1), groups=2), (4, 11, 13)),
    (nn.Conv1d(4, 8, 3, 2, bias=False), (4, 17)),
    (nn.Conv3d(2, 3, (1, 3, 2), padding=(0, 1, 1)), (2, 4, 6, 5)),
    (nn.ConvTranspose2d(4, 6, 3, 2, 1, (1, 0), groups=2), (4, 7, 5)),
    (nn.ConvTranspose1d(4, 2, 5, 3, 2, dilation=2, bias=False), (4, 9)),
]


@pytest.mark.parametrize(("module", "size"), CONVOLUTIONS, ids=str)
def test_a_convolution_is_read_as_its_module_is_set_up(module: nn.Conv2d, size: tuple[int, ...]):
    tape, call = recorded(module, *size)
    view = Convolution.from_call(tape, call)
    assert view.window == (module.kernel_size, module.stride, module.padding, module.dilation)
    assert (view.c_in, view.c_out, view.groups) == (module.in_channels, module.out_channels, module.groups)
    assert (view.transposed, view.output_padding) == (module.transposed, module.output_padding)
    assert (view.bias is not None) == (module.bias is not None)
    assert view.size == size[1:]
    assert tape.values[view.weight].name == "weight"


POOLS = [
    (nn.MaxPool2d(3, 2, 1), (4, 9, 9), ((3, 3), (2, 2), (1, 1), (1, 1)), False),
    (nn.MaxPool2d((3, 2), dilation=2, ceil_mode=True), (4, 12, 9), ((3, 2), (3, 2), (0, 0), (2, 2)), True),
    (nn.AvgPool2d(2, ceil_mode=True), (4, 9, 9), ((2, 2), (2, 2), (0, 0), (1, 1)), True),
    (nn.AvgPool2d((2, 3), 1), (4, 9, 9), ((2, 3), (1, 1), (0, 0), (1, 1)), False),
    (nn.AvgPool3d(2), (4, 4, 4, 4), ((2, 2, 2), (2, 2, 2), (0, 0, 0), (1, 1, 1)), False),
]


@pytest.mark.parametrize(("module", "size", "window", "ceil"), POOLS, ids=lambda value: str(value) if isinstance(value, nn.Module) else "")
def test_a_pooling_is_read_as_its_module_is_set_up(module: nn.Module, size: tuple[int, ...], window: object, ceil: bool):
    tape, call = recorded(module, *size)
    view = Pooling.from_call(tape, call)
    assert (view.window, view.ceil) == (window, ceil)


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2, ceil_mode=True), nn.AvgPool2d(2, ceil_mode=True)], ids=str)
def test_working_rounds_up_where_the_pooling_does(pool: nn.Module):
    tape, call = recorded(pool, 4, 9, 9)
    assert tape.values[call.outputs[0]].shape[2:] == (5, 5)
    assert any("5" in line.rpartition("=")[2] for line in working(tape, call))


NORMS = [
    (nn.BatchNorm2d(4), False, ()),
    (nn.BatchNorm2d(4), True, (-4, -2, -1)),
    (nn.BatchNorm1d(4), True, (-3, -1)),
    (nn.LayerNorm((6, 5)), False, (-2, -1)),
    (nn.GroupNorm(2, 4, affine=False), False, (-3, -2, -1)),
    (nn.RMSNorm(5), False, None),
]


@pytest.mark.parametrize(("module", "train", "over"), NORMS, ids=str)
def test_a_norm_is_read_with_what_shares_its_statistics(module: nn.Module, train: bool, over: tuple[int, ...] | None):
    size = (4, 6) if isinstance(module, nn.BatchNorm1d) else (4, 6, 5)
    tape = record(module, size, train=train)
    views = [view for call in tape.calls if isinstance(view := view_of(tape, call), Normalization)]
    if over is None:  # torch may write it out
        assert all(view.over == (-1,) for view in views)
    else:
        assert [(view.over, view.weight is not None) for view in views] == [(over, bool(list(module.parameters())))]


def test_a_product_sums_as_many_terms_as_ones_add_up_to():
    class Adding(nn.Module):
        def forward(self, added: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            return torch.addbmm(added, left, right)

    ones = torch.zeros(3, 5), torch.ones(2, 3, 7), torch.ones(2, 7, 5)
    tape = record(Adding(), list(ones))
    (view,) = [view for call in tape.calls if isinstance(view := view_of(tape, call), Product)]
    assert view.terms == int(torch.addbmm(*ones)[0, 0])


def test_one_entry_per_operator_says_what_the_rest_follows_from():
    assert {name for name in VIEWS if name not in (*POOLINGS, *BATCH_NORMS, *OTHER_NORMS)} == MULTIPLIED
    assert VIEWS.keys() <= RULES.keys()
    assert all(map(is_known, VIEWS))
    assert POOLINGS.keys() <= POOLED
    assert BATCH_NORMS.keys() | OTHER_NORMS.keys() <= NORMALISED


def test_a_view_of_other_arguments_would_be_counted_otherwise(monkeypatch: pytest.MonkeyPatch):
    tape, _ = recorded(nn.Linear(7, 3), 7)
    right = works_of(tape)
    monkeypatch.setitem(VIEWS, "addmm", lambda tape, call: Product(call.args[1], call.args[2], None, 3))
    assert works_of(tape) != right
