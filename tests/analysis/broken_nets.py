"""Networks that do not run, and an interpreter that makes a proposed repair to the real one, from its words alone."""

import inspect
import re
from ast import literal_eval
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Written(nn.Module):
    """A network of a few modules and the function that is its forward."""

    def __init__(self, forward: Callable[[nn.Module, Tensor], Tensor], **modules: nn.Module):
        super().__init__()
        self.body = forward
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self, x)


class Viewing(nn.Module):
    """The flattening is an attribute, so that the repair of its line can be made."""

    def __init__(self, *shape: int, features: int):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(3, 8, 3), nn.Linear(features, 10)
        self.flat = lambda x: x.view(*shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.flat(self.conv(x)))


def conv(c_in: int, c_out: int, kernel: int = 3, **options) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, kernel, **options)


def block(c_in: int, c_out: int, **options) -> nn.Sequential:
    return nn.Sequential(conv(c_in, c_out, **options), nn.BatchNorm2d(c_out), nn.ReLU())


def tokens(m: nn.Module, x: Tensor) -> Tensor:
    return m.c(x).flatten(2).transpose(1, 2)


def meeting(a: nn.Module, b: nn.Module) -> nn.Module:
    return Written(lambda m, x: m.a(x) + m.b(x), a=a, b=b)


def joined(a: nn.Module, b: nn.Module) -> nn.Module:
    return Written(lambda m, x: torch.cat([m.a(x), m.b(x)], 1), a=a, b=b)


def decoder(depth: int) -> nn.Module:
    """A U-Net whose convolutions lack their padding."""

    def forward(m: nn.Module, x: Tensor) -> Tensor:
        maps = []
        for down in m.downs:
            x = down(F.max_pool2d(x, 2) if maps else x)
            maps.append(x)
        for up, skip in zip(m.ups, maps[-2::-1], strict=True):
            x = torch.cat([skip, up(x)], 1)
        return x

    downs = nn.ModuleList(block(3 if i == 0 else 8, 8) for i in range(depth))
    ups = nn.ModuleList(nn.ConvTranspose2d(8 * (i + 1), 8, 2, 2) for i in range(depth - 1))
    return Written(forward, downs=downs, ups=ups)


def flat(features: int, side: int = 32) -> nn.Module:
    return nn.Sequential(conv(3, 8, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(features, 10))


BROKEN: dict[str, Callable[[], nn.Module]] = {
    "linear of the wrong size": lambda: flat(100),
    "linear without a flatten": lambda: nn.Sequential(conv(3, 8, stride=2), nn.Linear(8 * 15 * 15, 10)),
    "channels": lambda: nn.Sequential(conv(3, 8), conv(9, 8)),
    "channels of a group": lambda: nn.Sequential(conv(3, 10), conv(8, 8, groups=4)),
    "channels of a depthwise": lambda: nn.Sequential(conv(3, 10), conv(8, 8, groups=8), conv(10, 4, 1)),
    "three times the wrong channels": lambda: nn.Sequential(
        conv(3, 8), nn.BatchNorm2d(9), nn.ReLU(), conv(10, 16), nn.GroupNorm(4, 20), conv(24, 4)
    ),
    "wrong all the way to the head": lambda: nn.Sequential(
        *(conv(1, 8), nn.BatchNorm2d(16), nn.MaxPool2d(2), conv(16, 8), nn.InstanceNorm2d(4, affine=True)),
        *(nn.Flatten(), nn.Linear(50, 20), nn.Linear(30, 2)),
    ),
    "batch norm": lambda: nn.Sequential(conv(3, 8), nn.BatchNorm2d(9)),
    "batch norm of another rank": lambda: nn.Sequential(conv(3, 8), nn.BatchNorm1d(8)),
    "kernel over the map": lambda: nn.Sequential(conv(3, 8, 33)),
    "kernel over the map, padded and dilated": lambda: nn.Sequential(nn.MaxPool2d(8), conv(3, 8, 3, padding=1, dilation=4)),
    "branches of other strides": lambda: meeting(conv(3, 8, stride=2, padding=1), conv(3, 8, padding=1)),
    "branches of other paddings": lambda: meeting(conv(3, 8), conv(3, 8, padding=1)),
    "branches of other channels": lambda: meeting(block(3, 8), conv(3, 16)),
    "branches before a transposed convolution": lambda: nn.Sequential(meeting(conv(3, 8), conv(3, 16)), nn.ConvTranspose2d(16, 4, 2, 2)),
    "half of a head in another type": lambda: nn.Sequential(flat(100), nn.Linear(10, 4).half()),
    "a pooling beside a convolution": lambda: joined(nn.MaxPool2d(3, 2), conv(3, 8, stride=2, padding=1)),
    "a transposed convolution beside a map": lambda: joined(
        nn.Sequential(conv(3, 8, padding=1, stride=2), nn.ConvTranspose2d(8, 8, 3, 2, 1)), conv(3, 8, padding=1)
    ),
    "a decoder without padding": lambda: decoder(2),
    "a deep decoder without padding": lambda: decoder(3),
    "group norm": lambda: nn.Sequential(conv(3, 12), nn.GroupNorm(4, 16)),
    "group norm whose groups do not divide": lambda: nn.Sequential(conv(3, 10), nn.GroupNorm(4, 12)),
    "layer norm": lambda: nn.Sequential(conv(3, 8), nn.Flatten(2), nn.LayerNorm(100)),
    "LSTM": lambda: Written(lambda m, x: m.l(tokens(m, x))[0], c=conv(3, 10), l=nn.LSTM(12, 4, 2, batch_first=True, bidirectional=True)),
    "GRU over a map": lambda: Written(lambda m, x: m.l(m.c(x))[0], c=conv(3, 10), l=nn.GRU(10, 4, batch_first=True)),
    "attention": lambda: Written(
        lambda m, x: m.a(*[tokens(m, x)] * 3)[0], c=conv(3, 12, 8), a=nn.MultiheadAttention(16, 8, batch_first=True)
    ),
    "attention to keys of another width": lambda: Written(
        lambda m, x: m.a(m.q(tokens(m, x)), tokens(m, x), tokens(m, x))[0],
        **{"c": conv(3, 12, 24), "q": nn.Linear(12, 16), "a": nn.MultiheadAttention(16, 4, batch_first=True)},
    ),
    "a transformer of another width": lambda: Written(
        lambda m, x: m.t(tokens(m, x)), c=conv(3, 20, 24), t=nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    ),
    "a residual of linear layers": lambda: Written(lambda m, x: (h := tokens(m, x)) + m.l(h), c=conv(3, 12, 24), l=nn.Linear(12, 16)),
    "pixel shuffle": lambda: nn.Sequential(conv(3, 10), nn.PixelShuffle(2)),
    "pixel shuffle of another factor": lambda: nn.Sequential(nn.Flatten(), nn.Unflatten(1, (12, 16, 16)), nn.PixelShuffle(3)),
    "channel shuffle": lambda: nn.Sequential(conv(3, 10), nn.ChannelShuffle(3)),
    "view": lambda: Viewing(1, 401, features=401),
    "view with a rest": lambda: Viewing(-1, 401, features=401),
    "half of a network in another type": lambda: nn.Sequential(conv(3, 8), conv(8, 8).half(), nn.Conv2d(8, 2, 1)),
    "whole numbers wanted": lambda: nn.Sequential(nn.Embedding(10, 8)),
    "image too small": lambda: nn.Sequential(*[nn.Sequential(conv(3, 3), nn.MaxPool2d(2)) for _ in range(4)]),
}
"""All are given one image of 3x32x32."""


def repaired(net: nn.Module, words: str, failed: str) -> tuple[nn.Module, Tensor]:
    """The real network with a repair made to it, and what to give it. Raises: ValueError for words that say nothing known."""
    image = torch.zeros(1, 3, 32, 32)
    if sizes := re.findall(r"(\d+)x\1", words if words.startswith("give images") else ""):
        return net, torch.zeros(1, 3, int(sizes[0]), int(sizes[0]))
    if shape := re.fullmatch(r"give whole numbers, torch.zeros\((.+), dtype=torch.int64\)", words):
        return net, torch.zeros(*map(int, shape[1].split(", ")), dtype=torch.int64)
    for part in re.split(r" and (?=set |flatten |use |build |write |give )", words):
        _make(net, part.partition(": ")[0] if not part.startswith("write") else part, failed)
    return net, image


def _make(net: nn.Module, words: str, failed: str) -> None:
    path = found[1] if (found := re.search(r"\) in ([\w.]+)$" if words.startswith("build") else r" in ([\w.]+)$", words)) else failed
    settings = {name: literal_eval(value) for name, value in re.findall(r"(\w+)=(\([^)]*\)|\w+) \(was", words)}  # numbers, tuples, True
    match words.split()[0]:
        case "write":
            net.flat = lambda x: x.flatten(1)
        case "flatten":
            _put(net, path, nn.Sequential(nn.Flatten(), anew(net.get_submodule(path), settings)))
        case "use":
            _put(net, path, getattr(nn, words.split()[1])(net.get_submodule(path).num_features))
        case "build":
            net.get_submodule(path).to(getattr(torch, words.split()[3]))
        case "give" if "flatten(2)" in words:
            _put(net, path, Written(lambda m, x: m.l(x.flatten(2).transpose(1, 2)), l=anew(net.get_submodule(path), settings)))
        case "set":
            _put(net, path, anew(net.get_submodule(path), settings))
        case _:
            raise ValueError(words)


def anew(module: nn.Module, settings: dict[str, object]) -> nn.Module:
    """The same layer, made again by its constructor with these arguments."""
    names = inspect.signature(nn.RNNBase if isinstance(module, nn.RNNBase) else type(module)).parameters
    kept = {
        name: getattr(module, name) for name in names if hasattr(module, name) and name not in ("mode", "bias", "kdim", "vdim", "proj_size")
    }
    if "bias" in names and not isinstance(module, nn.MultiheadAttention):
        kept["bias"] = module.bias is not False and module.bias is not None
    return type(module)(**kept | settings)


def _put(net: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(net.get_submodule(parent), name, module)
