"""Attention inside windows that move, and patches that are merged. Liu et al. 2021, "Swin Transformer", arXiv:2103.14030, Section 3."""

import torch
from torch import Tensor, nn
from torch.fx import wrap
from torch.nn.functional import pad, scaled_dot_product_attention


class WindowAttention(nn.Module):
    """Each pixel asks those of its window, which is moved by `shift` first: (N, H, W, width) -> same.

    Maps are padded with zeros to whole windows, and windows as large as the map are not moved, as in torchvision. What is learnt of
    positions depends on how far two pixels are apart (Eq. 4). Parameters: 4 width^2 + 4 width + (2 window - 1)^2 heads.
    """

    def __init__(self, width: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The table of positions starts as ViT's positions do."""
        nn.init.trunc_normal_(self.table, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        high, wide = x.shape[1], x.shape[2]
        windows = cut(x, self.window, self.shift)
        qkv = self.qkv(windows).unflatten(-1, [3, self.heads, -1]).permute(2, 0, 3, 1, 4)  # (3, windows, heads, window^2, width/heads)
        added = added_scores(self.table, high, wide, self.window, self.shift, windows)
        y = scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], attn_mask=added)
        return put_together(self.out(y.transpose(1, 2).flatten(2)), high, wide, self.window, self.shift)


class MergePatches(nn.Module):
    """Four neighbours become one pixel of twice the width: (N, H, W, C) -> (N, ceil(H/2), ceil(W/2), 2 C); 8 C^2 + 8 C parameters."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduction(self.norm(side_by_side(x)))


@wrap  # a call of its own where a network is traced symbolically: sizes decide here, and below
def side_by_side(x: Tensor) -> Tensor:
    """(N, H, W, C) -> (N, ceil(H/2), ceil(W/2), 4 C): upper left, lower left, upper right, lower right."""
    x = pad(x, [0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2])
    x = x.unflatten(1, [x.shape[1] // 2, 2]).unflatten(3, [x.shape[2] // 2, 2])  # (N, H/2, 2, W/2, 2, C)
    return x.permute(0, 1, 3, 4, 2, 5).flatten(3)


@wrap
def cut(x: Tensor, window: int, shift: int) -> Tensor:
    """(N, H, W, C) -> (windows of all images, window^2, C), padded and moved up and left."""
    x = pad(x, [0, 0, 0, -x.shape[2] % window, 0, -x.shape[1] % window])
    down, right = move(x.shape[1], window, shift), move(x.shape[2], window, shift)
    return partition(torch.roll(x, [-down, -right], [1, 2]) if down + right > 0 else x, window)


@wrap
def put_together(windows: Tensor, high: int, wide: int, window: int, shift: int) -> Tensor:
    """What `cut` took apart: (windows, window^2, C) -> (N, high, wide, C)."""
    down, across = -(-high // window), -(-wide // window)
    x = windows.unflatten(0, [-1, down, across]).unflatten(3, [window, window])  # (N, down, across, window, window, C)
    x = x.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2)
    below, right = move(down * window, window, shift), move(across * window, window, shift)
    x = torch.roll(x, [below, right], [1, 2]) if below + right > 0 else x
    return x[:, :high, :wide].contiguous()


@wrap
def added_scores(table: Tensor, high: int, wide: int, window: int, shift: int, windows: Tensor) -> Tensor:
    """(1 or windows, heads, window^2, window^2): how near two pixels are, and whether they were neighbours before the map was moved."""
    near = relative_positions(table, window).to(windows.dtype)
    high, wide = high + -high % window, wide + -wide % window
    down, right = move(high, window, shift), move(wide, window, shift)
    if down + right == 0:
        return near.unsqueeze(0)
    region = 3 * regions(high, window, down, table.device).unsqueeze(1) + regions(wide, window, right, table.device)
    region = partition(region.unsqueeze(0).unsqueeze(3), window).squeeze(2)  # (windows of one image, window^2)
    apart = (region.unsqueeze(1) != region.unsqueeze(2)).to(windows.dtype) * -100.0  # as in the authors' code
    added = near + apart.unsqueeze(1)
    return added.repeat(windows.shape[0] // added.shape[0], 1, 1, 1)


def move(size: int, window: int, shift: int) -> int:
    """By how many pixels windows move along an axis of `size`: not at all where one window is all there is."""
    return shift if size > window else 0


def partition(x: Tensor, window: int) -> Tensor:
    """(N, H, W, C) -> (N H W / window^2, window^2, C)."""
    x = x.unflatten(1, [x.shape[1] // window, window]).unflatten(3, [x.shape[2] // window, window])
    return x.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(0, 2)


def regions(size: int, window: int, moved: int, device: torch.device) -> Tensor:
    """For each place of a moved axis, which neighbourhood it came from: 0, and 1 and 2 in the last window, the end and what came round."""
    place = torch.arange(size, device=device)
    return (place >= size - window).int() + (place >= size - moved).int()


def relative_positions(table: Tensor, window: int) -> Tensor:
    """Rows of `table` by how far two pixels of a window are apart: ((2 window - 1)^2, heads) -> (heads, window^2, window^2)."""
    place = torch.arange(window, device=table.device)
    apart = place.unsqueeze(1) - place + window - 1  # (window, window), 0 or more
    index = (2 * window - 1) * apart.unsqueeze(1).unsqueeze(3) + apart.unsqueeze(0).unsqueeze(2)  # (row, column, other row, other column)
    return table[index.flatten()].unflatten(0, [window * window, window * window]).permute(2, 0, 1)
