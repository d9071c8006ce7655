"""NaN and infinity are caught in the step that makes them, and the images of that step are named."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from receptron.errors import NonFinite

_CURE = "look at these images; if they are sound, train again with --precision float32"


class NanGuard:
    """Watches the losses, gradients and running statistics of one network through one phase."""

    def __init__(self, net: nn.Module, phase: str) -> None:
        self.phase = phase
        self.statistics = [(name, buffer) for name, buffer in net.named_buffers() if buffer.is_floating_point()]

    def losses(self, losses: Tensor, names: Sequence[str], step: int) -> None:
        """Raises: NonFinite naming the images whose own loss is not finite."""
        bad = [name for name, good in zip(names, torch.isfinite(losses.detach()).tolist(), strict=True) if not good]
        if bad:
            self._stop("loss", bad, step)

    def gradient(self, norm: Tensor, names: Sequence[str], step: int) -> None:
        """Raises: NonFinite naming the batch if the gradient's norm is not finite."""
        if not torch.isfinite(norm):
            self._stop("gradient", names, step)

    def buffers(self, names: Sequence[str], step: int) -> None:
        """Raises: NonFinite naming the layer and the batch if BatchNorm's running statistics are not finite."""
        if not self.statistics or torch.isfinite(torch.stack([buffer.sum() for _, buffer in self.statistics])).all():
            return
        for layer, buffer in self.statistics:  # a sum may overflow where its terms do not
            if not torch.isfinite(buffer).all():
                self._stop(f"statistic {layer}", names, step)

    def metric(self, name: str, value: float, epoch: int) -> None:
        """Raises: NonFinite if a metric at the end of an epoch is not finite, so that it never becomes the best."""
        if not torch.isfinite(torch.tensor(value)):
            raise NonFinite(f"{self.phase}: {name} is {value} after epoch {epoch + 1}.", why="the network answers NaN", mend=_CURE)

    def _stop(self, what: str, names: Sequence[str], step: int) -> None:
        shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        raise NonFinite(f"{self.phase}: the {what} is NaN or infinite at step {step + 1}.", why=f"images in it: {shown}", mend=_CURE)
