"""Open questions on use: design, transfer, devices, transformers."""

from receptron.arithmetic import Conv, Linear
from receptron.tutor.figures.figures import (
    added,
    learnt,
    net_macs,
    net_parameters,
    seen,
    size,
    stacking,
    trained_head,
    work,
    work_times,
    year,
)
from receptron.tutor.question_bank.citations import DOSOVITSKIY, HOWARD, LIU, YOSINSKI
from receptron.tutor.question_bank.question import Question, point

QUESTIONS = (
    Question(
        "design-for-a-task",
        "output-size",
        "Design a CNN for 64x64 images of 10 classes and justify kernels, strides and normalisation.",
        (
            point("3x3 kernels: two see {} pixels with {} fewer weights than one 5x5.", seen(Conv(3), Conv(3)), stacking(3, 2)),
            point(
                "Stride 2 with padding 1 halves exactly: 64, {}, {}, {}.",
                size(Conv(3, 2, 1), 64),
                size(Conv(3, 2, 1), 32),
                size(Conv(3, 2, 1), 16),
            ),
            point(
                "Double the channels where the side halves: a 3x3 from 64 to 128 at stride 2 on 32x32 costs {} "
                "multiply-accumulates, one from 128 to 128 on the 16x16 that follow {}.",
                work(Conv(3, 2, 1, c_in=64, c_out=128, bias=False), 32),
                work(Conv(3, 1, 1, c_in=128, c_out=128, bias=False), 16),
            ),
            point(
                "BatchNorm for batches of a sensible size, GroupNorm for small ones.",
                source="Wu and He 2018, Group Normalization, arXiv:1803.08494",
            ),
            point("Global average pooling, then one linear layer: 256 channels to 10 classes are {} parameters.", learnt(Linear(256, 10))),
        ),
        "Now it has to run in a million parameters.",
    ),
    Question(
        "radar-image",
        "transfer",
        "How would you modify a ResNet-50 for 3-channel radar images of 500x500?",
        (
            point(
                "The stem takes three channels, but radar's are not red, green and blue: keep the weights as a "
                "start, replace the normalisation.",
                source=YOSINSKI,
            ),
            point("500 pixels need no new layer: the convolutions take any size, and the stem gives {} pixels.", size(Conv(7, 2, 3), 500)),
            point(
                "Global pooling makes the classifier independent of the size; with 5 classes it has {} parameters.",
                trained_head("resnet50", 5),
            ),
            point("Cost grows with the area: (500/224)² is {} times ImageNet's.", lambda: f"{(500 / 224) ** 2:.2f}"),
            point(
                "Check that the field fits the targets, and that augmentations suit radar (no colour jitter, flips "
                "only where the geometry allows).",
                source="lesson flip-x-ray of this program",
            ),
        ),
        "And if radar gives 8 channels?",
    ),
    Question(
        "five-hundred-images",
        "transfer",
        "You have 500 labelled images. Walk through your pipeline.",
        (
            point(
                "PerceptualHash at them first: duplicates, broken files, labels, how many of each class.",
                source="Northcutt, Athalye and Mueller 2021, Pervasive Label Errors in Test Sets, arXiv:2103.14749",
            ),
            point(
                "Split by source before anything else; keep a test set that no choice sees.",
                source="Kapoor and Narayanan 2023, Leakage and the reproducibility crisis, Patterns 4(9)",
            ),
            point(
                "Frozen backbone and a linear head as the measure for all else: {} parameters for 4 classes.", trained_head("resnet50", 4)
            ),
            point("Then fine-tune the last stage with a lower rate, with augmentation and early stopping.", source=HOWARD),
            point(
                "Tell accuracy with an interval: on 100 test images at 90 % it is about ±{} points.",
                lambda: f"{196 * (0.9 * 0.1 / 100) ** 0.5:.0f}",
            ),
        ),
        "Where do you spend the budget for 500 more labels?",
    ),
    Question(
        "on-device",
        "separable",
        "How do you fine-tune efficiently for a telephone?",
        (
            point(
                "Start from a net made for it: MobileNet V2 has {} parameters and {} multiply-accumulates.",
                net_parameters("mobilenet_v2"),
                net_macs("mobilenet_v2"),
            ),
            point("Against ResNet-50 that is {} times less work.", work_times("resnet50", "mobilenet_v2")),
            point("Train only the head or the last stages: features stay shared between tasks.", source=YOSINSKI),
            point(
                "Quantise to 8 bits with calibration, or aware of it in training: a quarter of the bytes of float32.",
                source="Jacob et al. 2018, arXiv:1712.05877",
            ),
            point(
                "Measure on the device: operations are not latency.",
                source="Howard et al. 2019, Searching for MobileNetV3, arXiv:1905.02244",
            ),
        ),
        "The accuracy drops after quantisation. What do you look at first?",
    ),
    Question(
        "transfer-scenario",
        "transfer",
        "Walk through a complete transfer strategy for a scenario of your choice.",
        (
            point("Replace the head: for ResNet-50 and 4 classes {} parameters.", trained_head("resnet50", 4)),
            point(
                "Freeze the backbone until the head has settled, or its random gradients spoil the features.",
                source="Kumar et al. 2022, Fine-Tuning can Distort Pretrained Features, arXiv:2202.10054",
            ),
            point("Unfreeze from the end, with rates that fall towards the input.", source=HOWARD),
            point(
                "Normalise as in pretraining: the mean and deviation belong to the weights.",
                source="the weights' own preprocessing; see receptron.weights.inputs",
            ),
            point("Augment, stop early by validation, judge on a test set once.", source="Prechelt 1998, Early Stopping - but when?"),
        ),
        "Validation accuracy falls when you unfreeze. Why?",
    ),
    Question(
        "fine-tuning-mistakes",
        "transfer",
        "Name common mistakes in fine-tuning and their cures.",
        (
            point("One rate for all layers: early features are lost; give them a fraction of the head's.", source=HOWARD),
            point(
                "No freezing at the start: a random head's gradients run through the backbone.",
                source="Kumar et al. 2022, arXiv:2202.10054",
            ),
            point("Training too long: few images are soon memorised; stop by validation.", source="Prechelt 1998"),
            point(
                "Wrong normalisation: inputs lie where the first layer never saw any; an image in 0 to 255 lies up to {} deviations off.",
                lambda: f"{(255 - 0.485) / 0.229:,.0f}",
            ),
            point(
                "Wrong size: objects appear larger or smaller than in training; test sizes somewhat above help.",
                source="Touvron et al. 2019, Fixing the train-test resolution discrepancy, arXiv:1906.06423",
            ),
        ),
        "Which of these shows in the training loss, which only in validation?",
    ),
    Question(
        "convnext-and-transformers",
        "architectures",
        "Why did ConvNeXt adopt ideas from transformers, and which?",
        (
            point("To see how much of their gain was attention at all: {}.", added("convnext")),
            point("Patches for a stem: 4x4 at stride 4 takes 224 to {}.", size(Conv(4, 4), 224)),
            point("7x7 depthwise windows: {} weights per channel, mixing space alone.", learnt(Conv(7, bias=False))),
            point("GELU instead of ReLU and LayerNorm instead of BatchNorm, both fewer.", source=LIU),
            point("An inverted bottleneck, four times wider inside; MobileNet V2 had it in {}.", year("mobilenet_v2")),
            point("ConvNeXt-T costs {} multiply-accumulates, near ResNet-50's {}.", net_macs("convnext_tiny"), net_macs("resnet50")),
        ),
        "Which single step of the ladder gained most?",
    ),
    Question(
        "attention-or-convolution",
        "architectures",
        "How do CNNs relate to attention, and when would you choose one over the other?",
        (
            point(
                "A convolution's weights depend on the offset alone, attention's on the content.",
                source="Dai et al. 2021, CoAtNet, arXiv:2106.04803, section 2.1",
            ),
            point(
                "Attention sees everything in one layer, at a cost with the square of the places: 14x14 patches make {} pairs.",
                lambda: f"{(14 * 14) ** 2:,}",
            ),
            point(
                "Convolution's assumptions help with few images; ViT-B/16 ({} parameters) needs far more, or distillation.",
                net_parameters("vit_b_16"),
                source=DOSOVITSKIY,
            ),
            point(
                "For few images, small devices or large maps: a CNN. For very large data or several modalities: attention.",
                source=DOSOVITSKIY,
            ),
        ),
        "What does a hybrid put where, and why?",
    ),
)
