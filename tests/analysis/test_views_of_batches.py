"""A view that makes several rows of one image is told where it is a fault, and left alone where it is meant."""

import pytest
from torch import Tensor, nn

from receptron.analysis.lint import RULES, Subject
from receptron.analysis.recording import record


class Cut(nn.Module):
    """A map cut into rows of `features` numbers, and what comes behind."""

    def __init__(self, features: int, *behind: nn.Module, channels: int = 8):
        super().__init__()
        self.conv, self.features, self.behind = nn.Conv2d(3, channels, 3), features, nn.Sequential(*behind)

    def forward(self, x: Tensor) -> Tensor:
        return self.behind(self.conv(x).view(-1, self.features))


class Lenet(nn.Module):
    """Made for 32 px, where the last map has 16x5x5 numbers."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Sequential(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.maps(x).reshape(-1, 16 * 5 * 5))


class Sounds(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv1d(1, 4, 3), nn.Linear(31, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).view(-1, 31))


class Tokens(nn.Module):
    """Every token by itself, put together again or not."""

    def __init__(self, together: bool):
        super().__init__()
        self.head, self.together = nn.Linear(64, 5), together

    def forward(self, x: Tensor) -> Tensor:
        found = self.head(x.reshape(-1, x.shape[-1]))
        return found.view(*x.shape[:2], 5) if self.together else found


class Boxes(nn.Module):
    """A detector's head: four numbers a box, boxes of all images behind each other."""

    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 12, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x).permute(0, 2, 3, 1).reshape(-1, 4)


def told(net: nn.Module, size: tuple[int, ...], batch: int = 1) -> list[str]:
    return [advice.evidence for advice in RULES["view_mixes_images"](Subject(record(net, size, batch=batch)))]


@pytest.mark.parametrize(
    ("net", "size", "rows"),
    [
        (Cut(400, nn.Linear(400, 10)), (3, 112, 112), "242 rows of 400"),
        (Cut(400, nn.ReLU(), nn.BatchNorm1d(400), nn.Linear(400, 10), channels=16), (3, 112, 112), "484 rows of 400"),
        (Lenet(), (3, 52, 52), "4 rows of 400"),
        (Lenet(), (3, 92, 92), "16 rows of 400"),
        (Sounds(), (1, 64), "8 rows of 31"),
    ],
    ids=["a map", "a norm between", "lenet at 52 px", "lenet at 92 px", "sounds"],
)
def test_told(net: nn.Module, size: tuple[int, ...], rows: str) -> None:
    assert [rows in line for line in told(net, size)] == [True]
    assert len(told(net, size, batch=3)) == 1


@pytest.mark.parametrize(
    ("net", "size"),
    [
        (Lenet(), (3, 32, 32)),
        (Cut(96_800, nn.Linear(96_800, 2)), (3, 112, 112)),
        (Tokens(together=True), (49, 64)),
        (Tokens(together=False), (49, 64)),
        (Boxes(), (3, 8, 8)),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 36, 4)), (3, 8, 8)),
    ],
    ids=["lenet at 32 px", "flat", "tokens", "rows of tokens", "boxes", "flatten"],
)
def test_left_alone(net: nn.Module, size: tuple[int, ...]) -> None:
    assert told(net, size) == []
