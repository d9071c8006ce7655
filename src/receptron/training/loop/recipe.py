"""How a network learns, as far as somebody set it: each field left at None stays with what each rung does by itself."""

import re
from dataclasses import dataclass, fields, replace
from math import inf
from typing import Any, Literal, cast

from receptron.errors import BadValue, UnknownName
from receptron.training.layers.recipe_limits import check_scales, check_shares
from receptron.training.loop.hyperparameters import Hyperparameters

OPTIMISERS = ("sgd", "adamw")
SCHEDULES = ("cosine", "one-cycle", "constant")
BATCHNORMS = ("trained", "frozen", "re-estimated")
UNFREEZINGS = ("ladder", "gradual", "all")
BALANCES = ("auto", "none", "sampler", "weights", "focal")
FIND = "find"  # a rate that a range test is to find
RISE = 0.3  # share of the steps over which the rate rises in one cycle, as torch.optim.lr_scheduler.OneCycleLR does by default
# Fields that a phase's plan has as well.
_OF_PHASES = (
    "epochs",
    "decay",
    "smoothing",
    "warmup",
    "clip",
    "ema",
    "patience",
    "layer_decay",
    "rates",
    "batchnorm",
)
_HEAD = re.compile(r"linear|hidden:([1-9]\d{0,4})")


@dataclass(frozen=True)
class Recipe:
    """What a user may set of training itself.

    Args:
        epochs: Times that each phase sees every image, 1 or more.
        rate: Highest learning rate, above 0; "find" for a range test before each rung.
        optimiser: "sgd" or "adamw".
        decay: Weight decay, 0 or more; norms and biases are spared.
        smoothing: Label smoothing, 0 to below 1.
        schedule: How the rate goes: "cosine", "one-cycle" (with the momentum the other way) or "constant".
        warmup: Share of the steps over which the rate rises, 0 to 0.9.
        clip: Largest norm of the gradient, above 0.
        ema: Decay of the averaged weights that are judged and kept, 0.5 to below 1.
        patience: Epochs without a better accuracy on images held out after which a phase ends.
        drop_path: Probability that the last residual branch is left out while training, 0 to 0.9.
        head: "linear", or "hidden:256" for a layer of so many units before the class layer.
        dropout: Share of what the class layer sees that is left out while training, 0 to 0.9.
        balance: How classes with few images are weighed: "none", "sampler", "weights", "focal", or "auto" for the best by folds.
        unfreeze: "ladder" (head, last stage, everything, each where it surely gains), or everything straight after the head: "all" at
            once, or "gradual", stage after stage from the last backward.
        rates: Rates of the head, the middle and the early third of the depth, such as (10, 5, 1), or one for each of head, stages and
            stem; the largest stands for `rate`.
        layer_decay: Each stage towards the image learns at this share of the next one's rate, above 0 to 1.
        batchnorm: "trained", "frozen" (running statistics stay as they were; gains and biases learn), or "re-estimated" (statistics
            are computed afresh over the training images at the end of a phase).
        scales: Shares of the side at which images are shown, one drawn for each step, 0.25 to 2.
        pixels: Side of the images while training; what the network is fed with later as well, unless finish_pixels says otherwise.
        finish_pixels: Side of the images in the last third of the epochs, and from then on.

    Example:
        >>> Recipe(rate=0.02, schedule="one-cycle").call
        "receptron.Recipe(rate=0.02, schedule='one-cycle')"
    """

    epochs: int | None = None
    rate: float | str | None = None
    optimiser: str | None = None
    decay: float | None = None
    smoothing: float | None = None
    schedule: str | None = None
    warmup: float | None = None
    clip: float | None = None
    ema: float | None = None
    patience: int | None = None
    drop_path: float | None = None
    head: str | None = None
    dropout: float | None = None
    balance: str | None = None
    unfreeze: str | None = None
    rates: tuple[float, ...] | None = None
    layer_decay: float | None = None
    batchnorm: str | None = None
    scales: tuple[float, ...] | None = None
    pixels: int | None = None
    finish_pixels: int | None = None

    def __post_init__(self) -> None:
        _among("optimiser", self.optimiser, OPTIMISERS)
        _among("schedule", self.schedule, SCHEDULES)
        _among("balance", self.balance, BALANCES)
        _among("unfreeze", self.unfreeze, UNFREEZINGS)
        _among("batchnorm", self.batchnorm, BATCHNORMS)
        check_shares(self.rates, self.layer_decay)
        check_scales(self.scales, self.pixels, self.finish_pixels)
        _within("epochs", self.epochs, 1, 100_000, "each phase sees every image so many times", whole=True)
        if self.rate != FIND:
            _within("rate", self.rate, 1e-9, 1e3, "it is the highest learning rate; find looks for one")
        _within("decay", self.decay, 0, 10, "it is the weight decay")
        _within("smoothing", self.smoothing, 0, 0.999, "it is the share of each label that goes to all classes")
        _within("warmup", self.warmup, 0, 0.9, "it is the share of the steps over which the rate rises")
        _within("clip", self.clip, 1e-6, 1e6, "it is the largest norm of the gradient")
        _within("ema", self.ema, 0.5, 0.999999, "it is the share of the average that stays at each step")
        _within("patience", self.patience, 1, 100_000, "a phase ends after so many epochs without a better accuracy", whole=True)
        _within("drop-path", self.drop_path, 0, 0.9, "it is the probability that a branch is left out")
        _within("dropout", self.dropout, 0, 0.9, "it is the share of what the class layer sees that is left out")
        if self.head is not None and not (isinstance(cast(object, self.head), str) and _HEAD.fullmatch(self.head)):
            raise BadValue(f"--head {self.head} is no head.", why="it is linear, or hidden:UNITS", mend="write it like hidden:256")

    def applied(self, plan: Hyperparameters) -> Hyperparameters:
        """`plan` with what is set here.

        Args:
            plan: What a phase would do by itself.

        Returns:
            Another plan; a rate that is to be found stays as it is.

        Example:
            >>> Recipe(rate=0.02).applied(Hyperparameters(8, 32, 0.1)).rate
            0.02
        """
        given: dict[str, Any] = {name: getattr(self, name) for name in _OF_PHASES if getattr(self, name) is not None}
        if self.schedule == "one-cycle" and self.warmup is None:
            given["warmup"] = RISE
        optimiser = cast(Literal["sgd", "adamw"], self.optimiser or plan.optimiser)
        schedule = cast(Literal["cosine", "one-cycle", "constant"], self.schedule or plan.schedule)
        rate = plan.rate if self.rate is None or isinstance(self.rate, str) else self.rate
        return replace(plan, optimiser=optimiser, schedule=schedule, rate=rate, **given)

    def on_pixels(self, plan: Hyperparameters) -> Hyperparameters:
        """`plan` of a phase that sees images themselves, and learns every level of the network.

        Args:
            plan: What the ladder would do by itself.

        Returns:
            Another plan, with what `applied` sets, and with levels that open and sizes that change as is set here.

        Example:
            >>> Recipe(unfreeze="gradual").on_pixels(Hyperparameters(8, 32, 0.1)).gradual
            True
        """
        low = self.pixels / self.finish_pixels if self.pixels and self.finish_pixels else 1.0
        return replace(self.applied(plan), gradual=self.unfreeze == "gradual", scales=self.scales or (), low=low)

    @property
    def straight(self) -> bool:
        """Whether everything learns right after the linear head, because that was asked for."""
        return self.unfreeze in ("gradual", "all")

    @property
    def hidden(self) -> int:
        """Units of a hidden layer before the class layer; 0 for none."""
        return int((self.head or "linear").partition(":")[2] or 0)

    @property
    def given(self) -> dict[str, object]:
        """What is set, by field."""
        return {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) is not None}

    @property
    def settings(self) -> dict[str, str]:
        """What is set, by the name of its flag, as the report shows it."""
        shown = {name.replace("_", "-"): value for name, value in self.given.items()}
        return {name: _shown(value) for name, value in shown.items()}

    @property
    def call(self) -> str:
        """How it is made from Python."""
        return f"receptron.Recipe({', '.join(f'{name}={value!r}' for name, value in self.given.items())})"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(_shown(one) for one in cast(tuple[object, ...], value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _among(flag: str, value: str | None, names: tuple[str, ...]) -> None:
    """Raises: UnknownName for what is none of `names`; none where nothing was said."""
    if value is not None and value not in names:
        raise UnknownName(flag, str(value), names)


def _within(flag: str, value: object, low: float, high: float, meaning: str, *, whole: bool = False) -> None:
    """Raises: BadValue for what is no number from `low` to `high`; none where nothing was said."""
    if value is None:
        return
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high or value == inf:
        number = "whole number" if whole else "number"
        raise BadValue(f"--{flag} {value} is out of range.", why=meaning, mend=f"give a {number} from {low:g} to {high:g}")
