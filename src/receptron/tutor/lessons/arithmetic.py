"""Lessons that closed forms decide."""

from receptron.arithmetic import Conv, Linear, bottleneck, chain_sizes, field_size, macs, output_size, parameters, separable
from receptron.arithmetic.derivation import whole
from receptron.tutor.figures.figures import FILTERED, learnt, seen, size, work
from receptron.tutor.lessons.lesson import Fault, Lesson

WIDE = Conv(3, 1, 1, c_in=256, c_out=512, bias=False)
PRINTED_MACS = 3_698_851_840
SCENE = Conv(3, 2, 1)
FIVE = Conv(5, 1, 2, c_in=256, c_out=64, bias=False)
THIN, FIVE_THIN = Conv(1, c_in=256, c_out=64, bias=False), Conv(5, 1, 2, c_in=64, c_out=64, bias=False)


def thinned_saving(size: int = 28) -> float:
    """How many times cheaper a 5x5 on 256 channels gets by a 1x1 to 64 before it, the 1x1 included."""
    return whole(macs(FIVE, size)) / (whole(macs(THIN, size)) + whole(macs(FIVE_THIN, size)))


def _cheaper(c_out: int) -> float:
    value = separable(c_out, c_out).value
    return 1 / value if isinstance(value, int | float) else 0.0


def _scene_sizes() -> tuple[int | float, ...]:
    value = chain_sizes([SCENE] * 4, 6).value
    return value if isinstance(value, tuple) else (value,)


LESSONS = (
    Lesson(
        "problem-3-product",
        Fault.WRONG,
        "convolution",
        "512 x 256 x 9 x 56 x 56 is 3,698,851,840.",
        "It is {}; that is too small by {}. Its rounding to 3.7 billion and the factor 8.8 are right all the same.",
        (work(WIDE, 56), lambda: f"{whole(macs(WIDE, 56)) - PRINTED_MACS:,}"),
        lambda: whole(macs(WIDE, 56)) == 512 * 256 * 9 * 56 * 56 != PRINTED_MACS,
    ),
    Lesson(
        "macs-are-not-flops",
        Fault.LOOSE,
        "convolution",
        "C_out x C_in x K² x H x W is called FLOPs.",
        "That counts multiply-accumulates. Each is a multiplication and an addition, so {} of them are twice as many FLOPs. "
        "Ratios do not care; budgets and roof lines do.",
        (work(WIDE, 56),),
        lambda: whole(macs(WIDE, 56)) == 512 * 256 * 9 * 56 * 56,
        "Howard et al. 2017, arXiv:1704.04861, which says Mult-Adds",
    ),
    Lesson(
        "bottleneck-field",
        Fault.WRONG,
        "pointwise",
        "A bottleneck has 17 times fewer parameters with the same receptive field as two 3x3.",
        "17 is right, the field is not the same: 1x1, 3x3, 1x1 sees {} pixels, two 3x3 see {}.",
        (seen(Conv(1), Conv(3), Conv(1)), seen(Conv(3), Conv(3))),
        lambda: (
            field_size([Conv(1), Conv(3), Conv(1)]).value != field_size([Conv(3), Conv(3)]).value and "Not the same" in bottleneck().remark
        ),
    ),
    Lesson(
        "floor-half-kernel",
        Fault.LOOSE,
        "output-size",
        "Padding by ⌊K/2⌋ keeps the size.",
        "For odd K, stride 1 and dilation 1 only: on 32 pixels a 4x4 with 2 gives {}, a 3x3 with dilation 2 and padding 1 gives {}.",
        (size(Conv(4, 1, 2), 32), size(Conv(3, 1, 1, 2), 32)),
        lambda: (
            output_size(Conv(4, 1, 2), 32).value != 32 != output_size(Conv(3, 1, 1, 2), 32).value
            and output_size(Conv(5, 1, 2), 32).value == 32
        ),
    ),
    Lesson(
        "thinning-has-a-price",
        Fault.LOOSE,
        "pointwise",
        "A 1x1 from 256 to 64 channels before a 5x5 saves 256/64 = 4 times the computation.",
        "Of the 5x5 alone. The 1x1 costs something too: to 64 channels on 28x28 {} multiply-accumulates become {} and {}, a factor of {}.",
        (work(FIVE, 28), work(THIN, 28), work(FIVE_THIN, 28), lambda: f"{thinned_saving():.2f}"),
        lambda: 3.4 < thinned_saving() < 4,
    ),
    Lesson(
        "floor-trap-divides-evenly",
        Fault.LOOSE,
        "output-size",
        "7 pixels, 3x3, stride 2, no padding is the example of a division that does not come out even.",
        "(7 - 3) / 2 is 2 exactly, so the floor does nothing there and nobody gets 3.5. Take 8 pixels: (8 - "
        "3) / 2 = 2.5, and {} windows fit.",
        (size(Conv(3, 2), 8),),
        lambda: (7 - 3) % 2 == 0 and (8 - 3) % 2 == 1 and output_size(Conv(3, 2), 7).value == output_size(Conv(3, 2), 8).value == 3,
    ),
    Lesson(
        "fifty-of-these",
        Fault.LOOSE,
        "receptive-field",
        "At the whiteboard 50 of 'these layers' are stacked, 3x3 with stride 2, on a 6x6 map: what is the receptive field?",
        "With stride 1 the field is {}. With the stride of the first question it is 2^51 - 1 = {}, on maps "
        "that are 1 pixel wide after three layers "
        "(6 becomes {}). Ask which is meant, and say both.",
        (seen(*[Conv(3)] * 50), seen(*[SCENE] * 50), lambda: ", ".join(map(str, _scene_sizes()))),
        lambda: field_size([SCENE] * 50).value == 2**51 - 1 and field_size([Conv(3)] * 50).value == 101 and _scene_sizes() == (3, 2, 1, 1),
    ),
    Lesson(
        "eight-to-nine-times",
        Fault.LOOSE,
        "separable",
        "Depthwise separable convolutions need 8 to 9 times fewer operations for 3x3.",
        "The factor is 9 C_out / (9 + C_out): below 8 for fewer than 72 output channels ({} at 32), and 9 is never reached ({} at 1,024).",
        (lambda: f"{_cheaper(32):.2f}", lambda: f"{_cheaper(1024):.2f}"),
        lambda: _cheaper(71) < 8 <= _cheaper(72) + 1e-9 and _cheaper(10**6) < 9,
    ),
    Lesson(
        "times-more",
        Fault.LOOSE,
        "receptive-field",
        "A 7x7 kernel has 5.4 times more parameters than a 3x3; three layers have 3 times more nonlinearity.",
        "49 weights are {} times as many as 9, which is {} times more. Say 'times as many'.",
        (lambda: f"{49 / 9:.2f}", lambda: f"{49 / 9 - 1:.2f}"),
        lambda: whole(parameters(Conv(7, bias=False))) == 49 and whole(parameters(Conv(3, bias=False))) == 9,
    ),
    Lesson(
        "pooling-and-parameters",
        Fault.LOOSE,
        "pooling",
        "Pooling lowers the number of parameters in the layers after it.",
        "Only of a dense layer on the flattened map: 512 channels to 10 classes go from {} at 7x7 to {} at "
        "3x3. A convolution has {} at every size.",
        (learnt(Linear(512 * 49, 10)), learnt(Linear(512 * 9, 10)), learnt(FILTERED)),
        lambda: whole(parameters(Linear(512 * 49, 10))) > whole(parameters(Linear(512 * 9, 10))),
    ),
    Lesson(
        "halves-the-size",
        Fault.LOOSE,
        "output-size",
        "3x3 with stride 2 and padding 1 halves the size.",
        "It gives half of the size rounded up: 56 becomes {}, but 7 becomes {}.",
        (size(SCENE, 56), size(SCENE, 7)),
        lambda: all(output_size(SCENE, n).value == -(-n // 2) for n in range(1, 200)),
    ),
    Lesson(
        "pooling-replacement",
        Fault.LOOSE,
        "pointwise",
        "A 1x1 with stride 1 is listed as a replacement of pooling.",
        "It changes channels only: 56 stays {}. What replaces a pooling has a stride: a 3x3 with stride 2 and padding 1 gives {}.",
        (size(Conv(1), 56), size(SCENE, 56)),
        lambda: output_size(Conv(1), 56).value == 56,
    ),
    Lesson(
        "pooled-final-layer",
        Fault.LOOSE,
        "pooling",
        "Global average pooling takes ResNet-50's final layer from millions to 2 million.",
        "It would be {} on the flattened 7x7x2048 map, and is {} after pooling, the 1,000 biases included: from a hundred millions to two.",
        (learnt(Linear(2048 * 49, 1000)), learnt(Linear(2048, 1000))),
        lambda: whole(parameters(Linear(2048 * 49, 1000))) > 100e6,
    ),
)
