"""Recurrent layers that run along one axis of a map see all of that axis, and of the other what a convolution before them sees."""

import pytest
import torch
from impulse import pixels_reaching
from torch import Tensor, nn

from receptron.analysis.inspection import inspect
from receptron.analysis.receptive_field.field import Fields, receptive_field
from receptron.analysis.recording import record
from receptron.analysis.tape.overlap import Strided, apart

SIZE = (1, 2, 5, 6)


class Lines(nn.Module):
    """A convolution, then a recurrent layer along the rows or the columns, the other axis folded into the batch."""

    def __init__(self, kind: type[nn.RNNBase], axis: int, *, both: bool = False):
        super().__init__()
        self.look = nn.Conv2d(2, 3, 3, padding=1)
        self.read = kind(3, 2, batch_first=True, bidirectional=both)
        self.axis = axis

    def forward(self, x: Tensor) -> Tensor:
        x = self.look(x).movedim((self.axis, 1), (-2, -1))  # (N, other axis, axis, channels)
        out, _ = self.read(x.flatten(0, 1))
        return out.unflatten(0, x.shape[:2]).movedim((-2, -1), (self.axis, 1))


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM, nn.RNN])
@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("both", [False, True], ids=["forward", "both ways"])
def test_the_field_is_that_of_gradients(kind: type[nn.RNNBase], axis: int, both: bool):
    torch.manual_seed(0)
    net = Lines(kind, axis, both=both).double()
    x = torch.rand(SIZE, dtype=torch.double, requires_grad=True)
    tape, out = record(net, [torch.rand(SIZE, dtype=torch.double)]), net(x)
    fields = Fields(tape)
    for row in range(SIZE[2]):
        for column in range(SIZE[3]):
            assert tuple(map(set, fields.reach.seen_by(tape.outputs[0], (row, column)))) == pixels_reaching(x, out, (row, column))
    along, across = receptive_field(tape).axes[:: -1 if axis == -1 else 1]
    assert along.scope != "local" and (across.scope, across.size) == ("local", 3)
    assert not inspect(net, [torch.rand(SIZE, dtype=torch.double)]).unknown


def numbers(view: Strided) -> set[int]:
    """All places of a storage that a view lies at."""
    found = {view.offset}
    for count, stride in zip(view.shape, view.stride, strict=True):
        found = {place + i * stride for place in found for i in range(count)}
    return found


VIEWS = {
    "parts of a split": (Strided((6, 4), (12, 1), 0), Strided((6, 4), (12, 1), 4)),
    "every second column": (Strided((4, 3), (6, 2), 0), Strided((4, 3), (6, 2), 1)),
    "every second column, the same": (Strided((4, 3), (6, 2), 0), Strided((4, 2), (6, 2), 2)),
    "rows and a column": (Strided((2, 6), (6, 1), 0), Strided((3,), (6,), 2)),
    "rows and a column below them": (Strided((2, 6), (6, 1), 0), Strided((2,), (6,), 14)),
    "turned": (Strided((3, 2), (1, 8), 0), Strided((2, 3), (8, 1), 4)),
    "one number": (Strided((), (), 5), Strided((2, 2), (4, 1), 0)),
    "a run across the end of a row": (Strided((4,), (1,), 4), Strided((3, 2), (6, 1), 0)),
    "steps that do not nest": (Strided((4,), (3,), 0), Strided((4,), (2,), 1)),
}


@pytest.mark.parametrize("kind", VIEWS)
def test_views_that_are_called_apart_share_no_number(kind: str):
    one, other = VIEWS[kind]
    shared = bool(numbers(one) & numbers(other))
    assert apart(one, other) is (not shared) or kind in ("a run across the end of a row", "steps that do not nest")
    assert not (apart(one, other) and shared)


@pytest.mark.parametrize("write", ["add_", "mul_", "sigmoid_", "copy_"])
def test_a_write_to_one_part_of_a_split_leaves_the_other_as_it_was(write: str):
    class Split(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            wide = nn.functional.conv2d(x, torch.ones(4, 2, 5, 5, device=x.device), padding=2)
            one, other = (x + 1).repeat(1, 2, 1, 1).split(2, 1)
            getattr(one, write)(*([wide[:, :2]] if write != "sigmoid_" else []))
            return other

    assert receptive_field(record(Split(), SIZE[1:])).size == (1, 1)
