"""Parameters, MACs, FLOPs and bytes, against torch's own tensors and multiplications counted in loops."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from receptron.arithmetic import Conv, Linear, Norm, Pool, Transposed, flops, macs, map_memory, parameters, statistics, weight_memory
from receptron.errors import BadValue, UnknownName


def learnt(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def multiplications(layer: Conv, height: int, width: int) -> int:
    """Every multiplication of a convolution with one image, padding zeros included, one by one."""
    count = 0
    reach = layer.dilation * (layer.kernel - 1)
    for y, x in product(range(-layer.padding, height + layer.padding - reach), range(-layer.padding, width + layer.padding - reach)):
        if (y + layer.padding) % layer.stride == 0 and (x + layer.padding) % layer.stride == 0:
            for _ in product(range(layer.c_out), range(layer.c_in // layer.groups), range(layer.kernel), range(layer.kernel)):
                count += 1
    return count


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 4), st.integers(1, 2), st.integers(0, 2), st.integers(1, 2), st.sampled_from([1, 2]), st.booleans())
def test_convolutions_count_as_torch_and_as_loops(kernel: int, stride: int, padding: int, dilation: int, groups: int, bias: bool):
    layer = Conv(kernel, stride, padding, dilation, c_in=2, c_out=4, groups=groups, bias=bias)
    module = nn.Conv2d(2, 4, kernel, stride, padding, dilation, groups, bias)
    assert parameters(layer).value == learnt(module)
    assert macs(layer, (9, 8)).value == multiplications(layer, 9, 8)
    assert flops(layer, (9, 8)).value == 2 * macs(layer, (9, 8)).value


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        (Linear(7, 5), nn.Linear(7, 5)),
        (Linear(7, 5, bias=False), nn.Linear(7, 5, bias=False)),
        (Transposed(3, 2, c_in=4, c_out=6, groups=2), nn.ConvTranspose2d(4, 6, 3, 2, groups=2)),
        (Conv((3, 5), c_in=4, c_out=2), nn.Conv2d(4, 2, (3, 5))),
        (Conv((3,), c_in=4, c_out=2), nn.Conv1d(4, 2, 3)),
        (Conv((3, 3, 3), c_in=4, c_out=2), nn.Conv3d(4, 2, 3)),
        (Conv(3, c_in=8, c_out=8, groups=8, bias=False), nn.Conv2d(8, 8, 3, groups=8, bias=False)),
        (Norm(6), nn.BatchNorm2d(6)),
        (Norm(6, affine=False), nn.BatchNorm2d(6, affine=False)),
        (Norm(6, "instance", affine=True, running=True), nn.InstanceNorm2d(6, affine=True, track_running_stats=True)),
        (Norm(6, "group"), nn.GroupNorm(2, 6)),
        (Norm(6, "layer"), nn.LayerNorm(6)),
        (Pool(2), nn.MaxPool2d(2)),
    ],
)
def test_parameters_and_statistics_are_those_of_torch(layer, module: nn.Module):
    kept = sum(b.numel() for name, b in module.named_buffers() if "running" in name)
    assert (parameters(layer).value, statistics(layer).value) == (learnt(module), kept)


def test_a_transposed_convolution_multiplies_at_every_input_pixel():
    x = torch.ones(1, 1, 4, 4)
    scattered = nn.functional.conv_transpose2d(x, torch.ones(1, 1, 3, 3), stride=2)
    assert macs(Transposed(3, 2), 4).value == int(scattered.sum()) == 4 * 4 * 9


def test_the_separable_figures_of_the_second_document_and_its_misprint():
    standard = macs(Conv(3, padding=1, c_in=256, c_out=512), 56).value
    assert standard == 3_699_376_128 != 3_698_851_840


def test_pooling_and_norms_have_operations_but_no_multiply_accumulates():
    assert macs(Pool(3, 2, channels=4), 9).value == 0
    assert flops(Pool(3, 2, channels=4), 9).value == 4 * 16 * 8
    assert flops(Pool(3, 2, channels=4, kind="average"), 9).value == 4 * 16 * 9
    assert flops(Norm(8), 5).value == 2 * 8 * 25


def test_memory_is_that_of_torch_tensors():
    assert map_memory(64, 112, batch=2).value == torch.empty(2, 64, 112, 112).nbytes
    assert map_memory(64, (112, 56), bytes_each=2).value == torch.empty(64, 112, 56, dtype=torch.bfloat16).nbytes


@pytest.mark.parametrize(("optimizer", "states"), [("sgd", 0), ("momentum", 1), ("adamw", 2)])
def test_training_memory_is_weights_gradients_and_what_the_optimizer_really_keeps(optimizer: str, states: int):
    module = nn.Conv2d(3, 8, 3)
    made = {
        "sgd": lambda p: torch.optim.SGD(p),
        "momentum": lambda p: torch.optim.SGD(p, momentum=0.9),
        "adamw": lambda p: torch.optim.AdamW(p),
    }[optimizer](module.parameters())
    module(torch.ones(1, 3, 4, 4)).sum().backward()
    made.step()
    kept = sum(v.nbytes for state in made.state.values() for v in state.values() if torch.is_tensor(v) and v.numel() > 1)
    weights = sum(p.nbytes for p in module.parameters())
    assert weight_memory(Conv(3, c_in=3, c_out=8), optimizer).value == 2 * weights + kept
    assert kept == states * weights


def test_an_unknown_optimizer_and_norm_are_named():
    with pytest.raises(UnknownName, match="adamw"):
        weight_memory(Linear(2, 2), "adamv")
    with pytest.raises(UnknownName, match="batch"):
        Norm(4, "bach")
    with pytest.raises(BadValue, match="no running statistics"):
        Norm(4, "layer", running=True)
