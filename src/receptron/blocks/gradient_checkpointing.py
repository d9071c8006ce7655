"""Gradient checkpointing: keep what goes into each block, and run the block again on the way back. Chen et al. 2016, arXiv:1604.06174."""

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def checkpointed(part: nn.Module, x: Tensor) -> Tensor:
    """`part(x)`, block by block, without keeping what happens inside of a block; its gradients are the same."""
    for block in blocks_of(part):
        x = checkpoint(block, x, use_reentrant=False, context_fn=lambda block=block: _contexts(block))
    return x


def blocks_of(part: nn.Module) -> Iterator[nn.Module]:
    """The blocks that run one after another in a stage, in a row of stages, or `part` itself where it is one block."""
    if _is_row(part):
        for child in part.children():
            yield from blocks_of(child)
    else:
        yield part


def _is_row(part: nn.Module) -> bool:
    """Whether blocks stand in `part`, numbered, rather than the layers of one block, which have names."""
    numbered = any(name.isdigit() for name, _ in part.named_children())
    return isinstance(part, nn.Sequential) and (numbered or any(_is_row(child) for child in part.children()))


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """What surrounds the first run, and the second."""
    return nullcontext(), _uncounted(block)


@contextmanager
def _uncounted(block: nn.Module) -> Generator[None]:
    """BatchNorms normalise as before, and do not take the same batch into their statistics twice."""
    norms = [module for module in block.modules() if isinstance(module, nn.BatchNorm2d) and module.training]
    held = [(norm, norm.momentum, norm.num_batches_tracked.clone()) for norm in norms if norm.num_batches_tracked is not None]
    for norm, _, _ in held:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum, count in held:
            norm.momentum = momentum
            norm.num_batches_tracked.copy_(count)  # pyright: ignore[reportOptionalMemberAccess]
