"""How one phase of training runs: the numbers that the loop needs."""

from dataclasses import dataclass
from typing import Literal

BatchNormPolicy = Literal["trained", "frozen", "re-estimated"]


@dataclass(frozen=True)
class Hyperparameters:
    """Epochs, batch and optimiser of one phase."""

    epochs: int
    batch: int
    rate: float  # highest learning rate, of the last layers
    optimiser: Literal["sgd", "adamw"] = "sgd"
    momentum: float = 0.9  # of SGD
    decay: float = 1e-4  # weight decay, of weights with two or more axes; gains and biases are left alone
    schedule: Literal["cosine", "one-cycle", "constant"] = "cosine"  # of the rate, after its rise
    warmup: float = 0.1  # share of all steps over which the rate rises
    smoothing: float = 0.1  # label smoothing, Szegedy et al. 2016, arXiv:1512.00567, section 7
    clip: float = 5.0  # largest gradient norm
    ema: float = 0.0  # decay of the averaged weights; 0: the last weights themselves are kept
    patience: int = 0  # epochs without a better accuracy on images held out that end a phase; 0: it goes on to its last
    layer_decay: float = 1.0  # each stage towards the image learns at this share of the next one's rate
    rates: tuple[float, ...] = ()  # instead: rates of head, middle and early thirds, or of each level; the highest is `rate`
    levels: int = 0  # head, stages and stem of the whole network, where only its last stages learn; 0: as many as there are
    before: int = 0  # stages that lie before those that learn
    batchnorm: BatchNormPolicy = "trained"
    gradual: bool = False  # level after level becomes trainable, from the head backward, over the first half of the epochs
    scales: tuple[float, ...] = ()  # of the side of the images, one drawn for each step; none: 1
    low: float = 1.0  # scale of the first epochs, before the last third is shown at full size
    seed: int = 0

    def steps_per_epoch(self, count: int) -> int:
        """Batches that `count` images make; a last batch of one image is left to the next epoch, because BatchNorm needs two."""
        full, rest = divmod(count, self.batch)
        return max(1, full + (rest > 1))

    def steps(self, count: int) -> int:
        """Steps of the whole phase."""
        return self.epochs * self.steps_per_epoch(count)
