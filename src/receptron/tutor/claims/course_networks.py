"""Numbers that a course prints, from residual blocks to its problems and its summary."""

from receptron.arithmetic import (
    Conv,
    Linear,
    Pool,
    bottleneck,
    chain_sizes,
    macs,
    parameters,
    separable,
)
from receptron.tutor.claims.claim import Claim
from receptron.tutor.claims.measures import blocks, field, first_inputs, free, learnt, mixers, one, value, weighted, work
from receptron.tutor.lessons.architectures import HISTORY, convs, projections, saturated_grey
from receptron.tutor.lessons.arithmetic import thinned_saving
from receptron.zoo.builder import find

PROBLEM = (Conv(7, 2, 3), Pool(3, 2, 1), Conv(3, 1, 1), Conv(3, 2, 1))
BOTH = free(256, 256, groups=256), free(256, 512, 1)

CLAIMS = (
    Claim("skip connections", "56 layers are 36 more than 20", 36, lambda: weighted("cifar_resnet56") - weighted("cifar_resnet20")),
    Claim(
        "skip connections",
        "the gradient cannot vanish: least of |1 + f|^10 for f from -1",
        1,
        lambda: abs(1 + -1.0) ** 10,
        0,
        "gradient-can-vanish",
    ),
    Claim("skip connections", "2^N paths of N = 16 blocks (ResNet-50)", 65_536, lambda: 2 ** blocks("resnet50")),
    Claim(
        "skip connections",
        "I^N along all shortcuts: projections on the way",
        0,
        lambda: projections("resnet50"),
        0,
        "identity-path-is-not-clean",
    ),
    Claim(
        "skip connections",
        "two 3x3 at 256",
        1_179_648,
        lambda: int(next(s.value for s in bottleneck(256, 64).steps if s.target == "basic")),
    ),
    Claim(
        "skip connections",
        "bottleneck 256-64-64-256",
        69_632,
        lambda: int(next(s.value for s in bottleneck(256, 64).steps if s.target == "bottleneck")),
    ),
    Claim("skip connections", "17 times fewer", 17, lambda: 1 / one(bottleneck(256, 64)), 0.01),
    Claim("skip connections", "with the same receptive field as two 3x3", 5, field(Conv(1), Conv(3), Conv(1)), 0, "bottleneck-field"),
    Claim("pointwise", "256 to 64 before a 5x5 saves 4 times", 4, thinned_saving, 0.05, "thinning-has-a-price"),
    Claim("pointwise", "parameters of a 1x1 from 256 to 64 with bias", 256 * 64 + 64, learnt(Conv(1, c_in=256, c_out=64))),
    Claim("separable", "ratio for 256 and 3, 0.115", 0.115, value(lambda: separable(256, 256)), 0.005),
    Claim(
        "separable",
        "8 to 9 times fewer parameters as well",
        8.5,
        lambda: one(parameters(free(256, 256))) / (one(parameters(free(256, 256, groups=256))) + one(parameters(free(256, 256, 1)))),
        0.06,
        "eight-to-nine-times",
    ),
    Claim(
        "separable",
        "MobileNet: groups of the first convolution, all depthwise",
        3,
        lambda: convs("mobilenet_v1")[0].groups,
        0,
        "not-all-separable",
    ),
    Claim(
        "separable",
        "ConvNeXt: not separable, so 1x1 layers per depthwise window",
        0,
        lambda: mixers("convnext_tiny"),
        0,
        "convnext-separates-too",
    ),
    Claim("transfer", "mean and deviation of ImageNet weights", (0.485, 0.456, 0.406, 0.229, 0.224, 0.225), first_inputs),
    Claim("transfer", "weights fixed to 224 pixels: least size of ResNet-50", 224, lambda: find("resnet50").least, 0, "other-sizes"),
    Claim("transfer", "early layers get 10 to 100 times smaller rates", 100, lambda: 1e-4 / 1e-5, 0.1, "rates-that-disagree"),
    Claim("chain of layers", "sizes after each layer", (112, 56, 56, 28), value(lambda: chain_sizes(PROBLEM, 224))),
    Claim("chain of layers", "7x7 from 3 to 64", 9_472, learnt(Conv(7, 2, 3, c_in=3, c_out=64))),
    Claim("chain of layers", "3x3 from 64 to 128", 73_856, learnt(Conv(3, c_in=64, c_out=128))),
    Claim("chain of layers", "3x3 from 128 to 128, stride 2", 147_584, learnt(Conv(3, 2, 1, c_in=128, c_out=128))),
    Claim(
        "chain of layers",
        "the three together",
        230_912,
        lambda: sum(
            int(one(parameters(layer))) for layer in (Conv(7, c_in=3, c_out=64), Conv(3, c_in=64, c_out=128), Conv(3, c_in=128, c_out=128))
        ),
    ),
    Claim("skip connections", "without shortcuts the product of slopes below 1 vanishes (0.5^50)", 0, lambda: round(0.5**50, 12)),
    Claim("separable", "standard convolution", 3_698_851_840, work(free(256, 512)), 0, "problem-3-product"),
    Claim("separable", "about 3.7 GFLOPs", 3.7e9, work(free(256, 512)), 0.001, "macs-are-not-flops"),
    Claim("separable", "depthwise", 7_225_344, work(BOTH[0])),
    Claim("separable", "pointwise", 411_041_792, work(BOTH[1])),
    Claim("separable", "depthwise and pointwise", 418_267_136, lambda: sum(int(one(macs(layer, 56))) for layer in BOTH)),
    Claim("separable", "8.8 times", 8.8, lambda: 1 / one(separable(256, 512)), 0.006),
    Claim("separable", "ratio 0.113", 0.113, value(lambda: separable(256, 512)), 0.005),
    Claim("transfer", "head of 4 classes instead of 1,000: shortened by", 996, lambda: 1000 - one(parameters(Linear(2048, 4))) / 2049),
    Claim(
        "transfer",
        "colour jitter changes a grey picture: distance of its channels",
        1,
        lambda: max(saturated_grey()) - min(saturated_grey()),
        0,
        "flip-x-ray",
    ),
    Claim("summary", "three 3x3 see 7", 7, field(*[Conv(3)] * 3)),
    Claim("summary", "17 times fewer than 3x3-3x3", 17, lambda: 1 / one(bottleneck(256, 64)), 0.01),
    Claim("summary", "8 to 9 times fewer FLOPs", 8.5, lambda: 1 / one(separable(512, 512)), 0.06, "eight-to-nine-times"),
    Claim("summary", "8 key architectures", 8, lambda: len(HISTORY), 0, "eight-architectures"),
    Claim("summary", "field of 5 layers 3x3, strides 1 2 1 2 1", 21, field(*(Conv(3, stride) for stride in (1, 2, 1, 2, 1)))),
)
