"""Multiply-accumulates: against published nets, and against layers of ones whose outputs are their own count."""

import csv
import re
from pathlib import Path

import pytest
import torch
from reference_nets import torchvision_net
from torch import Tensor, nn
from torch.nn import functional as F

from receptron.analysis.cost import cost
from receptron.analysis.cost.macs import total
from receptron.analysis.recording import record


@pytest.mark.shared
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.campaign)], ids=["a quarter", "all"])
def test_published_nets_count_exactly(shared: Path, every: int):
    rows = [row for row in csv.DictReader((shared / "reference/params_macs.csv").read_text().splitlines()) if row["status"] == "ok"]
    assert len(rows) == 79
    wrong = []
    for row in rows[::every]:
        found = cost(torchvision_net(row["model"], int(row["size"])), (3, int(row["size"]), int(row["size"])))
        if (found.macs, found.parameters, found.unknown) != (int(row["exact_MACs"]), int(row["exact_params"]), {}):
            wrong.append((row["model"], found))
    assert not wrong


def counted(module: nn.Module, *inputs: Tensor) -> tuple[int, int, dict[str, int]]:
    found = total(record(module, list(inputs)))
    return found.macs, found.in_bounds, found.unknown


def of_ones(module: nn.Module) -> nn.Module:
    """All weights one and all biases zero, so that an input of ones makes every output the number of its products."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.fill_(0.0 if "bias" in name else 1.0)
    return module


CONVOLUTIONS = [
    nn.Conv2d(4, 6, 3, 2, 1, groups=2),
    nn.Conv2d(4, 4, (3, 5), (1, 2), (2, 0), (2, 1)),
    nn.Conv2d(4, 8, 1),
    nn.Conv2d(4, 4, 3, padding="same", dilation=2, groups=4),
    nn.Conv2d(4, 2, 3, padding="valid"),
    nn.Conv2d(4, 2, 5, stride=3, padding=4),
]


@pytest.mark.parametrize("module", CONVOLUTIONS, ids=str)
def test_convolutions_count_what_ones_add_up_to(module: nn.Conv2d):
    x = torch.ones(2, 4, 11, 9)
    with torch.no_grad():
        inside = int(of_ones(module)(x).sum())
        padding = module._reversed_padding_repeated_twice
        everywhere = int(
            F.conv2d(F.pad(x, padding, value=1.0), module.weight, None, module.stride, 0, module.dilation, module.groups).sum()
        )
    assert counted(module, x) == (everywhere, inside, {})


@pytest.mark.parametrize("module", [nn.Conv1d(4, 6, 3, padding=2, dilation=2), nn.Conv1d(4, 4, 5, 2)], ids=str)
def test_one_dimensional_convolutions(module: nn.Conv1d):
    x = torch.ones(1, 4, 17)
    out = of_ones(module)(x)
    assert counted(module, x)[1] == int(out.sum())
    assert counted(module, x)[0] == out.numel() * 4 * module.kernel_size[0]


def test_three_dimensional_convolutions():
    module, x = nn.Conv3d(2, 3, (1, 3, 3), padding=(0, 1, 1)), torch.ones(1, 2, 4, 6, 6)
    out = of_ones(module)(x)
    assert counted(module, x)[:2] == (out.numel() * 2 * 9, int(out.sum()))


@pytest.mark.parametrize(
    "module",
    [nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), nn.ConvTranspose2d(4, 2, 2, 2), nn.ConvTranspose2d(4, 2, 5, 3, 2, dilation=2)],
    ids=str,
)
def test_transposed_convolutions_multiply_each_input_pixel_with_the_kernel(module: nn.ConvTranspose2d):
    x = torch.ones(1, 4, 7, 5)
    inside = int(of_ones(module)(x).sum())
    uncropped = F.conv_transpose2d(x, module.weight, None, module.stride, 0, 0, module.groups, module.dilation)
    assert counted(module, x) == (int(uncropped.sum()), inside, {})


class Applied(nn.Module):
    """A function as a module, with a parameter so that it has a type."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args: Tensor) -> Tensor:
        return self.function(*args)


PRODUCTS = {
    "x @ y": (lambda a, b: a @ b, [(5, 7), (7, 3)]),
    "batched": (lambda a, b: a @ b, [(2, 4, 5, 7), (2, 4, 7, 3)]),
    "broadcast": (lambda a, b: a @ b, [(2, 4, 5, 7), (7, 3)]),
    "vector": (lambda a, b: a @ b, [(5, 7), (7,)]),
    "dot": (lambda a, b: a @ b, [(7,), (7,)]),
    "einsum": (lambda a, b: torch.einsum("bhqd,bhkd->bhqk", a, b), [(2, 3, 5, 8), (2, 3, 6, 8)]),
    "einsum over two": (lambda a, b: torch.einsum("bij,ijk->bk", a, b), [(2, 3, 5), (3, 5, 4)]),
    "addmm": (lambda a, b, c: torch.addmm(c, a, b) - c, [(5, 7), (7, 3), (5, 3)]),
    "baddbmm": (lambda a, b, c: torch.baddbmm(c, a, b) - c, [(2, 5, 7), (2, 7, 3), (2, 5, 3)]),
    "linear": (lambda a, b: F.linear(a, b), [(2, 5, 7), (3, 7)]),
    "functional convolution": (lambda a, b: F.conv2d(a, b), [(1, 4, 8, 8), (6, 4, 3, 3)]),
    "outer": (lambda a, b, c: torch.addr(c, a, b) - c, [(5,), (7,), (5, 7)]),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_count_what_ones_add_up_to(name: str):
    function, shapes = PRODUCTS[name]
    ones = [torch.ones(shape) for shape in shapes]
    assert counted(Applied(function), *ones)[:2] == (int(function(*ones).sum()),) * 2


def test_a_linear_layer_over_a_sequence():
    assert counted(nn.Linear(7, 3), torch.ones(2, 5, 7)) == (2 * 5 * 7 * 3, 2 * 5 * 7 * 3, {})


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_attention_counts_in_every_mode(train: bool, frozen: bool):
    length, width = 10, 16
    module = nn.MultiheadAttention(width, 4, batch_first=True).train(train).requires_grad_(not frozen)
    x = torch.ones(1, length, width)
    projections, products = 4 * length * width * width, 2 * length * length * width
    assert counted(Applied(lambda q: module(q, q, q)[0]), x)[0] == projections + products
    assert counted(Applied(lambda q: module(q, q, q, need_weights=False)[0]), x)[0] == projections + products


@pytest.mark.parametrize("grad", [False, True])
def test_an_encoder_layer_counts_although_torch_has_a_fused_path_for_it(grad: bool):
    length, width = 10, 16
    module = nn.TransformerEncoderLayer(width, 4, 32, batch_first=True).eval()
    with torch.set_grad_enabled(grad):
        found = counted(module, torch.ones(1, length, width))
    assert found == (4 * length * width**2 + 2 * length**2 * width + 2 * length * width * 32,) * 2 + ({},)


def test_scaled_dot_product_attention_is_two_products():
    q = torch.ones(2, 4, 10, 8)
    assert counted(Applied(F.scaled_dot_product_attention), q, q, q)[0] == 2 * 2 * 4 * 10 * 10 * 8


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
@pytest.mark.parametrize("both", [False, True])
def test_recurrent_layers_count_every_step_and_gate(kind: type[nn.RNNBase], gates: int, both: bool):
    module = kind(6, 8, num_layers=2, batch_first=True, bidirectional=both)
    ways = 1 + both
    expected = 5 * ways * gates * 8 * ((6 + 8) + (8 * ways + 8))
    assert counted(module, torch.ones(1, 5, 6)) == (expected, expected, {})


def test_embedding_is_a_look_up_and_multiplies_nothing():
    module = nn.Sequential(nn.Embedding(50, 8), nn.Linear(8, 3))
    assert counted(module, torch.zeros(1, 7, dtype=torch.long))[0] == 7 * 8 * 3


def test_a_shared_module_works_twice_and_weighs_once():
    layer = nn.Linear(8, 8)
    found = cost(nn.Sequential(layer, nn.ReLU(), layer), (8,))
    assert (found.macs, found.parameters) == (128, 72)


def test_a_direct_call_of_forward_counts():
    inner = nn.Conv2d(3, 4, 3)
    assert counted(Applied(lambda x: inner.forward(x)), torch.ones(1, 3, 8, 8))[0] == 36 * 4 * 27


def test_weights_computed_on_the_way_count():
    module = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
    assert counted(module, torch.ones(1, 3, 8, 8))[0] == 36 * 4 * 27


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(3, 4, 3), (3, 8, 8)),
        (nn.Conv1d(3, 4, 3), (3, 16)),
        (nn.ConvTranspose2d(3, 4, 2, stride=2), (3, 8, 8)),
        (nn.Linear(5, 7), (5,)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_older_weight_norm_is_free(layer: nn.Module, shape: tuple[int, ...]):
    plain = cost(layer, shape)
    found = cost(nn.utils.weight_norm(layer), shape)
    assert (found.macs, found.unknown) == (plain.macs, {})


def test_backward_costs_twice_except_where_no_gradient_is_needed():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3))
    first, second = 64 * 27 * 4, 36 * 36 * 5
    assert cost(net, (3, 10, 10)).backward_macs == first + 2 * second
    net[0].requires_grad_(False)
    assert cost(net, (3, 10, 10)).backward_macs == second


def test_the_backward_count_is_that_of_torchs_own_counter():
    from torch.utils.flop_counter import FlopCounterMode

    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, 2), nn.Flatten(), nn.Linear(8 * 7 * 7, 10))
    x = torch.randn(2, 3, 16, 16)
    with FlopCounterMode(display=False) as counter:
        out = net(x)
        forward = counter.get_total_flops()
        out.sum().backward()
    found = cost(net, (3, 16, 16), batch=2)
    assert 2 * found.macs == forward
    assert 2 * found.backward_macs == counter.get_total_flops() - forward


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "swin_t"])
def test_answers_are_the_same_on_every_device_and_in_every_state(name: str):
    size = (3, 224, 224)
    expected = cost(torchvision_net(name), size)
    real = torchvision_net(name, device="cpu")
    assert cost(real, size) == expected
    assert cost(real.eval(), size) == expected
    with torch.no_grad():
        assert cost(real.train(), size) == expected
    frozen = cost(real.requires_grad_(False), size)
    assert (frozen.macs, frozen.parameters, frozen.trainable, frozen.backward_macs) == (expected.macs, expected.parameters, 0, 0)
    trained = total(record(real, size, train=True))
    assert trained.macs == expected.macs


def test_an_unknown_operator_makes_the_total_a_lower_bound():
    found = total(record(Applied(lambda x: torch.linalg.inv(x) @ x), [torch.eye(4)]))
    assert found.macs == 64
    assert any(re.search("inv", op) for op in found.unknown)
