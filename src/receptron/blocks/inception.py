"""The inception module: the same map seen through several windows at once. Szegedy et al. 2015, arXiv:1409.4842, Fig. 2b."""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from receptron.blocks.chain import Concat, chain


class Branches(NamedTuple):
    """Channels of each branch: the columns of the paper's Table 1."""

    one: int
    three_reduce: int
    three: int
    five_reduce: int
    five: int
    pool: int


def inception(c_in: int, row: Branches, conv: Callable[..., nn.Module], *, five: int = 5) -> Concat:
    """Four branches side by side: (N, c_in, H, W) -> (N, one + three + five + pool, H, W).

    Weights: c_in (one + three_reduce + five_reduce + pool) + 9 three_reduce three + `five`^2 five_reduce five.
    """
    return Concat(
        one=conv(c_in, row.one, 1),
        three=chain(reduce=conv(c_in, row.three_reduce, 1), conv=conv(row.three_reduce, row.three, 3)),
        five=chain(reduce=conv(c_in, row.five_reduce, 1), conv=conv(row.five_reduce, row.five, five)),
        pool=chain(pool=nn.MaxPool2d(3, 1, padding=1), conv=conv(c_in, row.pool, 1)),
    )
