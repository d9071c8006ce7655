"""Speed of the zoo's nets beside torchvision's or timm's net of the same name, in one run; build time on meta; cost of the import.

python benchmarks/zoo_speed.py [NET ...] [--source torchvision|timm] [--batch 8] [--pixels 224] [--rounds 7] [--threads 2]
python benchmarks/zoo_speed.py --build --import

Prints for each net theirs / ours (1.0 or more: ours is as fast) as the median over rounds in which both run one after the other,
for a forward pass and for a training step, in the default memory format and in channels_last.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import nn

# ruff: noqa: E402  (the oracles lie among the tests, whose folders must be on the path first)
sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parents[1] / "tests/zoo")]

from rivals import RIVALS, scores

import oracles
from receptron import zoo
from receptron.weights.keymap import load
from receptron.zoo.keys.table import TORCHVISION, key_map

DEFAULT = ("resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "densenet121", "convnext_tiny", "squeezenet1_1")
FORMATS = {"default": torch.contiguous_format, "channels_last": torch.channels_last}


def pair(name: str, source: str) -> tuple[nn.Module, nn.Module]:
    theirs = oracles.randomise(RIVALS[source](name))
    ours = zoo.build(name)
    load(ours, key_map(name, source)(theirs.state_dict()), source=source)
    return oracles.without_chance(ours), oracles.without_chance(theirs)


def forward(net: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    net.eval()

    def step() -> None:
        with torch.inference_mode():
            scores(net(x))

    return step


def train(net: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    net.train()
    optimiser = torch.optim.SGD(net.parameters(), 1e-6)
    labels = torch.zeros(len(x), dtype=torch.long)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(scores(net(x)), labels).backward()
        optimiser.step()

    return step


def ratio(ours: Callable[[], None], theirs: Callable[[], None], rounds: int) -> float:
    """Median of theirs / ours over rounds, the order changing from round to round; one round before is not counted."""
    found: list[float] = []
    for i in range(rounds + 1):
        took: dict[int, float] = {}
        for which in ((0, 1), (1, 0))[i % 2]:
            start = time.perf_counter()
            (ours, theirs)[which]()
            took[which] = time.perf_counter() - start
        found.append(took[1] / took[0])
    return median(found[1:])


def measure(name: str, options: argparse.Namespace) -> list[float]:
    source = options.source or ("torchvision" if name in TORCHVISION else "timm")
    found: list[float] = []
    for memory in FORMATS.values():
        for kind in (forward, train):
            ours, theirs = (net.to(memory_format=memory) for net in pair(name, source))
            x = torch.randn(options.batch, 3, options.pixels, options.pixels).to(memory_format=memory)
            found.append(ratio(kind(ours, x), kind(theirs, x), options.rounds))
    return found


def build_times() -> None:
    """The slowest nets to build on the meta device."""
    took: dict[str, float] = {}
    for name in zoo.ZOO:
        rounds: list[float] = []
        for _ in range(3):
            start = time.perf_counter()
            with torch.device("meta"):
                zoo.build(name)
            rounds.append(time.perf_counter() - start)
        took[name] = median(rounds)
    slowest = sorted(took, key=lambda name: -took[name])[:5]
    print(f"build on meta, {len(took)} nets: slowest " + ", ".join(f"{name} {took[name]:.3f} s" for name in slowest))


def import_cost() -> None:
    """Milliseconds that receptron.zoo costs beyond torch, in fresh interpreters, torch already imported."""
    code = "import time, torch; t = time.perf_counter(); import receptron.zoo; print(time.perf_counter() - t)"
    runs = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) for _ in range(5)]
    print(f"import receptron.zoo after torch: {1000 * median(runs):.0f} ms (median of 5)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=DEFAULT)
    parser.add_argument("--source", choices=("torchvision", "timm"))
    for name, value in (("batch", 8), ("pixels", 224), ("rounds", 7), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--import", action="store_true", dest="imports")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.build:
        build_times()
    if options.imports:
        import_cost()
    if options.build or options.imports:
        return
    print(f"theirs / ours, batch {options.batch} of {options.pixels} px, {options.threads} threads, median of {options.rounds} rounds")
    print(f"{'net':24}{'forward':>12}{'train':>12}{'forward cl':>12}{'train cl':>12}")
    every: list[float] = []
    for name in options.nets:
        found = measure(name, options)
        every += found
        print(f"{name:24}" + "".join(f"{value:12.3f}" for value in found), flush=True)
    print(f"{'median of all':24}{median(every):12.3f}")


if __name__ == "__main__":
    main()
