"""What real numbers do not go through is not recorded either: held against a run of the same call with numbers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from receptron.analysis.recording import Unrecordable, record

Case = tuple[Callable[..., Any], tuple[tuple[int, ...], ...], tuple[torch.dtype, ...]]
REAL, DOUBLE, HALF, BRAIN, WHOLE, COMPLEX = torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.complex64
MAP, KERNEL = (1, 4, 8, 8), (4, 4, 3, 3)


def of_types(run: Callable[..., Any], *shapes: tuple[int, ...]) -> list[Case]:
    """A call with one type throughout, and with each pair of types."""
    pairs = [(REAL, REAL), (DOUBLE, DOUBLE), (REAL, DOUBLE), (DOUBLE, REAL), (REAL, HALF), (BRAIN, REAL), (WHOLE, REAL), (REAL, COMPLEX)]
    return [(run, shapes, (first, *[other] * (len(shapes) - 1))) for first, other in pairs]


def transposed(x: Tensor, weight: Tensor, *bias: Tensor) -> Tensor:
    return F.conv_transpose2d(x, weight, *bias)


def normalised(x: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    return F.batch_norm(x, mean, var)


CASES: list[Case] = [
    *of_types(F.conv2d, MAP, KERNEL),
    *of_types(F.conv2d, MAP, KERNEL, (4,)),
    *of_types(lambda x, w: F.conv2d(x, w, groups=4), MAP, (4, 1, 3, 3)),
    *of_types(F.conv3d, (1, 3, 4, 4, 4), (2, 3, 3, 3, 3)),
    *of_types(transposed, MAP, KERNEL),
    *of_types(F.linear, (2, 5), (3, 5)),
    *of_types(F.linear, (2, 4, 5), (3, 5), (3,)),
    *of_types(torch.matmul, (2, 3, 4, 5), (2, 3, 5, 4)),
    *of_types(torch.mm, (4, 5), (5, 3)),
    *of_types(torch.mv, (4, 5), (5,)),
    *of_types(torch.addmm, (4, 3), (4, 5), (5, 3)),
    *of_types(torch.baddbmm, (2, 4, 3), (2, 4, 5), (2, 5, 3)),
    *of_types(normalised, MAP, (4,), (4,)),
    *of_types(lambda x, w: F.group_norm(x, 2, w), MAP, (4,)),
    *of_types(lambda x, w, b: F.layer_norm(x, (5,), w, b), (2, 5), (5,), (5,)),
    *of_types(torch.cdist, (2, 3), (2, 3)),
    *of_types(lambda x, g: F.grid_sample(x, g, align_corners=False), MAP, (1, 4, 4, 2)),
    *[(F.conv2d, (MAP, KERNEL, (bias,)), (REAL,) * 3) for bias in (1, 3, 4, 5)],
    *[(transposed, ((1, channels, 8, 8), (4, 5, 3, 3)), (REAL,) * 2) for channels in (1, 3, 4, 5)],
    *[(transposed, (MAP, (4, 5, 3, 3), (bias,)), (REAL,) * 3) for bias in (1, 4, 5)],
    *[(lambda x, w, g=groups: F.conv_transpose2d(x, w, groups=g), (MAP, (4, 5, 3, 3)), (REAL,) * 2) for groups in (1, 2, 3, 4)],
    *[(lambda x, w, e=end: F.conv_transpose2d(x, w, stride=2, output_padding=e), (MAP, KERNEL), (REAL,) * 2) for end in (0, 1, 2, 3)],
    *[(lambda x, w, e=end: F.conv_transpose2d(x, w, dilation=3, output_padding=e), (MAP, KERNEL), (REAL,) * 2) for end in (1, 2, 3)],
    *[(lambda x, i: x.index_select(0, i), ((5, 3), (2,)), (REAL, dtype)) for dtype in (WHOLE, torch.int32, REAL)],
    *[(lambda x, i, s: x.index_add(0, i, s), ((5, 3), (2,), (2, n)), (REAL, WHOLE, t)) for n, t in ((3, REAL), (4, REAL), (3, DOUBLE))],
    *[(lambda x, i, v: x.index_put((i,), v), ((5, 3), (2,), (2, 3)), (REAL, WHOLE, t)) for t in (REAL, DOUBLE, WHOLE)],
    *[(lambda x, y: x.add_(y), ((2, 3), (n, 3)), (t, REAL)) for n, t in ((2, REAL), (2, WHOLE), (1, REAL), (2, DOUBLE))],
    *[
        (function, (MAP,), (dtype,))
        for function in (F.gelu, F.silu, F.hardswish, F.hardsigmoid, F.mish, F.softplus, F.elu, F.relu, torch.sigmoid, torch.tanh)
        for dtype in (REAL, DOUBLE, WHOLE)
    ],
    *[
        (function, (MAP,), (dtype,))
        for function in (
            lambda x: F.softmax(x, 1), lambda x: F.log_softmax(x, 1), lambda x: F.adaptive_avg_pool2d(x, 2), lambda x: F.unfold(x, 2),
            lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), lambda x: F.interpolate(x, scale_factor=2), torch.var, torch.std,
        )
        for dtype in (REAL, WHOLE)
    ],
]  # fmt: skip


class Called(nn.Module):
    """A function as a network."""

    def __init__(self, run: Callable[..., Any]) -> None:
        super().__init__()
        self.run = run

    def forward(self, *given: Tensor) -> Any:
        return self.run(*given)


def runs(attempt: Callable[[], Any], *refusals: type[Exception]) -> bool:
    try:
        attempt()
    except refusals:
        return False
    return True


@pytest.mark.parametrize("number", range(len(CASES)))
def test_is_recorded_if_and_only_if_it_runs(number: int) -> None:
    run, shapes, types = CASES[number]

    def given() -> list[Tensor]:
        return [torch.zeros(shape, dtype=dtype) for shape, dtype in zip(shapes, types, strict=True)]

    real = runs(lambda: run(*given()), RuntimeError, NotImplementedError, IndexError)
    assert runs(lambda: record(Called(run), given()), Unrecordable) is real, (shapes, types)


def test_the_cases_hold_both() -> None:
    real = [
        runs(lambda case=case: case[0](*[torch.zeros(s, dtype=t) for s, t in zip(case[1], case[2], strict=True)]), RuntimeError, IndexError)
        for case in CASES
    ]
    assert 60 < sum(real) < len(real) - 60


def test_autocast_would_cast() -> None:
    """On meta it does not; what it would make one type of is not refused."""

    def mixed(x: Tensor, weight: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return F.conv2d(x, weight)

    tape = record(Called(mixed), [torch.zeros(MAP, dtype=BRAIN), torch.zeros(KERNEL)])
    assert [call.op for call in tape.calls if call.op == "convolution"] == ["convolution"]
    with pytest.raises(Unrecordable, match="broke off"):
        record(Called(F.conv2d), [torch.zeros(MAP, dtype=BRAIN), torch.zeros(KERNEL)])


@pytest.mark.parametrize(
    "run",
    [
        lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        lambda x: torch.addmm(x, x, x, beta=0.5, alpha=2.0),
        lambda x: x.index_add(0, torch.tensor([0, 1]), x[:2], alpha=2),
        lambda x: torch.var(x, 0, correction=0),
    ],
)
def test_settings_given_by_name_hinder_nothing(run: Any):
    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return run(x)

    x = torch.zeros(8, 8)
    tape = record(Net(), [x])
    assert tape.values[tape.outputs[0]].shape == run(x).shape
