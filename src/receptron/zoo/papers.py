"""The history of the zoo: one row for each paper, in the order in which they appeared."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """What a paper added and why; `before` names the paper whose problem it took up. `net` is the net that stands for it on the timeline."""

    key: str
    net: str
    year: int
    title: str
    authors: str
    where: str
    added: str
    why: str
    before: str = ""


_ROWS = (
    Paper(
        "lenet", "lenet5", 1998, "Gradient-Based Learning Applied to Document Recognition", "LeCun, Bottou, Bengio, Haffner", "Proc. IEEE 86(11)",
        "convolution and subsampling, learnt end to end", "a digit is the same digit wherever it stands: shared weights need few examples",
    ),
    Paper(
        "alexnet", "alexnet", 2012, "ImageNet Classification with Deep Convolutional Neural Networks", "Krizhevsky, Sutskever, Hinton", "NIPS 2012",
        "ReLU, dropout, local response normalisation, two GPUs", "a million photos need a large net, and tanh trains too slowly for one", "lenet",
    ),
    Paper(
        "vgg", "vgg16", 2014, "Very Deep Convolutional Networks for Large-Scale Image Recognition", "Simonyan, Zisserman", "arXiv:1409.1556",
        "depth from 3x3 windows alone", "two 3x3 see what one 5x5 sees, with fewer weights and one more ReLU", "alexnet",
    ),
    Paper(
        "googlenet", "googlenet", 2014, "Going Deeper with Convolutions", "Szegedy et al.", "arXiv:1409.4842",
        "several windows side by side, thinned by 1x1, and auxiliary heads", "depth and width on a fixed budget of arithmetic", "alexnet",
    ),
    Paper(
        "siamese", "koch", 2015, "Siamese Neural Networks for One-shot Image Recognition", "Koch, Zemel, Salakhutdinov", "ICML workshop 2015",
        "one network compares two images", "with one example of a class there is nothing to train a class layer on", "lenet",
    ),
    Paper(
        "unet", "unet", 2015, "U-Net: Convolutional Networks for Biomedical Image Segmentation", "Ronneberger, Fischer, Brox", "arXiv:1505.04597",
        "a way up that receives the finer maps of the way down", "a mask needs both what and where, from thirty images", "vgg",
    ),
    Paper(
        "inception_v3", "inception_v3", 2015, "Rethinking the Inception Architecture for Computer Vision", "Szegedy et al.", "arXiv:1512.00567",
        "large windows split into thin ones, label smoothing", "a 7x7 as 1x7 and 7x1 costs two sevenths", "googlenet",
    ),
    Paper(
        "resnet", "resnet50", 2015, "Deep Residual Learning for Image Recognition", "He, Zhang, Ren, Sun", "arXiv:1512.03385",
        "shortcuts: each block learns a difference from its input", "plain nets got worse with depth, even on their training images", "vgg",
    ),
    Paper(
        "squeezenet", "squeezenet1_1", 2016, "SqueezeNet: AlexNet-level Accuracy with 50x Fewer Parameters", "Iandola et al.", "arXiv:1602.07360",
        "fire modules: squeeze by 1x1, then expand", "small files for small devices", "googlenet",
    ),
    Paper(
        "resnet_v2", "resnet50_v2", 2016, "Identity Mappings in Deep Residual Networks", "He, Zhang, Ren, Sun", "arXiv:1603.05027",
        "norm and ReLU before the convolution", "a shortcut that nothing stands in trains a thousand layers", "resnet",
    ),
    Paper(
        "wide_resnet", "wide_resnet50_2", 2016, "Wide Residual Networks", "Zagoruyko, Komodakis", "arXiv:1605.07146",
        "wider blocks instead of more", "the thousandth layer adds little, and thin layers leave a GPU idle", "resnet",
    ),
    Paper(
        "densenet", "densenet121", 2016, "Densely Connected Convolutional Networks", "Huang, Liu, van der Maaten, Weinberger", "arXiv:1608.06993",
        "every layer sees all maps before it", "features are reused instead of relearnt, so layers may be thin", "resnet",
    ),
    Paper(
        "xception", "xception", 2016, "Xception: Deep Learning with Depthwise Separable Convolutions", "Chollet", "arXiv:1610.02357",
        "channels and pixels filtered apart", "the extreme of Inception's idea that both can be handled one after the other", "inception_v3",
    ),
    Paper(
        "resnext", "resnext50_32x4d", 2016, "Aggregated Residual Transformations for Deep Neural Networks", "Xie et al.", "arXiv:1611.05431",
        "many narrow paths: grouped convolution", "more groups help more than more depth or width at the same cost", "resnet",
    ),
    Paper(
        "prototypical", "conv4", 2017, "Prototypical Networks for Few-shot Learning", "Snell, Swersky, Zemel", "arXiv:1703.05175",
        "a class is the mean of its examples' vectors", "new classes from a few images, without training", "siamese",
    ),
    Paper(
        "mobilenet_v1", "mobilenet_v1", 2017, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", "Howard et al.",
        "arXiv:1704.04861", "depthwise separable convolution throughout, width multiplier", "an eighth of the arithmetic, for telephones", "xception",
    ),
    Paper(
        "deeplab", "deeplabv3_resnet50", 2017, "Rethinking Atrous Convolution for Semantic Image Segmentation", "Chen et al.", "arXiv:1706.05587",
        "dilated stages and a pyramid of dilation rates", "a wide view without losing resolution", "resnet",
    ),
    Paper(
        "senet", "senet154", 2017, "Squeeze-and-Excitation Networks", "Hu, Shen, Albanie, Sun, Wu", "arXiv:1709.01507",
        "a gate for each channel, from its mean over the image", "which channels matter depends on the whole image", "resnext",
    ),
    Paper(
        "mobilenet_v2", "mobilenet_v2", 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", "Sandler et al.", "arXiv:1801.04381",
        "shortcuts between narrow layers, no ReLU on them", "ReLU destroys what a narrow layer carries", "mobilenet_v1",
    ),
    Paper(
        "cbam", "cbam_resnet50", 2018, "CBAM: Convolutional Block Attention Module", "Woo, Park, Lee, Kweon", "arXiv:1807.06521",
        "a gate for channels, then one for pixels", "not only what matters, also where", "senet",
    ),
    Paper(
        "resnet_d", "resnet50d", 2018, "Bag of Tricks for Image Classification with Convolutional Neural Networks", "He et al.", "arXiv:1812.01187",
        "a stem of three 3x3, and shortcuts that pool", "a strided 1x1 throws three quarters of the pixels away", "resnet",
    ),
    Paper(
        "mobilenet_v3", "mobilenet_v3_large", 2019, "Searching for MobileNetV3", "Howard et al.", "arXiv:1905.02244",
        "layers found by search, hard swish, gates", "latency on a telephone, not operations, is what counts", "mobilenet_v2",
    ),
    Paper(
        "efficientnet", "efficientnet_b0", 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", "Tan, Le", "arXiv:1905.11946",
        "depth, width and image size grow together by one number", "scaling one of them alone soon stops paying", "mobilenet_v2",
    ),
    Paper(
        "vit", "vit_b_16", 2020, "An Image is Worth 16x16 Words", "Dosovitskiy et al.", "arXiv:2010.11929",
        "no convolution: patches as words, attention between all", "with enough images, what convolution assumes can be learnt", "resnet",
    ),
    Paper(
        "efficientnet_v2", "efficientnet_v2_s", 2021, "EfficientNetV2: Smaller Models and Faster Training", "Tan, Le", "arXiv:2104.00298",
        "plain 3x3 in the first stages, images that grow during training", "depthwise convolution is slow where maps are large", "efficientnet",
    ),
    Paper(
        "convnext", "convnext_tiny", 2022, "A ConvNet for the 2020s", "Liu, Mao, Wu, Feichtenhofer, Darrell, Xie", "arXiv:2201.03545",
        "ResNet rebuilt step by step with a transformer's habits", "how much of the transformers' gain was attention at all?", "vit",
    ),
)  # fmt: skip
PAPERS: dict[str, Paper] = {paper.key: paper for paper in _ROWS}


def after(key: str) -> list[str]:
    """Papers that took up what the paper `key` left open."""
    return [paper.key for paper in _ROWS if paper.before == key]
