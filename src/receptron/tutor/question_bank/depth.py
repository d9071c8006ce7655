"""Open questions on the whole: shortcuts, counting, history, thrift, few images, sight."""

from receptron.arithmetic import Conv, Linear, Norm, separable
from receptron.tutor.figures.figures import (
    added,
    factor,
    kept,
    learnt,
    net_parameters,
    saving,
    seen,
    stacking,
    times,
    trained_head,
    work,
    year,
)
from receptron.tutor.question_bank.citations import HE_PLAIN
from receptron.tutor.question_bank.question import Question, point

PLAIN = Conv(3, 1, 1, c_in=256, c_out=512, bias=False)

QUESTIONS = (
    Question(
        "skip-connections",
        "skip-connections",
        "What are skip connections, and which problem did they solve?",
        (
            point("A block gives y = F(x) + x and learns only the difference from its input.", source=HE_PLAIN),
            point("Plain nets got worse with depth on their training images too (degradation), which is no overfitting.", source=HE_PLAIN),
            point("The identity is easy for a residual block: F need only be zero.", source=HE_PLAIN),
            point(
                "The gradient gets a path with factor 1; with branches of slope 0.1, 20 blocks pass on 1.1^20 = {} instead of 0.1^20.",
                lambda: f"{1.1**20:.2f}",
            ),
            point("The authors do not blame vanishing gradients, as their plain nets had BatchNorm.", source=HE_PLAIN),
            point("152 layers could be trained: {} parameters.", net_parameters("resnet152")),
        ),
        "What happens at the blocks where the number of channels changes?",
    ),
    Question(
        "augmentation",
        "transfer",
        "What is data augmentation, and why do small data sets need it?",
        (
            point(
                "Random flips, crops, rotations and colours show the same label in new pictures, at no cost of labelling.",
                source="Shorten and Khoshgoftaar 2019, A survey on Image Data Augmentation for Deep Learning, J. Big Data 6:60",
            ),
            point(
                "It teaches invariances that the architecture lacks, such as rotation and scale.", source="Shorten and Khoshgoftaar 2019"
            ),
            point(
                "Mixing images (Mixup, CutMix), hiding parts (Cutout) and drawn policies (RandAugment) go further.",
                source="Zhang et al. 2018, arXiv:1710.09412; Yun et al. 2019, arXiv:1905.04899; DeVries and Taylor 2017, "
                "arXiv:1708.04552; Cubuk et al. 2020, arXiv:1909.13719",
            ),
            point(
                "Only changes that keep the label are allowed: a mirrored chest X-ray has its heart on the wrong side.",
                source="lesson flip-x-ray of this program",
            ),
            point("At test time predictions over several views may be averaged.", source="Krizhevsky et al. 2012, NIPS, section 4.1"),
        ),
        "Which augmentations would you leave out for digits, and why?",
    ),
    Question(
        "counting-parameters",
        "convolution",
        "How do you count the parameters of a network?",
        (
            point("A convolution: (K² C_in + 1) C_out; 3x3 from 256 to 512 has {}.", learnt(Conv(3, c_in=256, c_out=512))),
            point(
                "A batch norm over 512 channels learns {} numbers and keeps {} more that are not learnt.",
                learnt(Norm(512)),
                kept(Norm(512)),
            ),
            point(
                "A dense layer: inputs × outputs + outputs; 7x7x512 to 4,096 is {}, more than all of VGG-16's convolutions.",
                learnt(Linear(512 * 49, 4096)),
            ),
            point("Pooling and activations such as ReLU have none: {}.", lambda: "0"),
            point(
                "Pooling before the classifier is what spares ResNet-50 the flattened {} instead of {}.",
                learnt(Linear(2048 * 49, 1000)),
                learnt(Linear(2048, 1000)),
            ),
        ),
        "Does a convolution before a batch norm need its bias?",
    ),
    Question(
        "architecture-evolution",
        "architectures",
        "Trace the line of architectures from AlexNet to EfficientNet.",
        (
            point("AlexNet ({}): {}; {} parameters.", year("alexnet"), added("alexnet"), net_parameters("alexnet")),
            point("VGG ({}): {}; {} parameters.", year("vgg"), added("vgg"), net_parameters("vgg16")),
            point(
                "GoogLeNet ({}): {}; {} parameters, {} times fewer than AlexNet.",
                year("googlenet"),
                added("googlenet"),
                net_parameters("googlenet"),
                times("alexnet_2012", "googlenet"),
            ),
            point("ResNet ({}): {}.", year("resnet"), added("resnet")),
            point("DenseNet ({}): {}, within one dense block.", year("densenet"), added("densenet")),
            point(
                "MobileNet ({}): {}; a 3x3 at 512 channels costs {} times less.", year("mobilenet_v1"), added("mobilenet_v1"), saving(512)
            ),
            point("EfficientNet ({}): {}.", year("efficientnet"), added("efficientnet")),
        ),
        "Which of these ideas does ConvNeXt keep, and which does it replace?",
    ),
    Question(
        "depthwise-separable",
        "separable",
        "What is a depthwise separable convolution, and what does it save?",
        (
            point("A standard 3x3 from 256 to 512 channels on 56x56 costs {} multiply-accumulates.", work(PLAIN, 56)),
            point("Depthwise: one 3x3 filter per channel, {}.", work(Conv(3, 1, 1, c_in=256, c_out=256, groups=256, bias=False), 56)),
            point("Pointwise: a 1x1 mixes the channels, {}.", work(Conv(1, c_in=256, c_out=512, bias=False), 56)),
            point(
                "What is left is 1/C_out + 1/K²: {} times cheaper here, and never more than 9 for 3x3.", factor(lambda: separable(256, 512))
            ),
            point(
                "Fewer operations are not as much less time: the depthwise part waits for memory.",
                source="Ma et al. 2018, ShuffleNet V2, arXiv:1807.11164, section 2",
            ),
        ),
        "With how many output channels does the saving fall below 8?",
    ),
    Question(
        "fifty-images",
        "transfer",
        "You have 50 labelled images. How do you train a classifier?",
        (
            point("Not from scratch: ResNet-50 has {} parameters for 50 labels.", net_parameters("resnet50")),
            point("Freeze a strong pretrained backbone and train a linear head: for 5 classes {} parameters.", trained_head("resnet50", 5)),
            point("Augment strongly, with changes that keep the label.", source="Shorten and Khoshgoftaar 2019, J. Big Data 6:60"),
            point(
                "Compare instead of classify: prototypes ({}) or siamese nets ({}) are made for a few examples.",
                year("prototypical"),
                year("siamese"),
            ),
            point(
                "If the domain is far off, use a backbone trained nearer to it or self-supervised on its unlabelled images.",
                source="Azizi et al. 2021, Big Self-Supervised Models Advance Medical Image Classification, arXiv:2101.05224",
            ),
            point(
                "Measure by repeated cross-validation and tell the interval: with 10 test images one more right is worth {}.",
                lambda: f"{1 / 10:.0%}",
            ),
        ),
        "And if you have 50 images of each class?",
    ),
    Question(
        "receptive-field",
        "receptive-field",
        "What is the receptive field, and how can it be widened at what cost?",
        (
            point(
                "The part of the image that can change a unit's value.",
                source="Araujo, Norris and Sim 2019, Distill, doi:10.23915/distill.00021",
            ),
            point(
                "Stacked 3x3: two see {} pixels, three see {}, with {} fewer parameters than one 7x7.",
                seen(Conv(3), Conv(3)),
                seen(Conv(3), Conv(3), Conv(3)),
                stacking(3, 3),
            ),
            point(
                "Dilation: 3x3 with rate 2 covers {} pixels with 9 weights; rates 1, 2, 4, 8 see {}.",
                seen(Conv(3, 1, 0, 2)),
                seen(*(Conv(3, 1, 0, d) for d in (1, 2, 4, 8))),
            ),
            point(
                "Stride and pooling multiply what every later layer adds: 3x3 after a stride-2 layer adds 4 pixels, so that both see {}.",
                seen(Conv(3, 2), Conv(3)),
            ),
            point(
                "Self-attention sees everything at once, at a cost that grows with the square of the number of places.",
                source="Vaswani et al. 2017, Attention Is All You Need, arXiv:1706.03762, Table 1",
            ),
            point(
                "Dense prediction wants it at full resolution (dilation), classification may downsample.",
                source="Chen et al. 2017, arXiv:1706.05587, section 3",
            ),
        ),
        "Is every pixel of the receptive field equally important?",
    ),
)
