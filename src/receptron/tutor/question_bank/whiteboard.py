"""Open questions on structure: sight, residual blocks, history, 1x1."""

from receptron.arithmetic import Conv
from receptron.tutor.figures.figures import (
    added,
    learnt,
    narrowing,
    net_field,
    net_macs,
    net_parameters,
    saving,
    seen,
    size,
    stacking,
    times,
    top1,
    work_times,
    year,
)
from receptron.tutor.question_bank.citations import BALDUZZI, HE, IDENTITY, LI, VEIT
from receptron.tutor.question_bank.question import Question, point

QUESTIONS = (
    Question(
        "sixty-seconds",
        "convolution",
        "Explain convolutional networks in sixty seconds.",
        (
            point(
                "Three ideas: local windows, shared weights, and maps that move with the image.",
                source="Goodfellow et al. 2016, Deep Learning, section 9.2",
            ),
            point("Early layers find edges, middle ones parts, late ones objects.", source="Zeiler and Fergus 2014, arXiv:1311.2901"),
            point("Sizes follow ⌊(W - K + 2P) / S⌋ + 1: 224 with 7x7, stride 2, padding 3 gives {}.", size(Conv(7, 2, 3), 224)),
            point("Shortcuts made very deep nets trainable: 152 layers in {}.", year("resnet")),
        ),
        "Now explain the same to somebody who knows no mathematics.",
    ),
    Question(
        "why-three-3x3",
        "receptive-field",
        "Why three 3x3 convolutions instead of one 7x7?",
        (
            point("They see the same {} pixels.", seen(Conv(3), Conv(3), Conv(3))),
            point("At 64 channels they have {} fewer weights.", stacking(3, 3)),
            point("Three nonlinearities instead of one.", source="Simonyan and Zisserman 2015, arXiv:1409.1556, section 2.3"),
            point(
                "Each 3x3 on its own is a cheap, well-tuned kernel; but three layers keep three maps in memory.",
                source="Radosavovic et al. 2020, arXiv:2003.13678, section 3.1",
            ),
        ),
        "ConvNeXt went back to 7x7. Why does the argument not hold there?",
    ),
    Question(
        "large-objects",
        "receptive-field",
        "Your model fails to detect large objects. Why, and what do you do?",
        (
            point("First suspicion: no unit sees the whole object. Three 3x3 layers see {} pixels only.", seen(Conv(3), Conv(3), Conv(3))),
            point("Measure it: VGG-16 sees {} pixels at its end.", net_field("vgg16", 5)),
            point(
                "More layers, strides or pooling before them widen it; rates 1, 2, 4, 8 see {} without losing resolution.",
                seen(*(Conv(3, 1, 0, d) for d in (1, 2, 4, 8))),
            ),
            point(
                "What counts in training is smaller than the bound: its weight falls off like a bell.",
                source="Luo et al. 2016, Understanding the Effective Receptive Field, arXiv:1701.04128",
            ),
            point(
                "Or the scales are missing: use a pyramid of maps, or smaller images.",
                source="Lin et al. 2017, Feature Pyramid Networks, arXiv:1612.03144",
            ),
        ),
        "And if it misses small objects?",
    ),
    Question(
        "residual-block",
        "skip-connections",
        "Draw a residual block and write its gradient.",
        (
            point("Two paths leave x: the branch F and the shortcut; they meet in a sum.", source=HE),
            point("dL/dx = dL/dy (dF/dx + I).", source=IDENTITY),
            point(
                "The I hands the gradient on unchanged; with slope 0.01 over 50 blocks {} comes through instead of 0.01^50.",
                lambda: f"{1.01**50:.2f}",
            ),
            point("Where channels or size change, a 1x1 projection takes the identity's place.", source=HE + ", section 3.3"),
        ),
        "Where does the ReLU after the sum put a factor on the shortcut?",
    ),
    Question(
        "key-architectures",
        "architectures",
        "List the key architectures in order and say what each brought.",
        tuple(
            point(f"{net} ({{}}): {{}}.", year(key), added(key))
            for net, key in (
                ("LeNet-5", "lenet"),
                ("AlexNet", "alexnet"),
                ("VGG", "vgg"),
                ("GoogLeNet", "googlenet"),
                ("ResNet", "resnet"),
                ("MobileNet", "mobilenet_v1"),
                ("EfficientNet", "efficientnet"),
                ("ConvNeXt", "convnext"),
            )
        ),
        "Which of them would you build on today, and for what?",
    ),
    Question(
        "vgg-or-resnet",
        "architectures",
        "Compare VGG-16 and ResNet-50: depth, parameters, idea, performance.",
        (
            point("16 against 50 layers with weights.", source="arXiv:1409.1556, Table 1; arXiv:1512.03385, Table 1"),
            point(
                "{} against {} parameters, {} times as many.",
                net_parameters("vgg16"),
                net_parameters("resnet50"),
                times("vgg16", "resnet50"),
            ),
            point(
                "{} against {} multiply-accumulates, {} times as many.",
                net_macs("vgg16"),
                net_macs("resnet50"),
                work_times("vgg16", "resnet50"),
            ),
            point("VGG: {}. ResNet: {}.", added("vgg"), added("resnet")),
            point(
                "Published top-1 on ImageNet: {} against {} per cent; the recipes of training differ by years as well.",
                top1("vgg16"),
                top1("resnet50"),
            ),
        ),
        "Why can VGG still be the better feature extractor for style transfer?",
    ),
    Question(
        "field-to-skip",
        "skip-connections",
        "How do receptive field, degradation and skip connections hang together?",
        (
            point(
                "Seeing more with small kernels takes depth: each 3x3 at stride 1 adds 2 pixels, so 20 of them see {}.",
                seen(*[Conv(3)] * 20),
            ),
            point("Depth alone makes plain nets worse even in training.", source=HE + ", Fig. 1"),
            point(
                "Shortcuts make depth trainable, so a wide view became affordable; ResNet-50 has {} parameters.", net_parameters("resnet50")
            ),
            point("Paths of all lengths make a range of receptive fields: short ones see little, long ones much.", source=VEIT),
        ),
        "How does dilation shift this trade?",
    ),
    Question(
        "uses-of-1x1",
        "pointwise",
        "How are 1x1 convolutions used in GoogLeNet, ResNet and MobileNet?",
        (
            point(
                "A dense layer over the channels, the same at every place; 256 to 64 has {} weights.",
                learnt(Conv(1, c_in=256, c_out=64, bias=False)),
            ),
            point(
                "GoogLeNet thins channels before 3x3 and 5x5; the 1x1's own cost belongs to the bill.",
                source="Szegedy et al. 2015, arXiv:1409.4842, section 4",
            ),
            point(
                "ResNet's bottleneck thins 256 to 64 and back: {} times fewer weights than two full 3x3, with a smaller field.",
                narrowing(256, 64),
            ),
            point("ResNet also matches channels on the shortcut with it.", source=HE + ", section 3.3"),
            point(
                "MobileNet mixes channels with it after each depthwise filter: at 512 channels {} times cheaper than a full 3x3.",
                saving(512),
            ),
        ),
        "What does a 1x1 with stride 2 throw away?",
    ),
    Question(
        "prove-the-gradient",
        "skip-connections",
        "Prove on the whiteboard what residual blocks do to the gradient, in five minutes.",
        (
            point("x_{{n+1}} = x_n + F_n(x_n), so dx_{{n+1}}/dx_n = I + J_n.", source=IDENTITY),
            point("Chain rule: dx_N/dx_0 is the product of all (I + J_n).", source=IDENTITY),
            point("Multiplied out it has 2^N terms, for 10 blocks {}; one is I.", lambda: f"{2**10:,}"),
            point("So dL/dx_0 = dL/dx_N + other terms; without shortcuts only the product of the J_n remains.", source=IDENTITY),
            point("The sum can still vanish: J_n = -I gives {}.", lambda: str((1 - 1) ** 10)),
            point("In the first ResNet a ReLU follows each sum, so the path is the identity only where it is open.", source=IDENTITY),
        ),
        "What changes for shortcuts with a projection?",
    ),
    Question(
        "better-optimiser",
        "skip-connections",
        "If shortcuts ease optimisation, why not just use a better optimiser?",
        (
            point("The difficulty lies in the surface, not in the step: without shortcuts it turns chaotic with depth.", source=LI),
            point("With shortcuts the surface around minima is wide and smooth.", source=LI),
            point("Gradients of deep plain nets come to resemble white noise, which no step size mends.", source=BALDUZZI),
            point("The paper's plain nets used BatchNorm and had sound gradient norms, and still degraded.", source=HE + ", section 4.1"),
        ),
        "Which experiment would tell a bad optimiser from a bad surface?",
    ),
)
