"""Drop path: leave out whole residual branches at random while training. Huang et al. 2016, arXiv:1603.09382, Section 3."""

from torch import Tensor, nn

from receptron.blocks.residual import Residual
from receptron.errors import BadValue


class DropPath(nn.Module):
    """Zero each image's branch with probability `rate`, scale the others by 1 / (1 - rate): (N, ...) -> same; eval changes nothing."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0.0:
            return x
        kept = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(1 - self.rate)
        return x * kept / (1 - self.rate)

    def extra_repr(self) -> str:
        return f"rate={self.rate:.3f}"


def drop_paths(net: nn.Module, rate: float) -> int:
    """Give every residual branch of `net` a DropPath, from 0 at the first to `rate` at the last, in place; returns how many.

    Called again it changes the rates. Names of parameters stay. Raises: BadValue for what is no probability below 1, and where there is
    no residual branch to leave out.
    """
    if not 0 <= rate < 1:
        raise BadValue(f"drop path rate {rate}.", why="it must be 0 or more and below 1", mend="give a rate such as 0.1")
    bodies = [m.body for m in net.modules() if isinstance(m, Residual) and isinstance(m.body, nn.Sequential)]
    if rate and not bodies:
        raise BadValue(
            f"drop path rate {rate}.", why="this network has no residual branch to leave out", mend="leave it out, or use dropout"
        )
    for i, body in enumerate(bodies):
        body.add_module("drop_path", DropPath(rate * i / max(1, len(bodies) - 1)).train(body.training))
    return len(bodies)
