"""Comparisons that papers argue with: stacked small kernels, depthwise separable, bottleneck, global pooling."""

from receptron.arithmetic.derivation import Derivation, Step, solve
from receptron.arithmetic.expression import Symbol, symbols

C, C_IN, C_OUT, K, N, M = symbols("C C_in C_out K n M")
H, W = symbols("H_out W_out")
VGG = "Simonyan and Zisserman 2015, Very Deep Convolutional Networks, arXiv:1409.1556, section 2.3"
MOBILENET = "Howard et al. 2017, MobileNets, arXiv:1704.04861, section 3.1"
RESNET = "He et al. 2016, Deep Residual Learning, arXiv:1512.03385, section 4.1"
GAP = "Lin, Chen and Yan 2014, Network in Network, arXiv:1312.4400, section 3.2"


def stacked(kernel: int = 3, layers: int = 3, channels: int = 64) -> Derivation:
    """Parameters of a stack of small convolutions over those of the one large kernel with the same receptive field.

    Args:
        kernel: px of the small kernels.
        layers: How many of them.
        channels: Channels in and out of each.

    Returns:
        The ratio, biases left out.

    Source: Simonyan and Zisserman 2015, Very Deep Convolutional Networks, arXiv:1409.1556, section 2.3.

    Example:
        >>> round(float(stacked(kernel=3, layers=3).value), 2)
        0.55
    """
    numbers = {"n": layers, "K": kernel, "C": channels}
    field = solve("r", N * (K - 1) + 1, numbers, "receptive field of the stack, and so the large kernel")
    numbers["r"] = int(field.value)
    small = solve("stack", N * (K**2 * C**2), numbers, f"{layers} convolutions {kernel}x{kernel}, {layers} nonlinearities")
    large = solve("single", Symbol("r") ** 2 * C**2, numbers, f"one convolution {field.value}x{field.value}, one nonlinearity")
    return _ratio("stack of small kernels against one large", (field, small, large), VGG)


def separable(c_in: int, c_out: int, kernel: int = 3, size: int = 1) -> Derivation:
    """MACs of a depthwise plus a pointwise convolution over those of a standard one.

    Args:
        c_in: Channels that come in.
        c_out: Channels that go out.
        kernel: px of the window.
        size: px of the side of the output map, which the ratio does not depend on.

    Returns:
        The ratio 1 / c_out + 1 / kernel^2.

    Source: Howard et al. 2017, MobileNets, arXiv:1704.04861, section 3.1.

    Example:
        >>> round(float(separable(64, 128).value), 3)
        0.119
    """
    numbers = {"C_in": c_in, "C_out": c_out, "K": kernel, "H_out": size, "W_out": size}
    standard = solve("standard", C_OUT * C_IN * K**2 * H * W, numbers)
    depthwise = solve("depthwise", C_IN * K**2 * H * W, numbers)
    pointwise = solve("pointwise", C_OUT * C_IN * H * W, numbers)
    both = solve("both", symbols("depthwise")[0] + Symbol("pointwise"), {"depthwise": depthwise.value, "pointwise": pointwise.value})
    ratio = solve("ratio", 1 / C_OUT + 1 / K**2, numbers, f"saves a factor {standard.value / both.value:.3g}")
    return Derivation("depthwise separable / standard", ratio.value, "", (standard, depthwise, pointwise, both, ratio), MOBILENET)


def bottleneck(channels: int = 256, middle: int = 64, kernel: int = 3) -> Derivation:
    """Weights of 1x1, KxK, 1x1 through a narrow middle over those of two KxK convolutions at full width.

    The receptive fields differ: K against 2K - 1. That is in the remark, because it is often told otherwise.

    Args:
        channels: Channels in and out.
        middle: Channels of the KxK convolution between.
        kernel: K, in px.

    Returns:
        The ratio, biases left out.

    Source: He et al. 2016, Deep Residual Learning, arXiv:1512.03385, section 4.1.

    Example:
        >>> round(float(bottleneck(256, 64).value), 3)
        0.059
    """
    numbers = {"C": channels, "M": middle, "K": kernel}
    narrow = solve("bottleneck", C * M + K**2 * M**2 + M * C, numbers)
    full = solve("basic", 2 * (K**2 * C**2), numbers)
    remark = (
        f"Not the same receptive field: the bottleneck sees {kernel}x{kernel}, two {kernel}x{kernel} see {2 * kernel - 1}x{2 * kernel - 1}."
    )
    return _ratio("bottleneck against two full convolutions", (narrow, full), RESNET, remark)


def global_pooling(channels: int, size: int, classes: int) -> Derivation:
    """Weights of a linear layer after global average pooling over those after flattening the map.

    Args:
        channels: Channels of the map.
        size: px of the side of the map.
        classes: Numbers that the linear layer puts out, one bias each.

    Returns:
        The ratio.

    Source: Lin, Chen and Yan 2014, Network in Network, arXiv:1312.4400, section 3.2.

    Example:
        >>> round(float(global_pooling(512, 7, 1000).value), 3)
        0.02
    """
    c, h, classes_ = symbols("C H classes")
    numbers = {"C": channels, "H": size, "classes": classes}
    pooled = solve("pooled", c * classes_ + classes_, numbers)
    flattened = solve("flattened", c * h**2 * classes_ + classes_, numbers)
    return _ratio("global average pooling against flattening", (pooled, flattened), GAP)


def _ratio(quantity: str, steps: tuple[Step, ...], source: str, remark: str = "") -> Derivation:
    """The last two steps as a quotient."""
    first, second = steps[-2:]
    formula = Symbol(first.target) / Symbol(second.target)
    factor = second.value / first.value
    quotient = solve("ratio", formula, {first.target: first.value, second.target: second.value}, f"a factor {factor:.3g}")
    return Derivation(quantity, quotient.value, "", (*steps, quotient), source, remark)
