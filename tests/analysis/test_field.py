"""Receptive fields, against gradients of impulses: on published nets and on random graphs; and against a published table."""

from collections.abc import Callable
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from impulse import averaging_pools, made_positive, pixels_reaching
from reference_nets import torchvision_net
from torch import Tensor, nn
from torch.nn import functional as F

from receptron.analysis.receptive_field.field import Fields, FieldScope, field_of, receptive_field
from receptron.analysis.recording import record
from receptron.errors import BadValue, NotLocal, UnknownName

NETS = {
    "resnet18": ["conv1", "layer1", "layer2", "layer4", ""],
    "vgg11_bn": ["features.3", "features.15", "features", "classifier.0"],
    "googlenet": ["inception3a", "inception4e", "inception5b"],
    "densenet121": ["features.denseblock1", "features.transition2"],
    "mobilenet_v2": ["features.3", "features.18"],
    "shufflenet_v2_x0_5": ["stage2", "conv5"],
    "squeezenet1_1": ["features.4", "features.12", ""],
    "mobilenet_v3_small": ["features.1", "features.3"],
    "convnext_tiny": ["features.1", "features.3"],
    "mnasnet0_5": ["layers.9"],
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.campaign if name == "vgg11_bn" else ()) for name in NETS])
def test_windows_at_a_size_are_those_of_gradient_impulses(name: str):
    torch.manual_seed(0)
    net = made_positive(torchvision_net(name, device="cpu"))
    size = (69, 77)
    tape = record(net, (3, *size))
    fields = Fields(tape)
    seen: dict[str, Tensor] = {}
    for path, module in net.named_modules():
        module.register_forward_hook(lambda m, a, out, path=path: seen.__setitem__(path, out))
    x = (1 + torch.rand(1, 3, *size, dtype=torch.double)).requires_grad_()
    with averaging_pools():
        net(x)
    for layer in NETS[name]:
        out, value = seen[layer], tape.output_of(layer)
        units = {(0,)} if out.dim() < 4 else set(product({0, out.shape[2] // 2, out.shape[2] - 1}, {0, out.shape[3] // 3}))
        for unit in units:
            expected = pixels_reaching(x, out, unit)
            assert tuple(map(set, fields.reach.seen_by(value, unit))) == expected, (layer, unit)


MIDDLE = [("resnet18", "layer2"), ("mobilenet_v2", "features.6"), ("googlenet", "inception3b")]
LARGE = pytest.param("vgg11", "features.8", marks=pytest.mark.campaign)


@pytest.mark.parametrize(("name", "layer"), [*MIDDLE, LARGE])
def test_size_jump_start_and_padding_are_those_of_gradient_impulses_in_the_middle(name: str, layer: str):
    net = made_positive(torchvision_net(name, device="cpu"))
    part = dict(net.named_modules())[layer]
    seen: list[Tensor] = []
    part.register_forward_hook(lambda m, a, out: seen.append(out))
    x = (1 + torch.rand(1, 3, 193, 193, dtype=torch.double)).requires_grad_()
    with averaging_pools():
        net(x)
    field = receptive_field(record(net, (3, 193, 193)), layer).axes[0]
    middle = seen[0].shape[2] // 2
    here, next_one = (pixels_reaching(x, seen[0], (middle + i, middle))[0] for i in (0, 1))
    assert field.scope == "local"
    assert field.size == max(here) - min(here) + 1
    assert field.taken == len(here)
    assert field.jump == min(next_one) - min(here)
    assert field.start == (max(here) + min(here)) / 2 - middle * field.jump
    assert -field.padding == min(here) - middle * field.jump


class Graph(nn.Module):
    """A random graph: each node applies an operation of ones to earlier nodes."""

    def __init__(self, nodes: list[tuple]):
        super().__init__()
        self.nodes = nodes

    def forward(self, x: Tensor) -> list[Tensor]:
        made = [x]
        for kind, first, second, numbers in self.nodes:
            one, two = made[first % len(made)], made[second % len(made)]
            try:
                made.append(apply(kind, one, two, *numbers))
            except (RuntimeError, ValueError):
                made.append(one * 1)
        return made[1:]


def apply(kind: str, one: Tensor, two: Tensor, k1: int, k2: int, stride: int, padding: int, dilation: int) -> Tensor:
    ones = torch.ones(one.shape[1], 1, k1, k2, dtype=one.dtype, device=one.device)
    match kind:
        case "conv":
            inside = min(padding, (k1 - 1) * dilation // 2)  # a row of padding alone would see nothing
            return F.conv2d(one, ones, None, (stride, 1), (inside, 0), (dilation, 1), one.shape[1])
        case "transposed":
            strides = (min(stride, k1), min(2, k2))
            return F.conv_transpose2d(one, ones, None, strides, (0, min(padding, k2 - 1)), 0, one.shape[1], (1, 1))
        case "pool":
            return F.avg_pool2d(one, (k1, k2), stride, (min(padding, k1 // 2), 0), ceil_mode=bool(dilation % 2))
        case "nearest":
            return F.interpolate(one, scale_factor=stride, mode="nearest")
        case "bilinear":
            return F.interpolate(one, scale_factor=2, mode="bilinear")
        case "flip":
            return one.flip(2)
        case "window":
            return one.unflatten(2, (-1, k1)).mean(3, keepdim=True).expand(-1, -1, -1, k1, -1).flatten(2, 3)
        case "gate":
            return one * one.mean((2, 3), keepdim=True)
    height, width = min(one.shape[2], two.shape[2]), min(one.shape[3], two.shape[3])
    one, two = one[:, :, :height, :width], two[:, :, :height, :width]
    return torch.cat((one, two), 1) if kind == "cat" else one[:, :1] + two[:, :1]


def nodes(kinds: list[str], largest: int = 6) -> st.SearchStrategy[list[tuple]]:
    number = st.integers(0, 5)
    numbers = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 2), st.integers(1, 2))
    return st.lists(st.tuples(st.sampled_from(kinds), number, number, numbers), min_size=1, max_size=largest)


ANY = ["conv", "conv", "transposed", "pool", "nearest", "bilinear", "flip", "window", "gate", "cat", "add"]


@settings(deadline=None, max_examples=60)
@given(nodes(ANY), st.integers(6, 11), st.integers(5, 9))
def test_every_unit_of_a_random_graph_sees_what_gradients_say(graph: list[tuple], height: int, width: int):
    net = Graph(graph)
    x = torch.ones(1, 1, height, width, dtype=torch.double, requires_grad=True)
    outs = net(x)
    tape = record(net, [torch.ones(1, 1, height, width, dtype=torch.double)])
    reach = Fields(tape).reach
    for out, value in zip(outs, tape.outputs, strict=True):
        for unit in product(range(0, out.shape[2], 3), range(0, out.shape[3], 4)):
            assert tuple(map(set, reach.seen_by(value, unit))) == pixels_reaching(x, out, unit)


@settings(deadline=None, max_examples=60)
@given(nodes(["conv", "conv", "transposed", "pool", "nearest", "cat", "add"], 4))
def test_fields_of_a_random_graph_are_those_of_gradients_far_from_the_border(graph: list[tuple]):
    net, size = Graph(graph), 96
    x = torch.ones(1, 1, size, 24, dtype=torch.double, requires_grad=True)
    outs = net(x)
    fields = Fields(record(net, [torch.ones(1, 1, size, 24, dtype=torch.double)]))
    for out, value in zip(outs, fields.tape.outputs, strict=True):
        state = fields.state(value, 0)[0]
        if not isinstance(state, FieldScope):
            middle = min(out.shape[2] - 1, int(size / 2 / state.jump))
            start, bits = state.row(middle)
            expected = {start + i for i in range(bits.bit_length()) if bits >> i & 1}
            if min(expected, default=-1) >= 16 and max(expected, default=size) < size - 16:
                assert pixels_reaching(x, out, (middle, out.shape[3] // 2))[0] == expected


def test_holes_are_told_apart_from_the_extent():
    field = receptive_field(record(nn.Sequential(nn.Conv2d(3, 4, 3, dilation=4), nn.Conv2d(4, 4, 3, dilation=4)), (3, 64, 64)))
    assert (field.axes[0].size, field.axes[0].taken) == (17, 5)


def test_a_gate_makes_a_layer_global_and_its_local_field_is_told_beside():
    tape = record(torchvision_net("mobilenet_v3_small"), (3, 224, 224))
    axis = receptive_field(tape, "features.1").axes[0]
    assert (axis.scope, axis.size, axis.local) == ("global", 224, 7)
    with pytest.raises(NotLocal, match=r"features\.1 sees the whole input"):
        _ = receptive_field(tape, "features.1").size


def test_attention_is_global_and_windowed_attention_is_exact_at_its_size():
    assert receptive_field(record(torchvision_net("vit_b_16"), (3, 224, 224)), "encoder").axes[0].scope == "global"
    tape = record(torchvision_net("swin_t"), (3, 224, 224))
    assert receptive_field(tape, "features.1.0").axes[0].size == 28
    assert receptive_field(tape, "features.1.0").axes[0].scope == "at this size"


def test_branches_that_drift_apart_are_worked_out_at_the_size():
    class Drifting(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :, ::2, ::2] + x[:, :, :16, :16]

    axis = receptive_field(record(Drifting(), (3, 32, 32))).axes[0]
    assert axis.scope == "at this size"
    assert axis.size == 16


def test_a_sequence_has_one_axis_and_a_causal_convolution_sees_no_future():
    class Causal(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(4, 4, 3, dilation=2)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(F.pad(x, (4, 0)))

    fields = Fields(record(nn.Sequential(Causal(), Causal()), (4, 40)))
    assert field_of(fields, fields.tape.outputs[0]).axes[0].size == 9
    (seen,) = fields.reach.seen_by(fields.tape.outputs[0], (20,))
    assert max(seen) == 20


def test_questions_that_have_no_answer_are_refused():
    tape = record(nn.Sequential(nn.Conv2d(3, 4, 3)), (3, 8, 8))
    with pytest.raises(UnknownName, match="no layer named 'conv'"):
        receptive_field(tape, "conv")
    with pytest.raises(BadValue, match="no unit"):
        Fields(tape).reach.seen_by(tape.outputs[0], (6, 0))


class Doing(nn.Module):
    """Modules and what is done with them."""

    def __init__(self, work: Callable[..., Tensor], *modules: nn.Module):
        super().__init__()
        self.parts, self.work = nn.ModuleList(modules), work

    def forward(self, x: Tensor) -> Tensor:
        return self.work(x, *self.parts)


SPACE: list[tuple[str, nn.Module, tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = [
    ("pictures", nn.Conv2d(3, 8, 3), (3, 16, 16), (-2, -1), (3, 3)),
    ("sound", nn.Conv1d(3, 8, 5), (3, 32), (-1,), (5,)),
    ("volumes", nn.Conv3d(3, 8, 3), (3, 4, 16, 16), (-3, -2, -1), (3, 3, 3)),
    ("frames, each a picture", Doing(lambda x, c: c(x.flatten(0, 1)), nn.Conv2d(3, 8, 3)), (5, 3, 16, 16), (-2, -1), (3, 3)),
    ("time x bands", Doing(lambda x, c: c(x.transpose(1, 2)), nn.Conv1d(40, 8, 3)), (100, 40), (-2,), (3,)),
    ("frames of joints", Doing(lambda x, c: c(x.flatten(2).transpose(1, 2)), nn.Conv1d(34, 8, 3)), (50, 17, 2), (-3,), (3,)),
    ("channels last", Doing(lambda x, c: c(x.permute(0, 3, 1, 2)), nn.Conv2d(3, 8, 3)), (16, 16, 3), (-3, -2), (3, 3)),
    ("tokens", Doing(lambda x, a: a(x, x, x)[0], nn.MultiheadAttention(16, 2, batch_first=True)), (20, 16), (-2,), (20,)),
    ("rows summed up in pairs", Doing(lambda x, c: c(x.unflatten(2, (-1, 2)).mean(3)), nn.Conv2d(3, 8, 3)), (3, 16, 16), (-2, -1), (6, 3)),
    (
        "frames averaged at the end",
        Doing(lambda x, c: c(x.flatten(0, 1)).unflatten(0, x.shape[:2]).mean(1), nn.Conv2d(3, 8, 3)),
        (5, 3, 9, 9),
        (-2, -1),
        (3, 3),
    ),
    ("rows of numbers", nn.Linear(40, 8), (100, 40), (-2,), (1,)),
]


@pytest.mark.parametrize(("net", "size", "axes", "sees"), [case[1:] for case in SPACE], ids=[case[0] for case in SPACE])
def test_channels_are_not_space(net: nn.Module, size: tuple[int, ...], axes: tuple[int, ...], sees: tuple[int, ...]):
    fields = Fields(record(net, size))
    assert fields.axes == axes
    assert tuple(axis.size for axis in field_of(fields, fields.tape.outputs[0]).axes) == sees
