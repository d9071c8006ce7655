"""At which size images are shown while a network learns: a scale drawn for each step, and low before high.

Source: Redmon & Farhadi 2017, arXiv:1612.08242, section 2 (multi-scale training); Touvron et al. 2019, arXiv:1906.06423 (low, then high).
"""

from torch import Tensor
from torch.nn import functional as F

from receptron.data.stateless_random import keyed
from receptron.training.loop.hyperparameters import Hyperparameters

HIGH = 1 / 3  # of the epochs, the last, are shown at full size where training begins low


def scale_at(plan: Hyperparameters, epoch: int, step: int) -> float:
    """Share of the side at which the images of a step are shown: by seed, epoch and step alone."""
    drawn = plan.scales[int(keyed(plan.seed, "scale", epoch, step).integers(len(plan.scales)))] if plan.scales else 1.0
    return drawn * (plan.low if epoch < first_high(plan.epochs) else 1.0)


def first_high(epochs: int) -> int:
    """Epoch, from 0, from which images are shown at full size; the last one always is."""
    return epochs - max(1, round(epochs * HIGH))


def at_scale(images: Tensor, scale: float) -> Tensor:
    """Images (N, C, H, W) at `scale` of their side, smoothed where they shrink."""
    if scale == 1 or images.dim() != 4:
        return images
    size = [side_at(side, scale) for side in images.shape[2:]]
    return F.interpolate(images, size=size, mode="bilinear", antialias=True, align_corners=False)


def side_at(side: int, scale: float) -> int:
    """Pixels of a side at `scale`, 1 or more."""
    return max(1, round(side * scale))
