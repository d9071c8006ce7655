"""Fields that are taken to be larger than they may be are told, each with the reason; those that are exact are not."""

from collections.abc import Callable

import pytest
import torch
from impulse import pixels_reaching
from torch import Tensor, nn
from torch.nn import functional as F

from receptron.analysis.inspection import inspect
from receptron.analysis.receptive_field.field import Fields, receptive_field
from receptron.analysis.recording import record

SIZE = (3, 12, 16)


class Runs(nn.Module):
    """A function of the input, and of a table of places."""

    def __init__(self, work: Callable[[Tensor, Tensor], Tensor]):
        super().__init__()
        self.work = work
        self.mix = nn.Conv1d(27, 27, 1)
        self.register_buffer("places", torch.tensor([0, 2, 4]))

    def forward(self, x: Tensor) -> Tensor:
        return self.work(x, self.places)


def folded(columns: Tensor) -> Tensor:
    return F.fold(columns, SIZE[1:], 3, padding=1)


def unfolded(x: Tensor) -> Tensor:
    return F.unfold(x, 3, padding=1)


TOLD: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "col2im": lambda x, i: folded(unfolded(x)),
    "col2im, scaled": lambda x, i: folded(F.relu(unfolded(x)) * 2),
    "col2im, turned and back": lambda x, i: folded(unfolded(x).transpose(1, 2).contiguous().transpose(1, 2)),
    "index_select": lambda x, i: x.index_select(2, i),
    "index": lambda x, i: x[:, :, i],
    "index, a list": lambda x, i: x[:, :, [0, 2, 4]],  # which torch makes a tensor without numbers before it is seen
    "_upsample_bilinear2d_aa": lambda x, i: F.interpolate(x, scale_factor=0.5, mode="bilinear", antialias=True),
}


@pytest.mark.parametrize("kind", TOLD)
def test_what_is_taken_to_read_more_is_told(kind: str):
    found = inspect(Runs(TOLD[kind]), SIZE)
    assert list(found.unknown) == [f"receptive fields behind {kind.partition(',')[0]}"]
    assert "taken is" in next(iter(found.unknown.values()))


@pytest.mark.parametrize("pad", [0, 1])
def test_columns_that_were_mixed_are_exact_and_nothing_is_told(pad: int):
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.Conv1d(27, 27, 1)

        def forward(self, x: Tensor) -> Tensor:
            return F.fold(self.mix(F.unfold(x, 3, padding=pad)), SIZE[1:], 3, padding=pad)

    found = inspect(Mixed(), SIZE)
    assert not found.unknown and found.layers[-1].field is not None


ROWS: dict[str, tuple[Callable[[Tensor], Tensor], tuple[str, int]]] = {
    "every second": (lambda x: x[:, :, torch.tensor([0, 2, 4, 6])], ("local", 3)),
    "some": (lambda x: x[:, :, torch.tensor([0, 1, 5])], ("at this size", 3)),
    "from behind": (lambda x: x[:, :, torch.tensor([-1, -3])], ("at this size", 3)),
    "every second by index_select": (lambda x: x.index_select(2, torch.tensor([1, 3, 5])), ("local", 3)),
    "by a mask": (lambda x: x[:, :, torch.arange(SIZE[1]) % 3 == 0], ("local", 3)),
    "one": (lambda x: x[:, :, torch.tensor([7])], ("at this size", 3)),
}


@pytest.mark.parametrize("kind", ROWS)
def test_rows_at_places_that_are_known_are_exact(kind: str):
    """Each unit against gradients; the other axis is the convolution's."""
    work, told = ROWS[kind]

    class Some(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.look = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return work(self.look(x))

    net = Some().double()
    x = torch.rand(1, *SIZE, dtype=torch.double, requires_grad=True)
    tape, out = record(net, [torch.rand(1, *SIZE, dtype=torch.double)]), net(x)
    fields = Fields(tape)
    for row in range(out.shape[2]):
        for column in (0, 7, 15):
            assert tuple(map(set, fields.reach.seen_by(tape.outputs[0], (row, column)))) == pixels_reaching(x, out, (row, column))
    first, second = receptive_field(tape).axes
    assert (first.scope, first.size) == told and (second.scope, second.size) == ("local", 3)
    assert not inspect(net, SIZE).unknown
