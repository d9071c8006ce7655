"""Parameters and multiply-accumulates of every net, counted on the meta device and kept in counts.toml, which `main` writes."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from receptron.atomic_write import write_file
from receptron.zoo.builder import build
from receptron.zoo.nets import ZOO


@dataclass(frozen=True)
class Count:
    """Learnt parameters, and multiply-accumulates of one image in convolutions, linear layers and attention."""

    parameters: int
    macs: int


def count(name: str) -> Count:
    """Build the net on the meta device and run one image of its usual size through it."""
    with torch.device("meta"), torch.no_grad():
        net = build(name).eval()
        image = torch.empty(1, ZOO[name].channels, ZOO[name].pixels, ZOO[name].pixels)
        with FlopCounterMode(display=False) as counter:
            net(image)
    return Count(sum(p.numel() for p in net.parameters()), counter.get_total_flops() // 2)


@cache
def counts() -> dict[str, Count]:
    """What `count` found for every net when counts.toml was written; a test recounts them."""
    table = tomllib.loads(files("receptron.zoo").joinpath("counts.toml").read_text(encoding="utf-8"))
    return {name: Count(*row) for name, row in table.items()}


def main() -> None:
    """Write counts.toml anew."""
    rows = [f"{name} = [{found.parameters}, {found.macs}]" for name in ZOO if (found := count(name))]
    write_file(
        Path(__file__).with_name("counts.toml"),
        "# parameters, MACs of one image: written by receptron.zoo.count.main\n" + "\n".join(rows) + "\n",
    )
