"""ResNets for 32x32 images. He et al. 2016, "Deep Residual Learning for Image Recognition", arXiv:1512.03385, Section 4.2 and Table 6."""

from torch import Tensor, nn
from torch.nn.functional import pad

from receptron.blocks.chain import chain, staged
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv
from receptron.blocks.residual import Residual, basic

WIDTHS = (16, 32, 64)
TABLE = {f"cifar_resnet{6 * n + 2}": n for n in (3, 5, 7, 9, 18)}  # 6n + 2 layers: n blocks of two convolutions in each of three stages
PLAIN = {f"{name}_plain": n for name, n in TABLE.items()}


class PadChannels(nn.Module):
    """Option A: every second pixel, and zeros as new channels; no parameters. (N, c_in, H, W) -> (N, c_out, H/stride, W/stride)."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        before = (c_out - c_in) // 2
        self.margins, self.stride = (before, c_out - c_in - before), stride

    def forward(self, x: Tensor) -> Tensor:
        return pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, *self.margins))


def cifar_resnet(name: str, classes: int = 10) -> Classifier:
    """(N, 3, 32, 32) -> (N, classes)."""
    skip = name in TABLE

    def block(c_in: int, c_out: int, stride: int) -> nn.Module:
        body, act = basic(c_in, c_out, stride), nn.ReLU(inplace=True)
        shortcut = PadChannels(c_in, c_out, stride) if c_in != c_out else None
        return Residual(body, shortcut, act) if skip else chain(body=body, act=act)

    depth, widths = (TABLE | PLAIN)[name], (WIDTHS[0], *WIDTHS)
    stages = staged(block, widths, (depth,) * 3, (1, 2, 2))
    return Classifier(conv(3, WIDTHS[0]), stages, linear_head(WIDTHS[-1], classes))
