"""ResNet v2. He et al. 2016, "Identity Mappings", arXiv:1603.05027, Fig. 1b and Table 4: norm and ReLU come first."""

from functools import partial

from torch import nn

from receptron.blocks.chain import chain, joined, staged
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.dense import preactivated
from receptron.blocks.residual import PreActivated
from receptron.zoo.resnet import DEPTHS, NARROW, WIDE

TABLE = {f"resnet{n}_v2": (DEPTHS[n], NARROW if n < 50 else WIDE) for n in DEPTHS}
PLAIN = {f"{name}_plain": row for name, row in TABLE.items()}


def late(c_in: int, c_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """`preactivated` with a stride."""
    layer = preactivated(c_in, c_out, kernel)
    layer[-1] = nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, bias=False)
    return layer


def block(c_in: int, c_out: int, stride: int, *, wide: bool, skip: bool) -> nn.Module:
    """(N, c_in, H, W) -> (N, c_out, H/stride, W/stride); a bottleneck if `wide`, else two 3x3."""
    first = chain(norm=nn.BatchNorm2d(c_in), act=nn.ReLU(inplace=True))
    mid = c_out // 4
    if wide:
        body = chain(conv1=nn.Conv2d(c_in, mid, 1, bias=False), conv2=late(mid, mid, 3, stride), conv3=late(mid, c_out, 1))
    else:
        body = chain(conv1=nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False), conv2=late(c_out, c_out, 3))
    if not skip:
        return chain(first=first, body=body)
    return PreActivated(first, body, nn.Conv2d(c_in, c_out, 1, stride, bias=False) if stride > 1 or c_in != c_out else None)


def resnet_v2(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes)."""
    depths, widths = (TABLE | PLAIN)[name]
    make = partial(block, wide=widths == WIDE, skip=name in TABLE)
    stem = chain(conv=nn.Conv2d(3, 64, 7, 2, padding=3, bias=False), pool=nn.MaxPool2d(3, 2, padding=1))
    head = joined(chain(norm=nn.BatchNorm2d(widths[-1]), act=nn.ReLU(inplace=True)), linear_head(widths[-1], classes))
    return Classifier(stem, staged(make, (64, *widths), depths), head)
