"""Recording in its parts (copy, run, passes) beside torchinfo on the CPU and on meta, and fvcore, in one run.

    OMP_NUM_THREADS=1 python benchmarks/recording.py
    OMP_NUM_THREADS=1 python benchmarks/recording.py resnet50 swin_t --rounds 21

Milliseconds of processor time on one thread, so that other work on the machine does not count: medians over rounds in which all take
turns. `copy`: the double on the meta device. `run`: its forward pass, written down. `passes`: what `inspect` does with the tape.
`record` is copy and run with all between; `first` is the first recording of a fresh process after one of another network, before torch's
answers for these shapes are known. The ratios are torchinfo's time over ours: on meta over `record`, on the CPU over `inspect`.
"""

import argparse
import logging
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parents[1] / "tests/analysis")]
from reference_nets import torchvision_net  # noqa: E402

from receptron.analysis.inspection import inspect  # noqa: E402
from receptron.analysis.recording import forward, record  # noqa: E402
from receptron.analysis.recording.copying.meta_copy import on_meta  # noqa: E402

NETS = {"resnet50": 224, "vgg16": 224, "mobilenet_v2": 224, "densenet121": 224}
NETS |= {"efficientnet_b7": 600, "vit_b_16": 224, "convnext_tiny": 224, "swin_t": 224}
COLUMNS = ("copy", "run", "record", "passes", "inspect", "torchinfo meta", "torchinfo cpu", "fvcore")


def spent(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return 1e3 * (time.process_time() - started)


def run_alone(name: str, size: tuple[int, ...]) -> Callable[[], float]:
    """Time of a recording's forward pass without the copy before it."""
    net, taken = torchvision_net(name, size[-1], device="cpu"), list[float]()
    run = forward._run

    def timed(*arguments):
        started = time.process_time()
        tape = run(*arguments)
        taken.append(1e3 * (time.process_time() - started))
        return tape

    def recorded() -> float:
        forward._run = timed
        try:
            record(net, size)
        finally:
            forward._run = run
        return taken.pop()

    return recorded


def measured(name: str, pixels: int, rounds: int) -> dict[str, float]:
    from fvcore.nn import FlopCountAnalysis
    from torchinfo import summary

    size = (3, pixels, pixels)
    net, meta = torchvision_net(name, pixels, device="cpu").eval(), torchvision_net(name, pixels).eval()
    real, empty = torch.zeros(1, *size), torch.empty(1, *size, device="meta")
    run = run_alone(name, size)
    tools: dict[str, Callable[[], float]] = {
        "copy": lambda: spent(lambda: on_meta(net)),
        "run": run,
        "record": lambda: spent(lambda: record(net, size)),
        "inspect": lambda: spent(lambda: inspect(net, size)),
        "torchinfo meta": lambda: spent(lambda: summary(meta, input_data=[empty], device="meta", verbose=0)),
        "torchinfo cpu": lambda: spent(lambda: summary(net, input_data=[real], device="cpu", verbose=0)),
        "fvcore": lambda: spent(lambda: FlopCountAnalysis(net, real).unsupported_ops_warnings(False).by_operator()),
    }
    seen: dict[str, list[float]] = {tool: [] for tool in tools}
    for _ in range(rounds + 1):
        for tool, take in tools.items():
            seen[tool].append(take())
    found = {tool: median(times[1:]) for tool, times in seen.items()}
    return found | {"passes": found["inspect"] - found["record"]}


FIRST = """
import sys, time, torch
sys.path[:0] = {path!r}
torch.set_num_threads(1)
from reference_nets import torchvision_net
from receptron.analysis.recording import record
record(torchvision_net("alexnet"), (3, 224, 224))
net = torchvision_net({name!r}, {pixels}, device="cpu")
started = time.process_time()
record(net, (3, {pixels}, {pixels}))
print(1e3 * (time.process_time() - started))
"""


def first(name: str, pixels: int) -> float:
    code = FIRST.format(path=sys.path[:2], name=name, pixels=pixels)
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", help="only these of the eight")
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print(f"{'milliseconds':18}" + "".join(f"{column:>15}" for column in (*COLUMNS, "first")) + f"{'meta/record':>13}{'cpu/inspect':>13}")
    for name in options.nets or NETS:
        found = measured(name, NETS[name], options.rounds)
        cells = "".join(f"{found[column]:15.1f}" for column in COLUMNS) + f"{first(name, NETS[name]):15.1f}"
        ratios = found["torchinfo meta"] / found["record"], found["torchinfo cpu"] / found["inspect"]
        print(f"{name:18}{cells}" + "".join(f"{ratio:13.1f}" for ratio in ratios), flush=True)


if __name__ == "__main__":
    main()
