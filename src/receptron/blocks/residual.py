"""Residual connections and the two bodies of ResNet. He et al. 2016, "Deep Residual Learning", arXiv:1512.03385, Figs 2 and 5."""

from torch import Tensor, nn

from receptron.blocks.chain import chain
from receptron.blocks.conv import conv


class Residual(nn.Module):
    """y = act(shortcut(x) + body(x)); shapes of both branches must agree."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None, act: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut or nn.Identity()
        self.act = act or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.shortcut(x) + self.body(x))


class PreActivated(Residual):
    """y = shortcut + body(first(x)) with norm and activation first; the shortcut is x, or a projection of first(x) where the shape changes.

    Source: He et al. 2016, "Identity Mappings in Deep Residual Networks", arXiv:1603.05027, Fig. 1b and Section 4.1.
    """

    def __init__(self, first: nn.Module, body: nn.Module, project: nn.Module | None = None) -> None:
        super().__init__(body, project)
        self.first = first

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        carried = x if isinstance(self.shortcut, nn.Identity) else self.shortcut(y)
        return carried + self.body(y)


def skip_if_same(body: nn.Module, c_in: int, c_out: int, stride: int) -> nn.Module:
    """A residual connection where the body keeps width and size, the bare body elsewhere. Sandler et al. 2018, Fig. 4d."""
    return Residual(body) if stride == 1 and c_in == c_out else chain(body=body)


def basic(c_in: int, c_out: int, stride: int, *, attention: nn.Module | None = None) -> nn.Sequential:
    """Two 3x3 convolutions: (N, c_in, H, W) -> (N, c_out, H/stride, W/stride); 9 c_out (c_in + c_out) + 4 c_out parameters."""
    return chain(conv1=conv(c_in, c_out, 3, stride), conv2=conv(c_out, c_out, act=None), attention=attention)


def bottleneck(
    c_in: int,
    c_out: int,
    stride: int,
    *,
    ratio: float = 4,
    groups: int = 1,
    stride_first: bool = False,
    attention: nn.Module | None = None,
) -> nn.Sequential:
    """1x1 to m = c_out / ratio channels, 3x3, 1x1 back; m c_in + 9 m^2 / groups + m c_out weights.

    The stride sits on the 3x3 ("v1.5", as in the released PyTorch weights); `stride_first` puts it on the first 1x1, as in the paper.
    """
    mid = int(c_out / ratio)
    first, second = (stride, 1) if stride_first else (1, stride)
    return chain(
        conv1=conv(c_in, mid, 1, first),
        conv2=conv(mid, mid, 3, second, groups=groups),
        conv3=conv(mid, c_out, 1, act=None),
        attention=attention,
    )


def project(c_in: int, c_out: int, stride: int) -> nn.Module | None:
    """Shortcut of option B: a 1x1 convolution where width or size change, the input itself elsewhere."""
    return conv(c_in, c_out, 1, stride, act=None) if stride > 1 or c_in != c_out else None
