"""An inspection, or a comparison, as one HTML file: no network, light and dark, graph, table, and the field on an image of the user's."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from torch import nn

from receptron.analysis.comparison import Comparison
from receptron.analysis.inspection import Inspection, Layer
from receptron.analysis.recording import record
from receptron.analysis.tape import Tape
from receptron.analysis.tape.inputs import Inputs
from receptron.data.reading.decode import decode
from receptron.errors import BadValue, UnreadableImage
from receptron.report.frame import framed
from receptron.report.network.graph import Graph, graph_of

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y = 190, 40, 24, 26
"""Pixels of a box of the drawing and between boxes."""
PAGE_WIDTH = 1090  # px of the drawing that a page holds: a narrow net is folded into as many columns as fit
LEAST_ROWS = 8  # rows of a column, so that a small net stays in one


@dataclass(frozen=True)
class Drawn:
    """A box of the drawing: where it lies, what it says, how much of the work it does, and what hovering tells."""

    x: int
    y: int
    title: str
    detail: str
    share: float
    hint: str


def inspection_page(inspection: Inspection, net: nn.Module, inputs: Inputs, image: Path | None = None, tape: Tape | None = None) -> str:
    """HTML of an inspection; `image` is the picture that receptive fields are drawn on, `tape` the one it was read from, if at hand.

    Raises: BadValue for an unreadable image.
    """
    tape = tape or record(net, inputs)
    graph = graph_of(tape)
    boxes = _boxes(tape, graph, inspection.layers)
    values = {
        "i": inspection,
        "boxes": boxes,
        "arrows": _arrows(graph, boxes),
        "width": max((b.x for b in boxes), default=0) + BOX_WIDTH + GAP_X,
        "height": max((b.y for b in boxes), default=0) + BOX_HEIGHT + GAP_Y,
        "box": (BOX_WIDTH, BOX_HEIGHT),
        "fields": _fields(inspection.layers),
        "picture": _picture(image),
        "pixels": inspection.inputs[0][2:],
    }
    return framed("network/inspection.html.j2", values, FILTERS, ASSETS)


def comparison_page(comparison: Comparison) -> str:
    """HTML of a comparison."""
    return framed("network/comparison.html.j2", {"c": comparison}, FILTERS, ASSETS)


def big(number: float) -> str:
    """A large number with its unit: 4.09 G."""
    for suffix, unit in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= unit:
            return f"{number / unit:.3g} {suffix}"
    return f"{number:.3g}"


def times(extents: Sequence[int]) -> str:
    """Extents joined by a multiplication sign."""
    return " × ".join(map(str, extents))


FILTERS: dict[str, Callable[..., str]] = {"big": big, "size": times}
ASSETS = ("network/network.css", "network/network.js")


def _boxes(tape: Tape, graph: Graph, layers: Sequence[Layer]) -> list[Drawn]:
    known = {layer.path: layer for layer in layers}
    widest = max((sum(1 for b in graph.boxes if b.row == row) for row in {b.row for b in graph.boxes}), default=1)
    busiest = (
        max((known[tape.module_calls[b.scope].path].macs for b in graph.boxes if tape.module_calls[b.scope].path in known), default=1) or 1
    )
    folded = _folded(max((b.row for b in graph.boxes), default=0) + 1, widest)
    drawn: list[Drawn] = []
    for box in graph.boxes:
        layer = known[tape.module_calls[box.scope].path]
        beside = sum(1 for b in graph.boxes if b.row == box.row)
        column, row = divmod(box.row, folded)
        x = GAP_X + column * _column_width(widest) + int((box.column + (widest - beside) / 2) * (BOX_WIDTH + GAP_X))
        lines = [f"{layer.path} ({layer.kind})", f"{times(layer.before)} to {times(layer.after)}"]
        lines += [f"{layer.parameters:,} parameters, {layer.macs:,} MACs", *layer.working]
        title = layer.path if len(layer.path) < 24 else f"…{layer.path[-22:]}"
        y = GAP_Y + row * (BOX_HEIGHT + GAP_Y)
        drawn.append(Drawn(x, y, title, f"{layer.kind} {times(layer.after[1:])}", layer.macs / busiest, "\n".join(lines)))
    return drawn


def _column_width(widest: int) -> int:
    """Pixels of a column whose rows have up to `widest` boxes, with room for the arrows that go on in the next."""
    return widest * (BOX_WIDTH + GAP_X) + GAP_X


def _folded(rows: int, widest: int) -> int:
    """Rows of each column."""
    columns = max(1, PAGE_WIDTH // _column_width(widest))
    return max(LEAST_ROWS, -(-rows // columns))


def _arrows(graph: Graph, boxes: list[Drawn]) -> list[str]:
    """Paths from the foot of one box to the head of another; long ones bend around the boxes between, and some go on in a next column."""
    paths: list[str] = []
    for source, target in graph.arrows:
        if source < 0:
            continue
        a, b = boxes[source], boxes[target]
        x1, y1, x2, y2 = a.x + BOX_WIDTH // 2, a.y + BOX_HEIGHT, b.x + BOX_WIDTH // 2, b.y
        rows = (y2 - y1) // (BOX_HEIGHT + GAP_Y)
        if b.y <= a.y:  # in a later column: out at the right, in at the left
            x1, y1, x2, y2 = a.x + BOX_WIDTH, a.y + BOX_HEIGHT // 2, b.x, b.y + BOX_HEIGHT // 2
            paths.append(f"M{x1} {y1}C{x1 + 2 * GAP_X} {y1} {x2 - 2 * GAP_X} {y2} {x2} {y2}")
        elif rows < 1 or a.x != b.x:
            paths.append(f"M{x1} {y1}C{x1} {y1 + GAP_Y} {x2} {y2 - GAP_Y} {x2} {y2}")
        else:
            middle = a.x - GAP_X // 2
            paths.append(f"M{a.x} {a.y + BOX_HEIGHT // 2}C{middle} {a.y + BOX_HEIGHT} {middle} {b.y} {b.x} {b.y + BOX_HEIGHT // 2}")
    return paths


def _fields(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    return [
        {"path": layer.path, "shape": layer.after[2:], "axes": [vars(axis) for axis in layer.field.axes]}
        for layer in layers
        if layer.field and len(layer.field.axes) == 2 and len(layer.after) == 4
    ]


def _picture(image: Path | None) -> str | None:
    if image is None:
        return None
    try:
        small = Image.fromarray(decode(image)[0])
    except UnreadableImage as error:
        raise BadValue(f"{image} cannot be read as an image.", why=error.reason, mend="give a JPEG or PNG") from error
    small.thumbnail((1024, 1024))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
