"""TensorFlow's SAME padding, put onto a finished network from outside.

Source: tensorflow.org, tf.nn, "Notes on padding": output ceil(size/stride); the odd pixel of padding goes to the right and the bottom.
"""

from torch import Tensor, nn
from torch.fx import wrap
from torch.nn.functional import pad


class SameConv2d(nn.Conv2d):
    """Convolution padded as TensorFlow does: (N, c_in, H, W) -> (N, c_out, ceil(H/stride), ceil(W/stride))."""

    def forward(self, input: Tensor) -> Tensor:
        (high, wide), (down, across), (tall, broad) = self.kernel_size, self.stride, self.dilation
        padded = padded_same(input, (high, wide), (down, across), (tall, broad))
        return self._conv_forward(padded, self.weight, self.bias)


def pad_like_tensorflow(net: nn.Module) -> nn.Module:
    """Make every strided convolution of `net` pad as TensorFlow does, in place; names of parameters stay, and the net is returned.

    At stride 1 an odd kernel is padded alike in both conventions, so those layers are left alone.
    """
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Conv2d and max(child.stride) > 1:
                setattr(parent, name, _twin(child))
    return net


def _twin(layer: nn.Conv2d) -> SameConv2d:
    """The same convolution with the other padding, sharing its parameters."""
    size = (layer.kernel_size[0], layer.kernel_size[1])
    twin = SameConv2d(layer.in_channels, layer.out_channels, size, (layer.stride[0], layer.stride[1]), 0, layer.dilation[0], layer.groups)
    twin.weight, twin.bias = layer.weight, layer.bias
    return twin


@wrap  # a call of its own where a network is traced symbolically: sizes decide here
def padded_same(x: Tensor, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]) -> Tensor:
    """Zeros around (N, C, H, W), such that a convolution without padding makes ceil(H/stride) x ceil(W/stride) of it."""
    top, bottom = _margins(x.shape[-2], kernel[0], stride[0], dilation[0])
    left, right = _margins(x.shape[-1], kernel[1], stride[1], dilation[1])
    return pad(x, [left, right, top, bottom])


def _margins(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Pixels to add before and after an axis of `size` pixels."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2
