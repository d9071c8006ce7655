"""Networks exported to ONNX by torch's old and current exporter: do the files' counts, shapes and fields equal the originals'?

    OMP_NUM_THREADS=1 python benchmarks/onnx_exports.py FOLDER [--nets 5] [--only NAME]

35 nets of the zoo, torchvision, timm and of kinds that these lack. Files and rows are kept in FOLDER, so that a run goes on where the last
one ended; --nets says after how many new nets to stop. MACs of the original stand twice: by Receptron, and by torch's FlopCounterMode
halved (which knows nothing of what a recurrent layer repeats on the processor, so both look at the meta device). Parameters of a file are
the numbers of its weights: the old exporter puts batch norms into convolutions. Needs the extras `bench` and `deploy`.
"""

import argparse
import json
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parents[1] / "tests/analysis")]
from onnx_nets import NETS, Exported  # noqa: E402

from receptron.analysis.inspection import InspectionOptions, examine  # noqa: E402
from receptron.analysis.model_import.loading import load  # noqa: E402
from receptron.analysis.tape import Tape  # noqa: E402

EXPORTERS = {"old": False, "current": True}


@dataclass(frozen=True)
class Row:
    """One file beside its original; a file that could not be made or read has only a `fault`."""

    net: str
    exporter: str
    nodes: int = 0
    macs: int = 0
    by_torch: int = 0
    of_file: int = 0
    not_counted: int = 0
    parameters: int = 0
    of_file_parameters: int = 0
    shape: str = ""
    of_file_shape: str = ""
    same_field: bool = False
    fault: str = ""

    @property
    def equal(self) -> bool:
        """Whether the file gives what the original does."""
        return not self.fault and not self.not_counted and self.macs == self.by_torch == self.of_file and self.shape == self.of_file_shape


def by_torch(net: nn.Module, x: Tensor) -> int:
    """torch's own count on the meta device, two operations a multiply-accumulate."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.to("meta")(x)
    return counter.get_total_flops() // 2


def shape_of(tape: Tape) -> str:
    """Shapes of what comes out."""
    return ", ".join("x".join(map(str, tape.values[out].shape)) for out in tape.outputs)


def export(net: nn.Module, x: Tensor, path: Path, *, current: bool) -> None:
    """Write the file, if it is not there yet."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = {"dynamo": True, "external_data": False, "verbose": False} if current else {"dynamo": False}
    torch.onnx.export(net, (x,), path, **settings)


def beside(name: str, exporter: str, wanted: Exported, folder: Path) -> Row:
    """Export, read, compare."""
    net = wanted.make().eval()
    path = folder / f"{name.partition(' (')[0].replace(' ', '_')}-{exporter}.onnx"
    try:
        export(net, wanted.example(), path, current=EXPORTERS[exporter])
        read, x = load(str(path)), wanted.example().to("meta")
        (there, to), (here, way) = (examine(one, x, InspectionOptions(field="")) for one in (read, net))
        return Row(
            name, exporter, len(read.file.nodes), here.cost.macs, by_torch(net, x), there.cost.macs,
            sum(there.cost.unknown.values()), here.cost.parameters, there.cost.parameters, shape_of(way), shape_of(to),
            here.field is not None and there.field is not None and here.field.field == there.field.field,
        )  # fmt: skip
    except Exception as fault:
        return Row(name, exporter, fault=f"{type(fault).__name__}: {fault}"[:500])


def kept(folder: Path) -> dict[tuple[str, str], Row]:
    """Rows of earlier runs."""
    path = folder / "rows.jsonl"
    rows = [Row(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
    return {(row.net, row.exporter): row for row in rows if not row.fault}


def shown(rows: list[Row]) -> Table:
    """One line a file."""
    names = ("net", "exporter", "nodes", "MACs", "by torch", "of the file", "parameters", "of the file", "output", "field", "equal")
    table = Table(*names)
    for row in rows:
        numbers = (row.nodes, row.macs, row.by_torch, row.of_file, row.parameters, row.of_file_parameters)
        ends = (row.of_file_shape, "equal" if row.same_field else "other", "yes" if row.equal else row.fault or "NO")
        table.add_row(row.net, row.exporter, *(f"{n:,}" for n in numbers), *ends)
    return table


def main() -> None:
    """Export what is missing, compare, print."""
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--nets", type=int, default=len(NETS))
    options.add_argument("--only", default="")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    rows, made = kept(given.folder), 0
    for name, wanted in NETS.items():
        missing = [e for e in EXPORTERS if (name, e) not in rows]
        if not missing or given.only not in name or made == given.nets:
            continue
        made += 1
        for exporter in missing:
            rows[name, exporter] = row = beside(name, exporter, wanted, given.folder)
            print(name, exporter, "equal" if row.equal else row.fault or row, flush=True)
            with (given.folder / "rows.jsonl").open("a") as file:
                file.write(json.dumps(asdict(row)) + "\n")
    Console(width=200).print(shown(list(rows.values())))
    equal, fields = sum(row.equal for row in rows.values()), sum(row.same_field for row in rows.values())
    print(f"{equal} of {len(rows)} files equal, {fields} with equal fields")


if __name__ == "__main__":
    main()
