"""Layers against loops written from their definitions, and parameters against the formulas in the docstrings."""

from collections.abc import Callable
from math import ceil

import pytest
import torch
from torch import nn

import oracles
from receptron.blocks import attention, classical, conv, convnext, dense, inception, mobile, norm, pool, residual, transformer
from receptron.blocks.aspp import aspp
from receptron.blocks.chain import Concat, chain, joined, repeat, staged
from receptron.blocks.same import SameConv2d, pad_like_tensorflow


def size(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def norms(*channels: int) -> int:
    return 2 * sum(channels)


FORMULAS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "conv": (lambda: conv.conv(6, 8, 5, groups=2), 8 * 3 * 25 + norms(8)),
    "conv with bias": (lambda: conv.conv(6, 8, 3, norm=None), 8 * 6 * 9 + 8),
    "depthwise": (lambda: conv.depthwise(6, 5), 6 * 25 + norms(6)),
    "pointwise": (lambda: conv.pointwise(6, 8), 48 + norms(8)),
    "upconv": (lambda: conv.upconv(6, 8), 6 * 8 * 4 + 8),
    "strided": (lambda: pool.strided(6), 9 * 36 + norms(6)),
    "channel norm": (lambda: norm.ChannelNorm(6), norms(6)),
    "basic": (lambda: residual.basic(4, 8, 2), 9 * 8 * (4 + 8) + 4 * 8),
    "bottleneck": (lambda: residual.bottleneck(4, 32, 2, ratio=4, groups=2), 8 * 4 + 9 * 64 // 2 + 8 * 32 + norms(8, 8, 32)),
    "squeeze and excite": (lambda: attention.SqueezeExcite(16, 4), 2 * 16 * 4 + 16 + 4),
    "CBAM": (lambda: attention.CBAM(16, 4), 2 * 16 * 4 + 16 + 4 + 100),
    "separable": (lambda: mobile.separable(6, 8), 54 + 48 + norms(6, 8)),
    "inverted": (lambda: mobile.inverted(6, 8, 1, expand=3), 18 * 6 + 9 * 18 + 18 * 8 + norms(18, 18, 8)),
    "mbconv": (
        lambda: mobile.mbconv(8, 12, 2, expand=3, kernel=5),
        24 * 8 + 25 * 24 + 24 * 12 + norms(24, 24, 12) + (24 * 8 // 2 + 24 + 8 // 4),
    ),
    "dense layer": (lambda: dense.dense_layer(10, 4), 4 * 10 * 4 + 36 * 16 + 2 * 10 + 8 * 4),
    "inception": (
        lambda: inception.inception(10, inception.Branches(2, 3, 4, 5, 6, 7), lambda a, b, k: nn.Conv2d(a, b, k, bias=False)),
        10 * (2 + 3 + 5 + 7) + 9 * 3 * 4 + 25 * 5 * 6,
    ),
    "convnext": (lambda: convnext.convnext_block(6), 8 * 36 + 58 * 6),
    "attention": (lambda: transformer.Attention(8, 2), 4 * 64 + 4 * 8),
    "encoder layer": (lambda: transformer.encoder_layer(8, 2, 20), 4 * 64 + 2 * 8 * 20 + 9 * 8 + 20),
    "ASPP": (lambda: aspp(10, 4, (2, 3)), 10 * 4 * (2 + 18) + 4 * 16 + 2 * 4 * 5),
    "subsample": (lambda: classical.Subsample(6), 12),
    "partial convolution": (lambda: classical.PartialConv2d(3, 5, ((0, 1), (0, 1, 2))), 5 * 25 + 2),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_parameters_follow_the_formula(name: str):
    make, expected = FORMULAS[name]
    assert size(make()) == expected


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1, 1), (3, 2, 1), (5, 2, 1), (3, 1, 4), (7, 2, 2), ((1, 7), 1, 1)])
@pytest.mark.parametrize("pixels", [16, 17])
def test_odd_kernels_keep_the_size_at_stride_one(kernel: conv.Size, stride: int, dilation: int, pixels: int):
    y = conv.conv(2, 3, kernel, stride, dilation=dilation)(torch.zeros(1, 2, pixels, pixels))
    assert y.shape == (1, 3, ceil(pixels / stride), ceil(pixels / stride))


def tensorflow_same(x: torch.Tensor, weight: torch.Tensor, stride: int, dilation: int) -> torch.Tensor:
    """TensorFlow's rule, pixel by pixel: the window of output i starts at i * stride minus the smaller half of the padding."""
    c_out, _, kernel, _ = weight.shape
    pixels = x.shape[-1]
    outputs = ceil(pixels / stride)
    before = max((outputs - 1) * stride + (kernel - 1) * dilation + 1 - pixels, 0) // 2
    y = torch.zeros(c_out, outputs, outputs)
    for i in range(outputs):
        for j in range(outputs):
            for a in range(kernel):
                for b in range(kernel):
                    row, column = i * stride - before + a * dilation, j * stride - before + b * dilation
                    if 0 <= row < pixels and 0 <= column < pixels:
                        y[:, i, j] += weight[:, :, a, b] @ x[0, :, row, column]
    return y


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 2, 1), (5, 2, 1), (2, 2, 1), (3, 3, 1), (3, 2, 2)])
@pytest.mark.parametrize("pixels", [6, 7, 8, 9])
def test_same_padding_is_tensorflows(kernel: int, stride: int, dilation: int, pixels: int):
    layer = SameConv2d(2, 3, kernel, stride, dilation=dilation, bias=False)
    x = torch.randn(1, 2, pixels, pixels)
    with torch.no_grad():
        assert torch.allclose(layer(x)[0], tensorflow_same(x, layer.weight, stride, dilation), atol=1e-5)


def test_an_even_image_is_padded_right_and_below_only():
    """Kernel 3, stride 2: the symmetric convolution of the same image shifted by one pixel."""
    layer = nn.Conv2d(1, 1, 3, 2, padding=1, bias=False)
    tf = pad_like_tensorflow(chain(conv=layer)).get_submodule("conv")
    x = torch.randn(1, 1, 8, 8)
    shifted = nn.functional.pad(x, (0, 1, 0, 1))[..., 1:, 1:]
    with torch.no_grad():
        assert torch.allclose(tf(x), nn.functional.conv2d(nn.functional.pad(x, (0, 1, 0, 1)), layer.weight, stride=2))
        assert not torch.allclose(tf(x), layer(x))
        assert not torch.allclose(tf(x), layer(shifted))


def test_padding_like_tensorflow_shares_weights_and_leaves_other_layers():
    net = chain(one=nn.Conv2d(3, 4, 3, padding=1), two=nn.Conv2d(4, 4, 3, 2, 1, groups=2), three=nn.MaxPool2d(2))
    names, weight, one = net.state_dict().keys(), net.two.weight, net.one
    pad_like_tensorflow(net)
    assert net.state_dict().keys() == names and net.two.weight is weight and net.one is one
    assert isinstance(net.two, SameConv2d) and net.two.groups == 2


def test_a_causal_convolution_never_sees_what_is_to_come():
    layer = conv.CausalConv1d(2, 3, 3, dilation=2)
    x = torch.randn(1, 2, 12)
    later = x.clone()
    later[..., 7:] += 1
    with torch.no_grad():
        a, b = layer(x), layer(later)
    assert a.shape == (1, 3, 12)
    assert torch.equal(a[..., :7], b[..., :7]) and not torch.equal(a[..., 7:], b[..., 7:])


def test_local_response_normalisation_is_the_papers():
    x = torch.randn(1, 7, 2, 2)
    y = norm.local_response()(x)
    for c in range(7):
        near = x[:, max(0, c - 2) : c + 3].square().sum(1)
        assert torch.allclose(y[:, c], x[:, c] / (2 + 1e-4 * near) ** 0.75, atol=1e-6)


def test_channel_norm_normalises_each_pixel():
    x = torch.randn(2, 5, 3, 4)
    y = norm.ChannelNorm(5)(x)
    expected = (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, unbiased=False) + 1e-6).sqrt()
    assert torch.allclose(y, expected, atol=1e-5)


def test_squeeze_and_excite_gates_by_the_mean_of_each_channel():
    layer = attention.SqueezeExcite(4, 2)
    x = torch.randn(2, 4, 5, 5)
    gate = layer.gate
    with torch.no_grad():
        squeezed = torch.relu(nn.functional.linear(x.mean((2, 3)), gate.squeeze.weight.flatten(1), gate.squeeze.bias))
        excited = torch.sigmoid(nn.functional.linear(squeezed, gate.excite.weight.flatten(1), gate.excite.bias))
        assert torch.allclose(layer(x), x * excited[..., None, None], atol=1e-6)


def test_subsampling_adds_four_pixels_scales_and_shifts():
    layer = classical.Subsample(2)
    with torch.no_grad():
        layer.gain.copy_(torch.tensor([0.5, 2.0]).view(2, 1, 1)), layer.bias.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1))
        y = layer(torch.ones(1, 2, 4, 4))
    assert y[0, 0].flatten().tolist() == [3.0] * 4 and y[0, 1].flatten().tolist() == [7.0] * 4


def test_a_partial_convolution_sees_only_its_inputs():
    layer = classical.PartialConv2d(3, 3, ((0, 1), (2,)))
    x = torch.randn(1, 3, 6, 6)
    other = x.clone()
    other[:, 2] += 1
    with torch.no_grad():
        a, b = layer(x), layer(other)
        assert torch.equal(a[:, 0], b[:, 0]) and not torch.equal(a[:, 1], b[:, 1])
        expected = nn.functional.conv2d(x[:, 2:], layer.weight[2][None, None], layer.bias[1:])
    assert torch.allclose(a[:, 1:], expected, atol=1e-6)


def test_distances_are_squared_and_the_codes_are_signs():
    layer = classical.Distances(4, 3)
    x = torch.randn(2, 4)
    assert set(layer.codes.flatten().tolist()) == {-1.0, 1.0}
    assert torch.allclose(layer(x), -torch.cdist(x, layer.codes).square(), atol=1e-4)
    assert torch.equal(layer.codes, classical.Distances(4, 3).codes)


def test_the_scaled_tanh_maps_one_to_one():
    y = classical.ScaledTanh()(torch.tensor([1.0, -1.0, 100.0]))
    assert torch.allclose(y, torch.tensor([1.0, -1.0, 1.7159]), atol=1e-4)


def test_attention_is_softmax_of_scaled_products():
    layer = transformer.Attention(8, 2)
    x = torch.randn(3, 5, 8)
    theirs = nn.MultiheadAttention(8, 2, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": layer.qkv.weight,
            "in_proj_bias": layer.qkv.bias,
            "out_proj.weight": layer.out.weight,
            "out_proj.bias": layer.out.bias,
        }
    )
    assert torch.allclose(layer(x), theirs(x, x, x)[0], atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 1, 1), (3, 7, 2, 8)])
def test_responses_are_each_channels_share_of_the_maps(shape: tuple[int, ...]):
    layer, x = norm.GlobalResponseNorm(shape[-1]), torch.randn(shape)
    assert torch.equal(layer(x), x)  # it starts as the identity
    with torch.no_grad():
        layer.gain.normal_(), layer.bias.normal_()
        theirs = oracles.timm().layers.grn.GlobalResponseNorm(shape[-1])
        theirs.weight.copy_(layer.gain), theirs.bias.copy_(layer.bias)
        found = layer(x)
        assert torch.allclose(found, theirs(x), atol=1e-6)
        by_hand = [sum(float(x[0, i, j, c]) ** 2 for i in range(shape[1]) for j in range(shape[2])) ** 0.5 for c in range(shape[3])]
        share = by_hand[0] / (sum(by_hand) / len(by_hand) + 1e-6)
        first = float(x[0, 0, 0, 0]) * (1 + float(layer.gain[0]) * share) + float(layer.bias[0])
        assert float(found[0, 0, 0, 0]) == pytest.approx(first, abs=1e-5)


def test_chains_joined_keep_the_names_of_their_parts():
    a, b = chain(one=nn.ReLU(), two=None), chain(three=nn.Tanh())
    assert [*dict(joined(a, b).named_children())] == ["one", "three"] and joined(a, b)[1] is b[0]
    seen: list[tuple[int, int, int]] = []
    staged(lambda a, b, s: seen.append((a, b, s)) or nn.Identity(), (3, 8, 16), (2, 1), (1, 2))
    assert seen == [(3, 8, 1), (8, 8, 1), (8, 16, 2)]
    with pytest.raises(ValueError, match="longer"):
        staged(lambda a, b, s: nn.Identity(), (3, 8, 16), (2, 1))


def test_chains_leave_out_what_is_none_and_branches_stack():
    assert [*dict(chain(a=nn.ReLU(), b=None, c=nn.ReLU()).named_children())] == ["a", "c"]
    x = torch.randn(1, 2, 3, 3)
    assert torch.equal(Concat(a=nn.Identity(), b=nn.ReLU())(x), torch.cat([x, x.relu()], 1))
    seen: list[tuple[int, int, int]] = []
    repeat(lambda a, b, s: seen.append((a, b, s)) or nn.Identity(), 3, 8, 3, 2)
    assert seen == [(3, 8, 2), (8, 8, 1), (8, 8, 1)]


@pytest.mark.parametrize(("channels", "rounded"), [(32 * 1.1, 32), (24 * 1.2, 32), (16 * 1.4, 24), (10, 16), (3, 8), (96 * 0.75, 72)])
def test_widths_are_rounded_as_in_the_release(channels: float, rounded: int):
    assert mobile.round_to(channels) == rounded
