"""Numbers of the first document, the fifteen interview questions."""

from torch import nn

from receptron.arithmetic import (
    Conv,
    Linear,
    Norm,
    Pool,
    field_size,
    output_size,
    parameters,
    separable,
    statistics,
)
from receptron.tutor.claims.claim import Claim
from receptron.tutor.claims.measures import GPIPE, dense, field, learnt, net, one, ratio, size, value, weighted
from receptron.tutor.figures import zoo_facts as zoo
from receptron.tutor.lessons.architectures import gate_work
from receptron.zoo.googlenet import TABLE as INCEPTIONS
from receptron.zoo.papers import PAPERS

QUESTION_LIST = "interview"

CLAIMS = (
    Claim(QUESTION_LIST, "convolution", "weights of a 3x3 filter on one channel", 9, learnt(Conv(3, bias=False))),
    Claim(QUESTION_LIST, "convolution", "weights of a 3x3 filter on RGB", 27, learnt(Conv(3, c_in=3, bias=False))),
    Claim(QUESTION_LIST, "pooling", "2x2 max pool with stride 2 halves 224", 112, size(Pool(2), 224)),
    Claim(QUESTION_LIST, "pooling", "and reduces the data 4 times", 4, lambda: 224**2 / float(one(output_size(Pool(2), 224)) ** 2)),
    Claim(
        QUESTION_LIST,
        "pooling",
        "small shifts pool to the same (maxima of pairs, 1 5 2 3)",
        (5, 3),
        lambda: (max(0, 1), max(5, 2)),
        0,
        "max-pool-invariance",
    ),
    Claim(
        QUESTION_LIST,
        "pooling",
        "fewer parameters in later convolutions",
        73_856,
        learnt(Conv(3, c_in=64, c_out=128)),
        0,
        "pooling-and-parameters",
    ),
    Claim(QUESTION_LIST, "fully connected", "inputs of a 224x224x3 image", 150_528, lambda: 224 * 224 * 3),
    Claim(
        QUESTION_LIST,
        "fully connected",
        "parameters to 4,096 outputs, 'over 600 million'",
        600_000_000,
        learnt(Linear(150_528, 4096)),
        0.03,
    ),
    Claim(QUESTION_LIST, "fully connected", "3x3 convolution from 64 to 128", 73_856, learnt(Conv(3, c_in=64, c_out=128))),
    Claim(
        QUESTION_LIST,
        "stride and padding",
        "valid padding shrinks by K - 1 (5x5 on 32)",
        4,
        lambda: 32 - int(one(output_size(Conv(5), 32))),
    ),
    Claim(
        QUESTION_LIST, "stride and padding", "⌊K/2⌋ preserves size at stride 1 (3x3)", 32, size(Conv(3, 1, 1), 32), 0, "floor-half-kernel"
    ),
    Claim(QUESTION_LIST, "stride and padding", "stride 2 halves 224 (3x3, padding 1)", 112, size(Conv(3, 2, 1), 224)),
    Claim(
        QUESTION_LIST,
        "feature maps",
        "64 filters give 64 maps: biases",
        64,
        lambda: one(parameters(Conv(3, c_out=64))) - one(parameters(Conv(3, c_out=64, bias=False))),
    ),
    Claim(
        QUESTION_LIST,
        "feature maps",
        "layer numbers tell early from late: 9 layers of 3x3 see 19 pixels in every net",
        19,
        field(*[Conv(3), Conv(3), Conv(3, 2)] * 3),
        0,
        "where-layers-are-early",
    ),
    Claim(
        QUESTION_LIST, "skip connections", "layers of the deepest ResNet", 152, lambda: weighted("resnet152"), 0, "vanishing-or-degradation"
    ),
    Claim(QUESTION_LIST, "parameters", "3x3 from 256 to 512", 1_180_160, learnt(Conv(3, c_in=256, c_out=512))),
    Claim(QUESTION_LIST, "parameters", "learnable numbers of a batch norm, times channels", 2, lambda: one(parameters(Norm(512))) / 512),
    Claim(QUESTION_LIST, "parameters", "running statistics of a batch norm, times channels", 2, lambda: one(statistics(Norm(512))) / 512),
    Claim(QUESTION_LIST, "parameters", "parameters of a pooling", 0, learnt(Pool(2))),
    Claim(QUESTION_LIST, "parameters", "7x7x512 to 4,096", 102_764_544, learnt(Linear(7 * 7 * 512, 4096))),
    Claim(
        QUESTION_LIST,
        "parameters",
        "which is more than all convolutions of VGG-16",
        1,
        lambda: int(zoo.parameters_of("vgg16") - dense("vgg16") < 102_764_544),
    ),
    Claim(QUESTION_LIST, "parameters", "VGG-16's three dense layers, 123M", 123_000_000, lambda: dense("vgg16"), 0.01),
    Claim(QUESTION_LIST, "parameters", "VGG-16 in all, 138M", 138_000_000, net("vgg16"), 0.005),
    Claim(QUESTION_LIST, "parameters", "their share, 89%", 0.89, lambda: dense("vgg16") / zoo.parameters_of("vgg16"), 0.01),
    Claim(QUESTION_LIST, "parameters", "ResNet-50's final layer, 2M", 2_000_000, lambda: dense("resnet50"), 0.03, "pooled-final-layer"),
    Claim(QUESTION_LIST, "evolution", "AlexNet has 8 layers", 8, lambda: weighted("alexnet")),
    Claim(QUESTION_LIST, "evolution", "VGG has 16 to 19 layers", (16, 19), lambda: (weighted("vgg16"), weighted("vgg19"))),
    Claim(QUESTION_LIST, "evolution", "two 3x3 see what one 5x5 sees", 5, field(Conv(3), Conv(3))),
    Claim(QUESTION_LIST, "evolution", "GoogLeNet has 22 layers", 22, lambda: 3 + 2 * sum(map(len, INCEPTIONS)) + 1),
    Claim(QUESTION_LIST, "evolution", "GoogLeNet has 5M parameters", 5_000_000, net("googlenet"), 0.05, "googlenet-size"),
    Claim(
        QUESTION_LIST,
        "evolution",
        "DenseNet: maps of all preceding layers",
        4,
        lambda: len(zoo.inside("densenet121", nn.AvgPool2d)) + 1,
        0,
        "dense-within-blocks",
    ),
    Claim(
        QUESTION_LIST,
        "evolution",
        "MobileNet introduced depthwise separable in 2017",
        2017,
        lambda: PAPERS["xception"].year,
        0,
        "who-introduced-separable",
    ),
    Claim(
        QUESTION_LIST,
        "evolution",
        "8 to 9 times less computation (256 channels)",
        8.5,
        lambda: 1 / one(separable(256, 256)),
        0.06,
        "eight-to-nine-times",
    ),
    Claim(
        QUESTION_LIST,
        "evolution",
        "EfficientNet-B7 has 8.4 times fewer than the best before",
        8.4,
        lambda: GPIPE / zoo.parameters_of("efficientnet_b7"),
        0.01,
    ),
    Claim(QUESTION_LIST, "separable", "1/C_out + 1/K² for 256 and 3", 1 / 256 + 1 / 9, value(lambda: separable(256, 256)), 1e-9),
    Claim(
        QUESTION_LIST,
        "separable",
        "MobileNet: a thirtieth of AlexNet's parameters",
        30,
        ratio("alexnet_2012", "mobilenet_v1"),
        0.05,
        "mobilenet-thirtieth",
    ),
    Claim(QUESTION_LIST, "receptive field", "7x7 has 5.4 times the parameters of 3x3", 5.4, lambda: 49 / 9, 0.01, "times-more"),
    Claim(QUESTION_LIST, "receptive field", "two 3x3: 18 parameters", 18, lambda: 2 * one(parameters(Conv(3, bias=False)))),
    Claim(QUESTION_LIST, "receptive field", "one 5x5: 25 parameters", 25, learnt(Conv(5, bias=False))),
    Claim(QUESTION_LIST, "receptive field", "3x3 with dilation 2 covers 5", 5, field(Conv(3, 1, 0, 2))),
    Claim(QUESTION_LIST, "receptive field", "with 9 parameters", 9, learnt(Conv(3, 1, 0, 2, bias=False))),
    Claim(
        QUESTION_LIST,
        "receptive field",
        "a pixel after stride 2 stands for 2 pixels",
        2,
        lambda: one(field_size([Conv(1, 2), Conv(2)])) - 1,
        0,
        "effective-is-smaller",
    ),
    Claim(
        QUESTION_LIST,
        "receptive field",
        "gates of SENet cost O(n²): their share of the work",
        1,
        lambda: gate_work() / zoo.macs_of("resnet50"),
        0.001,
        "cost-of-attention",
    ),
)
