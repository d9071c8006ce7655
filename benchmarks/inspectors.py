"""Ours beside torchinfo, fvcore, ptflops, calflops, torch's FlopCounterMode and torchscan: answers and time, in one run.

    OMP_NUM_THREADS=1 python benchmarks/inspectors.py
    OMP_NUM_THREADS=1 python benchmarks/inspectors.py resnet50 --batch 16

Eight nets, then ten small cases without biases whose true count is worked out in this file. Each tool is asked the way its documentation
shows; its answer is brought to multiply-accumulates. Times are medians of the calls of a second, at least five, on the same real network
(one call for tools that take over ten seconds), the ratio is theirs over ours. With --batch torchscan still looks at one image, and
ptflops answers for one.
"""

import argparse
import contextlib
import io
import logging
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parents[1] / "tests/analysis")]
from reference_nets import torchvision_net  # noqa: E402

from oracles import torchvision  # noqa: E402
from receptron.analysis.cost import cost  # noqa: E402

NETS = [("resnet50", 224), ("efficientnet_b7", 600), ("vgg16", 224), ("mobilenet_v2", 224)]
NETS += [("densenet121", 224), ("convnext_tiny", 224), ("vit_b_16", 224), ("swin_t", 224)]
Tool = Callable[[nn.Module, Tensor], int]


def ours(net: nn.Module, x: Tensor) -> int:
    return cost(net, [x]).macs


def torchinfo(net: nn.Module, x: Tensor) -> int:
    from torchinfo import summary

    return summary(net, input_data=[x], verbose=0).total_mult_adds


def fvcore(net: nn.Module, x: Tensor) -> int:
    from fvcore.nn import FlopCountAnalysis

    counted = FlopCountAnalysis(net, x).unsupported_ops_warnings(False).uncalled_modules_warnings(False).by_operator()
    return int(sum(n for op, n in counted.items() if "norm" not in op and "pool" not in op))


def ptflops(net: nn.Module, x: Tensor) -> int:
    torchvision()  # which it imports
    from ptflops import get_model_complexity_info

    macs, _ = get_model_complexity_info(
        net, tuple(x.shape[1:]), input_constructor=lambda _: x, as_strings=False, print_per_layer_stat=False, verbose=False
    )  # fmt: skip
    return int(macs)


def calflops(net: nn.Module, x: Tensor) -> int:
    torchvision()  # which transformers imports
    from calflops import calculate_flops

    _, macs, _ = calculate_flops(net, args=[x], print_results=False, output_as_string=False)
    return int(macs)


def flop_counter(net: nn.Module, x: Tensor) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(x)
    return counter.get_total_flops() // 2


def torchscan(net: nn.Module, x: Tensor) -> int:
    from torchscan.crawler import crawl_module

    layers = crawl_module(net, tuple(x.shape[1:]))["layers"]
    return int(sum(layer["metrics"]["macs"]["known_value"] or 0 for layer in layers if "macs" in layer["metrics"]))


TOOLS: dict[str, Tool] = {tool.__name__: tool for tool in (ours, torchinfo, fvcore, ptflops, calflops, flop_counter, torchscan)}


class Applied(nn.Module):
    """A function as a network."""

    def __init__(self, function, **modules: nn.Module):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            self.add_module(name, module)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


def attention(frozen: bool) -> nn.Module:
    net = Applied(lambda s, x: s.mha(x, x, x, need_weights=False)[0], mha=nn.MultiheadAttention(64, 4, bias=False, batch_first=True))
    return net.requires_grad_(not frozen).eval()


def functional() -> nn.Module:
    net = Applied(lambda s, x: F.conv2d(x, s.weight))
    net.weight = nn.Parameter(torch.randn(8, 3, 3, 3))
    return net


def shared() -> nn.Module:
    layer = nn.Conv2d(8, 8, 3, padding=1, bias=False)
    return nn.Sequential(layer, nn.ReLU(), layer, nn.ReLU(), layer)


IMAGE = (1, 3, 32, 32)
SEQUENCE = (1, 10, 64)
TOKENS = (1, 10)
ATTENTION = 4 * 10 * 64 * 64 + 2 * 10 * 10 * 64
CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[], Tensor], int]] = {
    "functional convolution": (functional, lambda: torch.randn(IMAGE), 30 * 30 * 8 * 27),
    "matmul x @ y": (lambda: Applied(lambda s, x: x @ x.transpose(1, 2)), lambda: torch.randn(SEQUENCE), 10 * 10 * 64),
    "attention, trainable": (lambda: attention(frozen=False), lambda: torch.randn(SEQUENCE), ATTENTION),
    "attention, frozen, eval": (lambda: attention(frozen=True), lambda: torch.randn(SEQUENCE), ATTENTION),
    "transposed convolution": (lambda: nn.ConvTranspose2d(3, 8, 3, 2, bias=False), lambda: torch.randn(IMAGE), 32 * 32 * 3 * 8 * 9),
    "embedding and linear": (
        lambda: nn.Sequential(nn.Embedding(100, 64), nn.Linear(64, 5, bias=False)), lambda: torch.zeros(TOKENS).long(), 10 * 64 * 5,
    ),
    "LSTM": (
        lambda: Applied(lambda s, x: s.lstm(x)[0], lstm=nn.LSTM(64, 32, bias=False, batch_first=True)),
        lambda: torch.randn(SEQUENCE),
        10 * 4 * 32 * (64 + 32),
    ),
    "padding='same', dilated": (
        lambda: nn.Conv2d(3, 8, 3, padding="same", dilation=2, bias=False), lambda: torch.randn(IMAGE), 32 * 32 * 8 * 27,
    ),
    "shared module": (shared, lambda: torch.randn(1, 8, 16, 16), 3 * 16 * 16 * 8 * 72),
    "direct .forward": (
        lambda: Applied(lambda s, x: s.conv.forward(x), conv=nn.Conv2d(3, 8, 3, bias=False)), lambda: torch.randn(IMAGE), 30 * 30 * 8 * 27,
    ),
}  # fmt: skip


def asked(tool: Tool, net: nn.Module, x: Tensor) -> int | str:
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            return tool(net, x)
    except Exception as error:
        return type(error).__name__


def timed(tool: Tool, net: nn.Module, x: Tensor) -> tuple[int | str, float]:
    """Answer, and median seconds of the calls after a first one; of the first alone if that takes over ten seconds."""
    answer = None
    seconds: list[float] = []
    while len(seconds) < 6 or sum(seconds[1:]) < 1:
        start = time.perf_counter()
        answer = asked(tool, net, x)
        seconds.append(time.perf_counter() - start)
        if seconds[0] > 10:
            return answer, seconds[0]
    return answer, statistics.median(seconds[1:])


def main() -> None:
    logging.disable(logging.WARNING)
    torch.set_num_threads(2)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", help="only these of the eight")
    parser.add_argument("--batch", type=int, default=1, help="images that the nets are asked about")
    options = parser.parse_args()
    for name, size in [pair for pair in NETS if not options.nets or pair[0] in options.nets]:
        net, x = torchvision_net(name, size, device="cpu").eval(), torch.randn(options.batch, 3, size, size)
        rows = {tool: timed(TOOLS[tool], net, x) for tool in TOOLS}
        print(f"\n{name}, {options.batch} x 3 x {size} x {size}")
        for tool, (answer, seconds) in rows.items():
            shown = f"{answer / 1e9:10.4f} G" if isinstance(answer, int) else f"{answer:>12}"
            print(f"  {tool:14}{shown}{1e3 * seconds:10.1f} ms   x{seconds / rows['ours'][1]:.1f}", flush=True)
    print("\nhard cases" + "".join(f"{tool:>14}" for tool in TOOLS))
    wrong = dict.fromkeys(TOOLS, 0)
    for case, (make, make_input, truth) in CASES.items():
        cells = []
        for name, tool in TOOLS.items():
            answer = asked(tool, make().eval(), make_input())
            right = answer == truth
            wrong[name] += not right
            cells.append("right" if right else str(answer)[:13])
        print(f"  {case:26}{truth:>9}" + "".join(f"{cell:>14}" for cell in cells), flush=True)
    print("wrong: " + ", ".join(f"{name} {n}" for name, n in wrong.items()))


if __name__ == "__main__":
    main()
