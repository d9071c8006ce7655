"""Our predicted training peak beside what a real training step takes.

    python benchmarks/gpu_memory.py                 on a machine with a GPU: torch.cuda.max_memory_allocated
    python benchmarks/gpu_memory.py --fake          without one: torch's MemTracker on fake tensors

Ratios are ours / measured; 0.9 to 1.1 is the aim.
"""

import argparse
import importlib
import sys
from pathlib import Path

import torch
from torch import nn

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parents[1] / "tests/analysis")]
from reference_nets import torchvision_net  # noqa: E402

from receptron.analysis.cost.memory import memory  # noqa: E402

NETS = [("resnet18", 224), ("resnet50", 224), ("mobilenet_v2", 224), ("efficientnet_b0", 224), ("convnext_tiny", 224)]
NETS += [("densenet121", 224), ("vgg16_bn", 224), ("swin_t", 224), ("vit_b_16", 224)]
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-4, foreach=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fake", action="store_true")
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    fake = options.fake or not torch.cuda.is_available()
    print("measured by", "MemTracker on fake tensors" if fake else f"max_memory_allocated on {torch.cuda.get_device_name()}")
    print(f"{'net':18}{'optimizer':12}{'ours MB':>10}{'measured MB':>14}{'ratio':>8}")
    ratios = []
    for name, size in NETS:
        for optimizer in OPTIMIZERS:
            ours = memory(torchvision_net(name, size), (3, size, size), batch=options.batch, optimizer=optimizer).training.bytes
            measure = tracked if fake else allocated
            measured = measure(name, size, options.batch, optimizer)
            ratios.append(ours / measured)
            print(f"{name:18}{optimizer:12}{ours / 1e6:10.0f}{measured / 1e6:14.0f}{ratios[-1]:8.3f}", flush=True)
    print(f"ratios from {min(ratios):.3f} to {max(ratios):.3f}")


def steps(net: nn.Module, x: torch.Tensor, optimizer: torch.optim.Optimizer, reset) -> None:
    """Two steps; the first makes the optimiser's state, the second is measured."""
    for _ in range(2):
        reset()
        net(x).float().mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def allocated(name: str, size: int, batch: int, optimizer: str) -> int:
    torch.cuda.empty_cache()
    start = torch.cuda.memory_allocated()
    net = torchvision_net(name, size, device="cuda").train()
    x = torch.randn(batch, 3, size, size, device="cuda")
    steps(net, x, OPTIMIZERS[optimizer](net.parameters()), torch.cuda.reset_peak_memory_stats)
    return torch.cuda.max_memory_allocated() - start


def tracked(name: str, size: int, batch: int, optimizer: str) -> int:
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.distributed._tools.mem_tracker import MemTracker

    importlib.import_module("torch.optim.adam")._get_value = lambda step: 1.0  # a fake step count has no value to read
    nn.init.trunc_normal_ = lambda tensor, *_, **__: tensor  # nor has a fake weight numbers that could be drawn again
    with FakeTensorMode():
        net = torchvision_net(name, size, device="cpu").train()
        x = torch.empty(batch, 3, size, size)
        made = OPTIMIZERS[optimizer](net.parameters())
        tracker = MemTracker()
        tracker.track_external(net, made, x)
        with tracker:
            steps(net, x, made, tracker.reset_mod_stats)
        peak = tracker.get_tracker_snapshot("peak")
    return max(sum(kinds.values()) if "Total" not in kinds else kinds["Total"] for kinds in peak.values())


if __name__ == "__main__":
    main()
