"""A transformer's layer. Vaswani et al. 2017, arXiv:1706.03762, in the order of Dosovitskiy et al. 2021, arXiv:2010.11929, Eqs 2, 3."""

from functools import partial

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from receptron.blocks.chain import chain
from receptron.blocks.conv import Norm
from receptron.blocks.residual import Residual

token_norm = partial(nn.LayerNorm, eps=1e-6)


class Attention(nn.Module):
    """Every token asks every other: (N, T, width) -> same; 4 width^2 + 4 width parameters."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.qkv(x).unflatten(-1, [3, self.heads, -1]).permute(2, 0, 3, 1, 4)  # (3, N, heads, T, width/heads)
        return self.out(scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]).transpose(1, 2).flatten(2))


def layer(attention: nn.Module, width: int, mlp: int, *, norm: Norm = token_norm) -> nn.Sequential:
    """`attention` between tokens, then a perceptron on each, both beside a shortcut: (N, ..., width) -> same."""
    think = chain(norm=norm(width), widen=nn.Linear(width, mlp), act=nn.GELU(), narrow=nn.Linear(mlp, width))
    return chain(attend=Residual(chain(norm=norm(width), attention=attention)), think=Residual(think))


def encoder_layer(width: int, heads: int, mlp: int) -> nn.Sequential:
    """A layer in which all tokens meet: (N, T, width) -> same; 4 width^2 + 2 width mlp + 9 width + mlp parameters."""
    return layer(Attention(width, heads), width, mlp)
