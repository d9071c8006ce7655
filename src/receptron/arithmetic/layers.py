"""Layers as plain numbers: what the closed forms of this part take. Checked when made.

Sizes are one number for all axes, or a tuple with one number per axis. Padding is a number per side, a tuple of them
per axis, or one of `PADDINGS`. Counts take one number as the side of a square image; layers over one axis say (kernel,).
"""

import re
from dataclasses import dataclass

from receptron.errors import BadValue, UnknownName

Axes = int | tuple[int, ...]
Padding = int | str | tuple[int, ...]
AXES = re.compile(r"\d+(?:x\d+)*")

PADDINGS = {
    "valid": "no padding",
    "same": "output = ceil(input / stride); an odd pixel goes to the end",
    "full": "kernel - 1 on both sides: every overlap counts",
    "causal": "kernel - 1 before, none after: no output sees the future",
}


@dataclass(frozen=True)
class Conv:
    """Convolution over any number of axes.

    Args:
        kernel: px of a window, one number for all axes or one per axis.
        stride: px from one window to the next.
        padding: px on either side of an axis, or one of `PADDINGS`.
        dilation: px from one tap of a window to the next; 1 leaves no holes.
        c_in: Channels that come in.
        c_out: Channels that go out, one bias each.
        groups: Equal parts of the channels that are convolved apart.
        bias: Whether a bias is learnt.

    Raises:
        BadValue: For a number below its least, tuples of different lengths, and groups that do not divide both channel counts.
        UnknownName: For a padding that is a word and not in `PADDINGS`.

    Example:
        >>> Conv(kernel=(3, 5), c_in=3, c_out=8).stride
        1
    """

    kernel: Axes = 3
    stride: Axes = 1
    padding: Padding = 0
    dilation: Axes = 1
    c_in: int = 1
    c_out: int = 1
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        _check_window(self.kernel, self.stride, self.padding, self.dilation)
        _check_channels(self.c_in, self.c_out, self.groups)


@dataclass(frozen=True)
class Transposed:
    """Transposed convolution.

    Args:
        kernel: px of a window, one number for all axes or one per axis.
        stride: px in the output from one window to the next.
        padding: px cut from either side of the output.
        dilation: px from one tap of a window to the next.
        output_padding: px added at the end of each axis of the output, as PyTorch does.
        c_in: Channels that come in.
        c_out: Channels that go out, one bias each.
        groups: Equal parts of the channels that are convolved apart.
        bias: Whether a bias is learnt.

    Raises:
        BadValue: For a number below its least, tuples of different lengths, and groups that do not divide both channel counts.

    Example:
        >>> from receptron.arithmetic import output_size
        >>> output_size(Transposed(kernel=4, stride=2, padding=1), 14).value
        28
    """

    kernel: Axes = 2
    stride: Axes = 2
    padding: Axes = 0
    dilation: Axes = 1
    output_padding: Axes = 0
    c_in: int = 1
    c_out: int = 1
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        _check_window(self.kernel, self.stride, self.padding, self.dilation)
        _at_least(0, output_padding=self.output_padding)
        _check_channels(self.c_in, self.c_out, self.groups)


@dataclass(frozen=True)
class Pool:
    """Max or average pooling.

    Args:
        kernel: px of a window, one number for all axes or one per axis.
        stride: px from one window to the next; None: as many as the kernel has.
        padding: px on either side of an axis, or one of `PADDINGS`.
        dilation: px from one tap of a window to the next.
        ceil_mode: Whether a last window that reaches over the end is kept, as PyTorch's `ceil_mode`.
        kind: "max" or "average".
        channels: Channels, which pooling leaves as they are.

    Raises:
        BadValue: For a number below its least, and tuples of different lengths.
        UnknownName: For another kind, or a padding that is a word and not in `PADDINGS`.

    Example:
        >>> Pool(kernel=3).stride
        3
    """

    kernel: Axes = 2
    stride: Axes | None = None
    padding: Padding = 0
    dilation: Axes = 1
    ceil_mode: bool = False
    kind: str = "max"
    channels: int = 1

    def __post_init__(self) -> None:
        if self.kind not in ("max", "average"):
            raise UnknownName("pooling", self.kind, ("max", "average"))
        object.__setattr__(self, "stride", self.kernel if self.stride is None else self.stride)
        _check_window(self.kernel, self.step, self.padding, self.dilation)
        _at_least(1, channels=self.channels)

    @property
    def step(self) -> Axes:
        """The stride, whether given or taken from the kernel."""
        return self.kernel if self.stride is None else self.stride


@dataclass(frozen=True)
class Linear:
    """Fully connected layer: (N, c_in) -> (N, c_out).

    Args:
        c_in: Numbers that come in for each image.
        c_out: Numbers that go out.
        bias: Whether a bias is learnt for each of them.

    Raises:
        BadValue: For a count below 1.

    Example:
        >>> from receptron.arithmetic import parameters
        >>> parameters(Linear(2048, 1000)).value
        2049000
    """

    c_in: int
    c_out: int
    bias: bool = True

    def __post_init__(self) -> None:
        _check_channels(self.c_in, self.c_out, 1)


@dataclass(frozen=True)
class Norm:
    """Normalisation over channels.

    Args:
        channels: Channels, each with a scale and a shift if `affine`.
        kind: "batch", "instance", "group" or "layer".
        affine: Whether scale and shift are learnt.
        running: Whether mean and variance are kept from batch to batch; None: only by a batch norm.

    Raises:
        BadValue: For a count below 1, and running statistics of a group or layer norm.
        UnknownName: For another kind.

    Example:
        >>> Norm(64).tracks, Norm(64, "group").tracks
        (True, False)
    """

    channels: int
    kind: str = "batch"
    affine: bool = True
    running: bool | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("batch", "instance", "group", "layer"):
            raise UnknownName("normalisation", self.kind, ("batch", "instance", "group", "layer"))
        if self.running and self.kind in ("group", "layer"):
            raise BadValue(f"a {self.kind} norm keeps no running statistics.", mend="leave `running` out, or use a batch norm")
        _at_least(1, channels=self.channels)

    @property
    def tracks(self) -> bool:
        """Whether mean and variance are kept between batches."""
        return self.kind == "batch" if self.running is None else self.running


Window = Conv | Pool
Layer = Conv | Transposed | Pool | Linear | Norm


def stride_of(layer: Window | Transposed) -> Axes:
    """Stride of a layer that has a window."""
    return layer.step if isinstance(layer, Pool) else layer.stride


def axis(value: Axes, index: int) -> int:
    """The number for axis `index`; one number serves all axes."""
    return value[index] if isinstance(value, tuple) else value


def parse_axes(text: str) -> Axes:
    """`7` or, one number per axis, `3x5`. Raises: BadValue."""
    if not AXES.fullmatch(text):
        raise BadValue(f"{text!r} is not a size.", mend="write one number, or one per axis as in 3x5")
    numbers = tuple(int(part) for part in text.split("x"))
    return numbers[0] if len(numbers) == 1 else numbers


def axes_of(*values: Axes | str) -> int:
    """How many axes the tuples among `values` speak of, 1 if none is a tuple.

    Raises: BadValue if they disagree.
    """
    counts = {len(value) for value in values if isinstance(value, tuple)}
    if len(counts) > 1:
        raise BadValue(
            f"sizes of {' and '.join(map(str, sorted(counts)))} axes do not go together.", mend="give one number, or one for each axis"
        )
    return counts.pop() if counts else 1


def _check_window(kernel: Axes, stride: Axes, padding: Padding, dilation: Axes) -> None:
    _at_least(1, kernel=kernel, stride=stride, dilation=dilation)
    if isinstance(padding, str):
        if padding not in PADDINGS:
            raise UnknownName("padding", padding, PADDINGS)
    else:
        _at_least(0, padding=padding)
    axes_of(kernel, stride, padding, dilation)


def _check_channels(c_in: int, c_out: int, groups: int) -> None:
    _at_least(1, c_in=c_in, c_out=c_out, groups=groups)
    if c_in % groups or c_out % groups:
        raise BadValue(
            f"{groups} groups do not divide {c_in} input and {c_out} output channels.",
            why="each group takes an equal share of both",
            mend="choose a divisor of both channel counts",
        )


def _at_least(least: int, **values: Axes) -> None:
    for name, value in values.items():
        if min(value if isinstance(value, tuple) else (value,), default=least) < least:
            raise BadValue(f"{name} is {value}, which is below {least}.", mend=f"give {least} or more")
