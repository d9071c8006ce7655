"""Open questions on the parts: convolution, pooling, dense layers, stride, maps."""

from receptron.arithmetic import Conv, Linear
from receptron.tutor.figures.figures import FILTERED, dense, dense_share, learnt, net_field, net_parameters, size, trained_head
from receptron.tutor.question_bank.citations import GOODFELLOW, YOSINSKI, ZEILER
from receptron.tutor.question_bank.question import Question, point

QUESTIONS = (
    Question(
        "what-is-a-cnn",
        "convolution",
        "What is a convolutional network, and why does it suit images?",
        (
            point("Small learnt filters slide over the image instead of connecting every pixel to every unit.", source=GOODFELLOW),
            point("Neighbouring pixels belong together, so a unit looks at a small window only (local connectivity).", source=GOODFELLOW),
            point(
                "The same filter serves every place: a 3x3 filter on one channel has {} weights at any image size.",
                learnt(Conv(3, bias=False)),
            ),
            point("If the image moves, the map moves with it (translation equivariance), up to stride and borders.", source=GOODFELLOW),
            point("Layers build edges into textures, textures into parts, parts into objects.", source=ZEILER),
        ),
        "Which of these properties does a stride of 2 weaken, and why?",
    ),
    Question(
        "convolution-step-by-step",
        "convolution",
        "How does a convolution work, step by step, on one channel and on several?",
        (
            point(
                "At each place the kernel's weights meet the pixels under them; products are summed and a bias is added.", source=GOODFELLOW
            ),
            point("Libraries do not flip the kernel: it is a cross-correlation, which learning makes no difference to.", source=GOODFELLOW),
            point("A filter is as deep as its input: 3x3 on RGB has {} weights.", learnt(Conv(3, c_in=3, bias=False))),
            point("Each filter gives one map; 64 to 128 channels with 3x3 take {} parameters with biases.", learnt(FILTERED)),
            point(
                "Kernel, stride, padding and dilation set the size: 224 pixels through 7x7, stride 2, padding 3 give {}.",
                size(Conv(7, 2, 3), 224),
            ),
        ),
        "Why are there as many biases as output channels, not as filters times input channels?",
    ),
    Question(
        "pooling",
        "pooling",
        "What is pooling for, and which kinds are there?",
        (
            point("A 2x2 window at stride 2 halves height and width: 56 becomes {}, a quarter of the numbers.", size(Conv(2, 2), 56)),
            point("Maximum keeps the strongest response, average the mean; neither has anything to learn: {} parameters.", lambda: "0"),
            point(
                "Small shifts change the pooled map little, though not nothing.",
                source="Zhang 2019, Making Convolutional Networks Shift-Invariant Again, arXiv:1904.11486",
            ),
            point(
                "A strided convolution learns what to drop instead: at 64 channels a 3x3 costs {} weights for it.",
                learnt(Conv(3, 2, 1, c_in=64, c_out=64, bias=False)),
            ),
            point(
                "Global average pooling ends the network: 7x7x2048 becomes 2048 numbers, so that 1,000 classes need {} parameters.",
                trained_head("resnet50", 1000),
            ),
        ),
        "Does pooling lower the number of weights in the convolutions after it?",
    ),
    Question(
        "dense-or-convolutional",
        "convolution",
        "How does a fully connected layer differ from a convolution?",
        (
            point(
                "Dense layers connect all to all: 224x224x3 inputs to 4,096 outputs are {} parameters.", learnt(Linear(224 * 224 * 3, 4096))
            ),
            point("A 3x3 convolution from 64 to 128 channels has {}, whatever the image size.", learnt(FILTERED)),
            point("A dense layer must learn a pattern anew for each place; a convolution shares it.", source=GOODFELLOW),
            point(
                "In VGG-16 the three dense layers hold {} of the {} parameters, which is {}.",
                dense("vgg16"),
                net_parameters("vgg16"),
                dense_share("vgg16"),
            ),
            point("Later nets keep one dense layer, after pooling: {} of ResNet-50's parameters.", dense_share("resnet50")),
        ),
        "When is a 1x1 convolution the same as a dense layer?",
    ),
    Question(
        "transfer-learning",
        "transfer",
        "What is transfer learning and when do you use it?",
        (
            point(
                "A network trained on many images (ImageNet: 1.28 million of 1,000 classes) is adapted to a task with few.",
                source="Russakovsky et al. 2015, ImageNet Large Scale Visual Recognition Challenge, arXiv:1409.0575",
            ),
            point("Early features serve nearly every task, late ones belong to the old one.", source=YOSINSKI),
            point(
                "Feature extraction: freeze all and train a head, for ResNet-50 and 10 classes {} parameters.", trained_head("resnet50", 10)
            ),
            point(
                "Fine-tuning: unfreeze some or all layers with a small rate, when there are more images or the domain differs.",
                source=YOSINSKI,
            ),
            point("From scratch {} parameters would have to be found from the few images alone.", net_parameters("resnet50")),
        ),
        "Your images are depth maps. What changes?",
    ),
    Question(
        "stride-and-padding",
        "output-size",
        "What do stride and padding do?",
        (
            point("Stride is the step between windows; at 2 a 56-pixel map with 3x3 and padding 1 becomes {}.", size(Conv(3, 2, 1), 56)),
            point("O = ⌊(W - K + 2P) / S⌋ + 1, for each axis alone: 32 pixels, 5x5, no padding give {}.", size(Conv(5), 32)),
            point("Without padding a layer loses K - 1 pixels: 3x3 takes 32 to {}.", size(Conv(3), 32)),
            point(
                "⌊K / 2⌋ keeps the size for odd K, stride 1 and no dilation: 32 stays {}, but a 4x4 gives {}.",
                size(Conv(3, 1, 1), 32),
                size(Conv(4, 1, 2), 32),
            ),
            point("Without padding border pixels take part in fewer windows than inner ones.", source=GOODFELLOW),
        ),
        "Which padding keeps the size of a 3x3 with dilation 4?",
    ),
    Question(
        "feature-maps",
        "convolution",
        "What is a feature map, and what do early, middle and late ones show?",
        (
            point("A filter's answers at every place, as a picture; 64 filters give 64 maps.", source=GOODFELLOW),
            point(
                "Maps shrink while channels grow: VGG-16 goes from 64 channels to 512.",
                source="Simonyan and Zisserman 2015, arXiv:1409.1556, Table 1",
            ),
            point("Early maps respond to edges and colours, middle ones to textures, late ones to parts and objects.", source=ZEILER),
            point(
                "Which layer counts as early depends on the net: after two of ResNet-18's stages a unit sees {} "
                "pixels, after two of VGG-16's {}.",
                net_field("resnet18", 2),
                net_field("vgg16", 2),
            ),
        ),
        "How would you find out what one particular map responds to?",
    ),
    Question(
        "max-or-average",
        "pooling",
        "When do you pool by maximum, when by average?",
        (
            point("Maximum tells whether a feature is there at all, and is common between layers.", source=GOODFELLOW),
            point("Average keeps how much of it there is over the window.", source=GOODFELLOW),
            point(
                "Global average pooling before the classifier leaves one number per channel; 7x7x512 to 1,000 "
                "classes then takes {} parameters, not {}.",
                learnt(Linear(512, 1000)),
                learnt(Linear(512 * 49, 1000)),
            ),
            point(
                "It regularises, as each channel must speak for a class by itself.",
                source="Lin, Chen and Yan 2014, Network in Network, arXiv:1312.4400, section 3.2",
            ),
        ),
        "What does max pooling do to the gradient?",
    ),
)
