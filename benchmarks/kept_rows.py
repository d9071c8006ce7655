"""Rows of a long measurement, each kept as soon as it is done, so that it may be broken off and gone on with in parts.

A row is a line of JSON: what it is a row of, its figures, the commit and the machine that it comes from. What is compared shares a row,
so that a baseline and its candidate always come from one part on one machine.
"""

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

Figures = Mapping[str, object]


@dataclass(frozen=True)
class Row:
    """One finished unit of a measurement."""

    of: dict[str, object]  # what it is a row of: the draw, the split, the backbone
    figures: dict[str, object]
    seconds: float
    commit: str
    machine: str


def kept(path: Path) -> list[Row]:
    """The rows that are done. A line that was cut off in writing is passed over, and told."""
    rows: list[Row] = []
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else (), 1):
        try:
            rows.append(Row(**json.loads(line)))
        except (ValueError, TypeError):
            print(f"{path}, line {number}: no whole row, passed over")
    return rows


def go_on(path: Path, units: Iterable[dict[str, object]], measure: Callable[[dict[str, object]], Figures], minutes: float) -> list[Row]:
    """Measure the units that `path` does not hold, one after another, until `minutes` are up; the last may take longer. All rows so far."""
    rows, began = kept(path), time.monotonic()
    for unit in units:
        if any(row.of == unit for row in rows):
            continue
        if time.monotonic() - began > 60 * minutes:
            print(f"The time for this part is up: {len(rows)} rows are kept in {path}; the same command goes on.")
            break
        since = time.monotonic()
        figures = dict(measure(unit))
        rows.append(Row(unit, figures, round(time.monotonic() - since, 1), _commit(), _machine()))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(json.dumps(asdict(rows[-1])) + "\n")
            file.flush()
            os.fsync(file.fileno())
        print(json.dumps({**unit, **figures, "seconds": rows[-1].seconds}), flush=True)
    return rows


def _commit() -> str:
    """The commit of this checkout, with a + where something was changed since."""
    here = Path(__file__).parent
    done = subprocess.run(["git", "describe", "--always", "--dirty=+", "--exclude=*"], capture_output=True, text=True, cwd=here)
    return done.stdout.strip() or "unknown"


def _machine() -> str:
    """Processor, cores, threads in use, and how busy it was."""
    names = [line.partition(":")[2].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads{busy}"


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
