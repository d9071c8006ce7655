"""Lessons about arguments, decided by a small computation or by the papers."""

from torch import nn

from receptron.arithmetic import Conv, Linear, field_size, parameters
from receptron.arithmetic.derivation import whole
from receptron.tutor.figures import zoo_facts as zoo
from receptron.tutor.lessons.lesson import Fault, Lesson


def pooled_mean(row: list[int]) -> float:
    """Mean of a strided, zero-padded convolution (kernel 1 2 1, stride 2) of a row: a small network with global average pooling."""
    padded = [0, *row, 0]
    maps = [padded[i] + 2 * padded[i + 1] + padded[i + 2] for i in range(0, len(row), 2)]
    return sum(max(0, v - 6) for v in maps) / len(maps)


ROW, SHIFTED = [0, 0, 3, 1, 0, 0, 0, 0], [0, 0, 0, 3, 1, 0, 0, 0]

LESSONS = (
    Lesson(
        "gradient-can-vanish",
        Fault.WRONG,
        "skip-connections",
        "The gradient through a skip connection cannot vanish.",
        "The identity's term cannot; the sum of all terms can. Ten blocks with slope -1 give (1 - 1)^10 = "
        "{}, with slope -0.9 they give {}. "
        "And with slope 0.5 the product explodes: {}.",
        (lambda: str((1 - 1) ** 10), lambda: f"{(1 - 0.9) ** 10:.0e}", lambda: f"{1.5**10:.1f}"),
        lambda: (1 + -1.0) ** 10 == 0 and 1.5**10 > 50,
        "He et al. 2016, arXiv:1603.05027, section 2: unlikely for a whole mini-batch, which is not never",
    ),
    Lesson(
        "vanishing-or-degradation",
        Fault.DISPUTED,
        "skip-connections",
        "Skip connections prevent vanishing gradients; others say that this answer is an instant rejection.",
        "The authors did not blame vanishing: their plain nets had BatchNorm and sound gradients, and "
        "degraded. The shortcut-free 34-layer net has {} "
        "learnable norms and lost to 18 layers. Say: the identity path carries the gradient, and the surface becomes easier.",
        (lambda: str(len(zoo.inside("resnet34_plain", nn.BatchNorm2d))),),
        lambda: len(zoo.inside("resnet34_plain", nn.BatchNorm2d)) > len(zoo.inside("resnet18_plain", nn.BatchNorm2d)),
        "He et al. 2016, arXiv:1512.03385, section 4.1; Li et al. 2018, arXiv:1712.09913",
    ),
    Lesson(
        "complete-invariance",
        Fault.LOOSE,
        "pooling",
        "Global average pooling gives complete translation invariance.",
        "Of the map it pools, for shifts of whole map pixels that lose nothing at the border. Behind a "
        "stride of 2, a row shifted by one pixel gives "
        "{} instead of {}.",
        (lambda: f"{pooled_mean(SHIFTED):g}", lambda: f"{pooled_mean(ROW):g}"),
        lambda: pooled_mean(ROW) != pooled_mean(SHIFTED),
        "Zhang 2019, Making Convolutional Networks Shift-Invariant Again, arXiv:1904.11486",
    ),
    Lesson(
        "max-pool-invariance",
        Fault.LOOSE,
        "pooling",
        "Small shifts give the same pooled output.",
        "A similar one. Pairs of 1 5 2 3 have the maxima {}; shifted by one, 0 1 5 2 has {}.",
        (lambda: _maxima([1, 5, 2, 3]), lambda: _maxima([0, 1, 5, 2])),
        lambda: _maxima([1, 5, 2, 3]) != _maxima([0, 1, 5, 2]),
    ),
    Lesson(
        "effective-is-smaller",
        Fault.LOOSE,
        "receptive-field",
        "Strides increase the effective receptive field.",
        "They widen the theoretical one: two 3x3 see {} pixels, {} if the first has stride 2. The effective "
        "field is what really weighs in: a bell "
        "within it that grows with the square root of the depth.",
        (lambda: str(field_size([Conv(3), Conv(3)]).value), lambda: str(field_size([Conv(3, 2), Conv(3)]).value)),
        lambda: field_size([Conv(3, 2), Conv(3)]).value == 7,
        "Luo et al. 2016, Understanding the Effective Receptive Field, arXiv:1701.04128",
    ),
    Lesson(
        "where-layers-are-early",
        Fault.DISPUTED,
        "transfer",
        "Early layers are 1-2, late ones from 6; others say early are 1-3, late from 9.",
        "Numbers of layers mean nothing across nets: 9 layers of 3x3 at stride 1 see {} pixels, with a "
        "stride of 2 in every third they see {}. "
        "Go by stage and by receptive field.",
        (lambda: str(field_size([Conv(3)] * 9).value), lambda: str(field_size([Conv(3), Conv(3), Conv(3, 2)] * 3).value)),
        lambda: field_size([Conv(3)] * 9).value != field_size([Conv(3), Conv(3), Conv(3, 2)] * 3).value,
        "Yosinski et al. 2014, arXiv:1411.1792",
    ),
    Lesson(
        "rates-that-disagree",
        Fault.LOOSE,
        "transfer",
        "Early layers get rates 10 to 100 times below the head's; others say 10 to 1.",
        "Both are rules of thumb. A usual choice is 1e-5 against 1e-4, a factor of {}. Take 10 as a start and let validation choose.",
        (lambda: f"{1e-4 / 1e-5:.0f}",),
        lambda: round(1e-4 / 1e-5) == 10,
        "Howard and Ruder 2018, arXiv:1801.06146, section 3.2: 2.6 per layer",
    ),
    Lesson(
        "other-sizes",
        Fault.LOOSE,
        "transfer",
        "Models trained at 224 pixels lose features at other sizes, so resize to 224.",
        "After global pooling the classifier takes any size: {} parameters at 224 and at 320 alike. Tested "
        "at a somewhat larger size most nets gain, as "
        "training crops show objects larger.",
        (lambda: f"{whole(parameters(Linear(2048, 1000))):,}",),
        lambda: whole(parameters(Linear(2048, 1000))) == 2_049_000,
        "Touvron et al. 2019, Fixing the train-test resolution discrepancy, arXiv:1906.06423",
    ),
)


def _maxima(row: list[int]) -> str:
    return f"{max(row[:2])} {max(row[2:])}"
