"""What a net's name means where it differs from the paper's own."""

from receptron.zoo import efficientnet, efficientnet_lite, modernization
from receptron.zoo.scaling import working

MARKS = {
    "_plain": "the skip-free twin: the same layers without their shortcuts",
    "_tf": "TensorFlow's SAME padding, for weights that were trained there",
    "_timm": "BatchNorm adds 1e-5 to the variance, as in timm's weights; the paper's release adds 1e-3",
    "_pycls": "widths rounded to whole groups as in the authors' code; the plain name rounds them as torchvision does",
    "_auxiliary": "with the two auxiliary heads that it was trained with",
    "_os16": "output stride 16; the plain name keeps maps at 1/8",
    "_1998": "as in the paper: C3 sees S2 by Table I, subsampling is learnt, the output measures distance to a code",
    "_2012": "as in the paper: two halves on two GPUs, local response normalisation",
    "_2014": "as in the paper: 5x5 windows, local response normalisation, no BatchNorm, two auxiliary heads",
    "_2015": "as in the paper: no padding, so the mask is smaller than the image",
}
STARTS = {
    "googlenet": "as torchvision publishes it: BatchNorm, and 3x3 where the paper has 5x5",
    "lenet5": "as commonly built: C3 sees all of S2, average pools, a linear output",
    "efficientnet_lite0_timm": "pads both sides alike, as the nets that timm trained; the release pads as TensorFlow does",
    "alexnet": "the one-tower variant of 2014, as torchvision publishes it",
}


def notes(name: str) -> tuple[str, ...]:
    """Sentences on what is particular about `name`; none for most nets."""
    found = [STARTS[name]] if name in STARTS else []
    found += [text for mark, text in MARKS.items() if mark in name]
    if name in efficientnet_lite.TABLE:
        found.append("as released: TensorFlow's SAME padding, and BatchNorm adds 1e-3 to the variance")
    if name.startswith(("resnet", "se_resnet")) and "_v1" in name:
        found.append("the stride sits in the first 1x1 of a bottleneck, as in the paper; the plain name has it in the 3x3")
    if name in modernization.TABLE:
        step = modernization.TABLE[name]
        found.append(f"step {int(name[-2:])} of {len(modernization.CHANGES)}: {step.change}; {step.top1} % in the paper")
    plain = name.removesuffix("_tf").removesuffix("_timm")
    return (*found, *(working(plain) if plain in efficientnet.TABLE else ()))
