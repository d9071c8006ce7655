"""What is right by other means than the solvers: torch runs the layer, autograd the gradient, brute force counts the paths."""

import itertools
import math
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from receptron.arithmetic import Conv, Pool
from receptron.tutor.problem import Problem
from receptron.tutor.templates.costs.bottleneck import BottleneckBlock, Thinned
from receptron.tutor.templates.costs.classifier_heads import ClassifierHead
from receptron.tutor.templates.costs.depthwise_separable import SeparableConv
from receptron.tutor.templates.costs.macs_and_flops import ConvCost
from receptron.tutor.templates.costs.parameters import Flattened, Normed
from receptron.tutor.templates.networks.architectures import NetPair, PaperList
from receptron.tutor.templates.networks.compound_scaling import ScaledNet
from receptron.tutor.templates.networks.skip_connections import STEPS, Paths, Proof, ScalarBlocks
from receptron.tutor.templates.networks.transfer_learning import STRATEGIES, FrozenNet, TransferCase
from receptron.tutor.templates.sizes.by_hand import GridConvolution, GridPooling
from receptron.tutor.templates.sizes.output_sizes import SizeChain
from receptron.tutor.templates.sizes.padding import Padded
from receptron.tutor.templates.sizes.receptive_field import FieldChain
from receptron.tutor.templates.sizes.two_axes import Plane, Upward
from receptron.tutor.templates.sizes.windows import Along
from receptron.zoo import build

Values = tuple[float, ...]
YEARS = {
    "lenet": 1998, "alexnet": 2012, "vgg": 2014, "googlenet": 2014, "inception_v3": 2015, "unet": 2015, "resnet": 2015, "squeezenet": 2016,
    "densenet": 2016, "xception": 2016, "resnext": 2016, "mobilenet_v1": 2017, "senet": 2017, "deeplab": 2017, "mobilenet_v2": 2018,
    "cbam": 2018, "mobilenet_v3": 2019, "efficientnet": 2019, "vit": 2020, "efficientnet_v2": 2021, "convnext": 2022,
}  # fmt: skip
"""First versions of the papers on arXiv, or their proceedings, written down from the papers."""
DOCUMENTED = {("few", "near"): "probe", ("few", "far"): "probe", ("some", "far"): "stages", ("many", "near"): "all", ("many", "far"): "all"}
"""Both documents: few images, extract features; moderate or another domain, fine-tune late layers; plenty, all of them."""


def truth(problem: Problem) -> Values:
    """The right answer to a problem, by other means."""
    given = problem.task.given
    return TRUTHS[type(given)](given, problem)


def module(layer: Conv | Pool) -> nn.Module:
    """A layer of arithmetic as torch's own, square or with a number per axis, on the meta device."""
    if isinstance(layer, Pool):
        kind = nn.MaxPool2d if layer.kind == "max" else nn.AvgPool2d
        return kind(layer.kernel, layer.step, layer.padding)
    return nn.Conv2d(
        layer.c_in, layer.c_out, layer.kernel, layer.stride, layer.padding, layer.dilation, layer.groups, layer.bias, device="meta"
    )


def ran(layers: nn.Module, channels: int, height: int, width: int) -> torch.Tensor:
    return layers(torch.empty(1, channels, height, width, device="meta"))


def along(given: Along, _: Problem) -> Values:
    if isinstance(given.layer, Conv) and given.layer.padding == "causal":
        (kernel,), (stride,), (dilation,) = given.layer.kernel, given.layer.stride, given.layer.dilation
        padded = F.pad(torch.zeros(1, 1, given.size), (dilation * (kernel - 1), 0))
        return (nn.Conv1d(1, 1, kernel, stride, dilation=dilation)(padded).shape[-1],)
    return (ran(module(given.layer), 1, given.size, given.size).shape[-1],)


def plane(given: Plane, _: Problem) -> Values:
    return tuple(ran(module(given.layer), 1, *given.size).shape[-2:])


def upward(given: Upward, _: Problem) -> Values:
    each = given.layer
    layer = nn.ConvTranspose2d(1, 1, each.kernel, each.stride, each.padding, each.output_padding, device="meta")
    return (ran(layer, 1, given.size, given.size).shape[-1],)


def chain(given: SizeChain, _: Problem) -> Values:
    return (ran(nn.Sequential(*map(module, given.layers)), 1, given.size, given.size).shape[-1],)


def padded(given: Padded, problem: Problem) -> Values:
    """No closed form: pad more and more, on both sides or before alone, and see by gradients which outputs can see what."""
    size = 3 * given.reach + 40
    for total in range(4 * given.reach + 2):
        for before in (total // 2, total, (total + 1) // 2):
            if _fits(given, size, before, total - before):
                return before, total - before
    raise AssertionError("no padding fits")


def _fits(given: Padded, size: int, before: int, after: int) -> bool:
    image = torch.zeros(1, 1, size, requires_grad=True)
    out = F.conv1d(F.pad(image, (before, after)), torch.ones(1, 1, given.kernel), dilation=given.dilation)
    (first,) = torch.autograd.grad(out[0, 0, 0], image, retain_graph=True)
    (last,) = torch.autograd.grad(out[0, 0, -1], image, retain_graph=True)
    seen_first, seen_last = first[0, 0].nonzero().flatten().tolist(), last[0, 0].nonzero().flatten().tolist()
    match given.kind:
        case "valid":
            return before == after == 0
        case "same":
            return out.shape[-1] == size and after - before in (0, 1)
        case "full":
            return seen_first == [0] and seen_last == [size - 1]
        case _:
            return out.shape[-1] == size and seen_first == [0] and max(seen_last) == size - 1 and after == 0


def conv(given: Conv, _: Problem) -> Values:
    return (sum(p.numel() for p in module(given).parameters()),)


def flattened(given: Flattened, _: Problem) -> Values:
    net = nn.Sequential(nn.Flatten(), nn.LazyLinear(given.outputs, device="meta"))
    ran(net, given.channels, given.pixels, given.pixels)
    return (sum(p.numel() for p in net.parameters()),)


def normed(given: Normed, _: Problem) -> Values:
    net = nn.Sequential(*(nn.Sequential(module(c), nn.BatchNorm2d(c.c_out, device="meta")) for c in given.convs))
    buffers = sum(b.numel() for name, b in net.named_buffers() if "num_batches" not in name)
    return (sum(p.numel() for p in net.parameters()) + (buffers if given.kept else 0),)


def counted(layer: nn.Module, channels: int, size: int) -> int:
    """FLOPs as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        ran(layer, channels, size, size)
    return counter.get_total_flops()


def work(given: ConvCost, _: Problem) -> Values:
    flops = counted(module(given.layer), given.layer.c_in, given.size)
    return (flops if given.unit == "FLOPs" else flops // 2,)


def field(given: FieldChain, _: Problem) -> Values:
    """Gradient of the middle output, along one axis, through convolutions of ones and average pools."""
    jump = math.prod(layer.step if isinstance(layer, Pool) else layer.stride for layer in given.layers)
    size = 2 * sum((layer.kernel - 1) * layer.dilation for layer in given.layers) * jump + 8
    image = torch.zeros(1, 1, size, dtype=torch.double, requires_grad=True)
    out = image
    for layer in given.layers:
        if isinstance(layer, Pool):
            out = F.avg_pool1d(out, layer.kernel, layer.step)
        else:
            out = F.conv1d(out, torch.ones(1, 1, layer.kernel, dtype=torch.double), stride=layer.stride, dilation=layer.dilation)
    out[0, 0, out.shape[-1] // 2].backward()
    touched = image.grad[0, 0].nonzero().flatten()
    return (int(touched[-1] - touched[0]) + 1,)


def sliding(given: GridConvolution, _: Problem) -> Values:
    image, kernel = torch.tensor(given.grid).double()[None, None], torch.tensor(given.kernel).double()[None, None]
    out = F.conv2d(image, kernel, torch.tensor([float(given.bias)]).double(), given.stride, given.padding)[0, 0]
    return tuple(float(out[r, c]) for r, c in given.positions)


def pooling(given: GridPooling, _: Problem) -> Values:
    image = torch.tensor(given.grid).double()[None, None]
    pool = F.max_pool2d if given.kind == "max" else F.avg_pool2d
    return tuple(pool(image, given.kernel, given.stride).flatten().tolist())


def head(given: ClassifierHead, _: Problem) -> Values:
    def size(*first: nn.Module) -> int:
        net = nn.Sequential(*first, nn.Flatten(), nn.LazyLinear(given.classes, device="meta"))
        ran(net, given.channels, given.pixels, given.pixels)
        return sum(p.numel() for p in net.parameters())

    pooled, flat = size(nn.AdaptiveAvgPool2d(1)), size()
    return ({"pooled": pooled, "flattened": flat, "saved": flat - pooled}[given.asked],)


def split(given: SeparableConv, problem: Problem) -> Values:
    def same(c_in: int, c_out: int, kernel: int, groups: int = 1) -> nn.Module:
        return nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, groups=groups, bias=False, device="meta")

    both = nn.Sequential(same(given.c_in, given.c_in, given.kernel, given.c_in), same(given.c_in, given.c_out, 1))
    cost = counted(both, given.c_in, given.size)
    if problem.template == "separable.cost":
        return (cost // 2,)
    return (counted(same(given.c_in, given.c_out, given.kernel), given.c_in, given.size) / cost,)


def block(given: BottleneckBlock, problem: Problem) -> Values:
    def size(*shapes: tuple[int, int, int]) -> int:
        return sum(p.numel() for a, b, k in shapes for p in nn.Conv2d(a, b, k, bias=False, device="meta").parameters())

    c, m, k = given.channels, given.middle, given.kernel
    narrow = size((c, m, 1), (m, m, k), (m, c, 1))
    return (narrow if problem.template == "bottleneck.weights" else size((c, c, k), (c, c, k)) / narrow,)


def thinned(given: Thinned, _: Problem) -> Values:
    direct = counted(module(given.direct), given.c_in, given.size)
    return (direct / counted(nn.Sequential(module(given.thinner), module(given.window)), given.c_in, given.size),)


def grown(given: ScaledNet, _: Problem) -> Values:
    """By repeated multiplication."""
    c = given.coefficients
    step = {"depth": c.alpha, "width": c.beta, "pixels": c.gamma, "FLOPs": c.alpha * c.beta * c.beta * c.gamma * c.gamma}[given.asked]
    value = 1.0
    for _ in range(given.phi):
        value *= step
    return (value * given.pixels if given.asked == "pixels" else value,)


def blocks(given: ScalarBlocks, _: Problem) -> Values:
    x = torch.tensor(1.0, dtype=torch.double, requires_grad=True)
    y = x
    for _ in range(given.count):
        y = given.slope * y + y if given.skip else given.slope * y
    y.backward()
    return (float(x.grad),)


def paths(given: Paths, _: Problem) -> Values:
    """Every choice of branch or shortcut, one by one."""
    choices = itertools.product((0, 1), repeat=given.blocks)
    return (sum(given.branches is None or sum(choice) == given.branches for choice in choices),)


def proof(given: Proof, _: Problem) -> Values:
    """The order of the second document's solution: one block, its derivative, the chain, the expansion, the term, the contrast."""
    words = ("one block", "Differentiate", "Chain", "Multiply out", "Read off", "Compare")
    shown = [next(i for i, word in enumerate(words) if word in STEPS[place]) for place in given.order]
    return tuple(shown.index(i) + 1 for i in sorted(shown))


def line(given: PaperList, problem: Problem) -> Values:
    if problem.template == "architecture.order":
        years = [YEARS[key] for key in given.papers]
        return tuple(years.index(year) + 1 for year in sorted(years))
    asked, *shown = given.papers
    return (shown.index(asked) + 1,)


@cache
def measured(name: str) -> tuple[int, int]:
    """Parameters and MACs of a net, counted by torch."""
    from receptron.zoo import ZOO

    with torch.device("meta"):
        net = build(name).eval()
    with torch.no_grad():
        flops = counted(net, ZOO[name].channels, ZOO[name].pixels)
    return sum(p.numel() for p in net.parameters()), flops // 2


def pair(given: NetPair, _: Problem) -> Values:
    place = 0 if given.quantity == "parameters" else 1
    return (measured(given.larger)[place] / measured(given.smaller)[place],)


def case(given: TransferCase, problem: Problem) -> Values:
    amount = "few" if given.images < 300 else "many" if given.images >= 20_000 else "some"
    name = DOCUMENTED.get((amount, given.domain)) or ("stages" if given.images >= 2000 else "probe")
    return (problem.task.expected.options.index(STRATEGIES[name]) + 1,)


@cache
def backbone(name: str) -> nn.Module:
    with torch.device("meta"):
        return build(name)


def frozen(given: FrozenNet, _: Problem) -> Values:
    """Freeze, put the new layers where the last linear layer was, count what asks for a gradient."""
    net = backbone(given.net)
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    features = [m for m in net.modules() if isinstance(m, nn.Linear)][-1].in_features
    hidden = [nn.Linear(features, given.hidden, device="meta")] if given.hidden else []
    new = nn.Sequential(*hidden, nn.Linear(given.hidden or features, given.classes, device="meta"))
    return (sum(p.numel() for part in (net, new) for p in part.parameters() if p.requires_grad),)


TRUTHS: dict[type, Callable[..., Values]] = {
    Along: along, Plane: plane, Upward: upward, SizeChain: chain, Padded: padded, Conv: conv, Flattened: flattened, Normed: normed,
    ConvCost: work, FieldChain: field, GridConvolution: sliding, GridPooling: pooling, ClassifierHead: head, SeparableConv: split,
    BottleneckBlock: block, Thinned: thinned, ScaledNet: grown, ScalarBlocks: blocks, Paths: paths, Proof: proof, PaperList: line,
    NetPair: pair, TransferCase: case, FrozenNet: frozen,
}  # fmt: skip
