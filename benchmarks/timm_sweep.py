"""Records every model of timm on the meta device and holds the total against torch's own counter; writes one row per model.

    python benchmarks/timm_sweep.py sweep.csv                 all models; goes on where an earlier run stopped
    python benchmarks/timm_sweep.py sweep.csv --minutes 3     stop after three minutes
    python benchmarks/timm_sweep.py half.csv --part 2/2       every second model, from the second on: two processes share the work
    python benchmarks/timm_sweep.py one.csv two.csv --summary only add up what is there

The independent count is torch.utils.flop_counter.FlopCounterMode on the same meta model with attention written out, halved.
"""

import argparse
import csv
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parents[1] / "tests/analysis")]
from reference_nets import timm_net  # noqa: E402

from oracles import timm  # noqa: E402
from receptron.analysis.cost import cost  # noqa: E402
from receptron.errors import ReceptronError  # noqa: E402

COLUMNS = ["model", "size", "parameters", "macs", "independent_macs", "unknown", "milliseconds", "error"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--summary", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.summary:
        first, step = map(int, options.part.split("/"))
        sweep(options.tables[0], timm().list_models()[first - 1 :: step], time.monotonic() + 60 * options.minutes)
    summarise(options.tables)


def sweep(table: Path, models: list[str], until: float) -> None:
    done = {row["model"] for row in rows_of(table)}
    fresh = not table.exists()
    with table.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if fresh:
            writer.writeheader()
        for name in models:
            if time.monotonic() > until:
                break
            if name not in done:
                writer.writerow(row_of(name))
                file.flush()


def row_of(name: str) -> dict[str, object]:
    row: dict[str, object] = {"model": name}
    try:
        net = timm_net(name)
    except Exception as error:
        return row | {"error": f"build: {type(error).__name__}: {str(error)[:80]}"}
    size = tuple(net.default_cfg.get("input_size", (3, 224, 224)))
    row["size"] = "x".join(map(str, size))
    started = time.perf_counter()
    try:
        found = cost(net, size)
    except ReceptronError as error:
        return row | {"error": error.why[:160]}
    row |= {"milliseconds": round(1e3 * (time.perf_counter() - started), 1), "parameters": found.parameters, "macs": found.macs}
    row["unknown"] = " ".join(found.unknown)
    try:
        row["independent_macs"] = independent(net, size)
    except Exception as error:
        row["independent_macs"] = ""
        row["error"] = f"torch's counter: {type(error).__name__}: {str(error)[:80]}"
    return row


def independent(net: nn.Module, size: tuple[int, ...]) -> int:
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            net.eval().requires_grad_(False)(torch.empty(1, *size, device="meta"))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return counter.get_total_flops() // 2


def rows_of(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text().splitlines())) if table.exists() else []


def summarise(tables: list[Path]) -> None:
    rows = [row for table in tables for row in rows_of(table)]
    ours = [row for row in rows if row["error"] and not row["error"].startswith(("build:", "torch's counter"))]
    unknown = [row for row in rows if row["unknown"]]
    counted = [row for row in rows if row["macs"] and row["independent_macs"]]
    differ = [row for row in counted if row["macs"] != row["independent_macs"]]
    times = sorted(float(row["milliseconds"]) for row in rows if row["milliseconds"])
    print(f"{len(rows)} of {len(timm().list_models())} models; not recorded {len(ours)}; with an unknown operator {len(unknown)}")
    print(f"totals equal to torch's counter: {len(counted) - len(differ)} of {len(counted)}")
    print(f"could not be built on meta: {sum(row['error'].startswith('build') for row in rows)}")
    if times:
        print(f"milliseconds: median {times[len(times) // 2]:.0f}, longest {times[-1]:.0f}")
    for row in ours + unknown + differ:
        print(f"  {row['model']:40} {row['macs']:>14} {row['independent_macs']:>14} {row['unknown']} {row['error']}")
    for row in rows:
        if row["error"] and row not in ours:
            print(f"  {row['model']:40} {row['error']}")


if __name__ == "__main__":
    main()
