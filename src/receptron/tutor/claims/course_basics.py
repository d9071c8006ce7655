"""Numbers that a course prints, up to the history of architectures."""

from torch import nn

from receptron.arithmetic import (
    Conv,
    Pool,
    constraint,
    field_size,
    output_size,
    parameters,
    same_padding,
    stacked,
)
from receptron.arithmetic.padding import resolve
from receptron.tutor.claims.claim import Claim
from receptron.tutor.claims.measures import field, free, layers, learnt, net, one, ratio, size, value
from receptron.tutor.figures import zoo_facts as zoo
from receptron.tutor.lessons.architectures import convs
from receptron.tutor.lessons.arguments import ROW, SHIFTED, pooled_mean

CLAIMS = (
    Claim("at the whiteboard", "6x6, 3x3, stride 2, padding 1", 3, size(Conv(3, 2, 1), 6)),
    Claim("at the whiteboard", "field of 50 such layers (stride 1 taken)", 101, field(*[Conv(3)] * 50), 0, "fifty-of-these"),
    Claim("convolution", "a 3x3 filter has 9 weights", 9, learnt(Conv(3, bias=False))),
    Claim("convolution", "64 to 128 channels with 3x3", 73_856, learnt(Conv(3, c_in=64, c_out=128))),
    Claim("output size", "standard 3x3 shrinks by 2", 54, size(Conv(3), 56)),
    Claim("output size", "same padding preserves", 56, size(Conv(3, 1, 1), 56)),
    Claim("output size", "downsampling halves", 28, size(Conv(3, 2, 1), 56), 0, "halves-the-size"),
    Claim("output size", "7x7, stride 2, padding 3 roughly halves", 112, size(Conv(7, 2, 3), 224)),
    Claim("output size", "1x1 changes channels only", 56, size(Conv(1), 56), 0, "pooling-replacement"),
    Claim("output size", "dilation 2 with padding 2 preserves", 56, size(Conv(3, 1, 2, 2), 56)),
    Claim("output size", "5x5 on 32", 28, size(Conv(5), 32)),
    Claim("output size", "7x7, stride 2, padding 3 on 224", 112, size(Conv(7, 2, 3), 224)),
    Claim("output size", "floor of 223/2", 111, lambda: int(one(output_size(Conv(7, 2, 3), 224))) - 1),
    Claim("output size", "3x3, stride 2, padding 1 on 56", 28, size(Conv(3, 2, 1), 56)),
    Claim("output size", "floor of 55/2", 27, lambda: int(one(output_size(Conv(3, 2, 1), 56))) - 1),
    Claim("output size", "3x3 with stride 2 on 7x7", 3, size(Conv(3, 2), 7), 0, "floor-trap-divides-evenly"),
    Claim("padding", "valid is 0", (0, 0), lambda: resolve("valid", 3, 1, 1, 32)),
    Claim("padding", "same is ⌊K/2⌋ (K = 5)", (2, 2), value(lambda: same_padding(5)), 0, "floor-half-kernel"),
    Claim("padding", "full is K - 1 (K = 5)", (4, 4), lambda: resolve("full", 5, 1, 1, 32)),
    Claim("padding", "causal pads one side (K = 3)", (2, 0), lambda: resolve("causal", 3, 1, 1, 32)),
    Claim("dilation", "dilation 2 covers 5", 5, field(Conv(3, 1, 0, 2))),
    Claim("dilation", "dilation 4 covers 9", 9, field(Conv(3, 1, 0, 4))),
    Claim(
        "receptive field", "field after one, two, three 3x3", (3, 5, 7), lambda: tuple(one(field_size([Conv(3)] * n)) for n in (1, 2, 3))
    ),
    Claim("receptive field", "one 7x7 at 64 channels", 200_704, learnt(free(64, 64, 7))),
    Claim("receptive field", "three 3x3 at 64 channels", 110_592, lambda: 3 * int(one(parameters(free(64, 64))))),
    Claim("receptive field", "45% fewer", 0.45, lambda: 1 - one(stacked(3, 3)), 0.005),
    Claim("receptive field", "one 7x7 sees 7", 7, field(Conv(7))),
    Claim("receptive field", "stride 2 first doubles what a later 3x3 adds", 4, lambda: one(field_size([Conv(3, 2), Conv(3)])) - 3),
    Claim("pooling", "2x2 with stride 2 halves", 28, size(Pool(2), 56)),
    Claim("pooling", "max pooling has no parameters", 0, learnt(Pool(2))),
    Claim(
        "pooling",
        "a strided 3x3 at 64 channels has C_out C_in K²",
        64 * 64 * 9,
        learnt(Conv(3, 2, 1, c_in=64, c_out=64, bias=False)),
    ),
    Claim(
        "pooling",
        "ResNet-D has no max pooling left",
        0,
        lambda: len(zoo.inside("resnet50d", nn.MaxPool2d)),
        0,
        "resnet-d-still-pools",
    ),
    Claim(
        "pooling",
        "global pooling: change by a shift of one pixel",
        0,
        lambda: pooled_mean(ROW) - pooled_mean(SHIFTED),
        0,
        "complete-invariance",
    ),
    Claim("architectures", "LeNet-5 has about 60,000", 60_000, net("lenet5_1998"), 0.01),
    Claim(
        "architectures",
        "LeNet-5: 2 convolutions and 3 dense layers",
        (2, 3),
        lambda: (layers("lenet5", nn.Conv2d), layers("lenet5", nn.Linear)),
    ),
    Claim("architectures", "AlexNet has about 60 million", 60_000_000, net("alexnet_2012"), 0.02),
    Claim(
        "architectures",
        "AlexNet: 5 convolutions and 3 dense layers",
        (5, 3),
        lambda: (layers("alexnet", nn.Conv2d), layers("alexnet", nn.Linear)),
    ),
    Claim("architectures", "VGG has about 138 million", 138_000_000, net("vgg16"), 0.005),
    Claim("architectures", "VGG: all windows 3x3", 3, lambda: max(conv.kernel_size[0] for conv in convs("vgg16")), 0, "vgg-only-3x3"),
    Claim("architectures", "GoogLeNet has about 6.8 million", 6_800_000, net("googlenet"), 0.03),
    Claim("architectures", "12 times fewer than VGG", 12, ratio("vgg16", "googlenet"), 0.05, "googlenet-size"),
    Claim("architectures", "ResNet-50 has about 25M", 25_000_000, net("resnet50"), 0.03),
    Claim("architectures", "ResNet-152 has about 60M", 60_000_000, net("resnet152"), 0.01),
    Claim("architectures", "alpha beta² gamma² is about 2", 2, value(constraint), 0.05),
    Claim("architectures", "ConvNeXt's stem: 4x4 with stride 4 on 224", 56, size(Conv(4, 4), 224)),
    Claim("architectures", "ConvNeXt's windows are 7x7", 7, lambda: max(conv.kernel_size[0] for conv in convs("convnext_tiny"))),
)
