"""Attention whose heads share one key and one value. Qin et al. 2024, "MobileNetV4", arXiv:2404.10518, Section 3.2 and Eq. 3."""

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from receptron.blocks.chain import chain


class MultiQueryAttention(nn.Module):
    """Every pixel asks every `reduce`-th: (N, C, H, W) -> same.

    Weights: 2 C heads width + 2 C width, and where `reduce` > 1 a strided depthwise 3x3 and a norm before keys and values: 22 C more.
    """

    def __init__(self, channels: int, heads: int, width: int, reduce: int = 1) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Conv2d(channels, heads * width, 1, bias=False)
        self.key, self.value = (shared(channels, width, reduce) for _ in range(2))
        self.out = nn.Conv2d(heads * width, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x).unflatten(1, [self.heads, -1]).flatten(3).transpose(2, 3)  # (N, heads, H W, width)
        key, value = self.key(x).flatten(2), self.value(x).flatten(2)  # (N, width, pixels)
        key, value = key.transpose(1, 2).unsqueeze(1), value.transpose(1, 2).unsqueeze(1)
        key, value = key.expand(-1, self.heads, -1, -1), value.expand(-1, self.heads, -1, -1)
        y = scaled_dot_product_attention(query, key, value)
        return self.out(y.transpose(2, 3).flatten(1, 2).unflatten(2, [x.shape[2], x.shape[3]]))


def shared(channels: int, width: int, reduce: int) -> nn.Sequential:
    """Keys or values: (N, C, H, W) -> (N, width, H/reduce, W/reduce)."""
    down = nn.Conv2d(channels, channels, 3, reduce, padding=1, groups=channels, bias=False) if reduce > 1 else None
    return chain(down=down, norm=nn.BatchNorm2d(channels) if reduce > 1 else None, project=nn.Conv2d(channels, width, 1, bias=False))
