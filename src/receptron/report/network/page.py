"""An inspection, or a comparison, as one HTML file: no network, light and dark, graph, table, and the field on an image of the user's."""

import base64
import io
from collections.abc import Callable, Sequence
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
from receptron.report.network.graph.drawing import drawing_of


def inspection_page(inspection: Inspection, net: nn.Module, inputs: Inputs, image: Path | None = None, tape: Tape | None = None) -> str:
    """HTML of an inspection; `image` is the picture that receptive fields are drawn on, `tape` the one it was read from, if at hand.

    Raises: BadValue for an unreadable image.
    """
    tape = tape or record(net, inputs)
    values = {
        "i": inspection,
        "graph": drawing_of(tape, inspection.layers),
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
ASSETS = ("network/network.css", "network/network.js", "network/graph.css", "network/graph.js")


def _fields(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    return [
        {"path": layer.path or layer.kind, "shape": layer.units, "axes": [vars(axis) for axis in layer.field.axes]}
        for layer in layers
        if layer.field and len(layer.field.axes) == len(layer.units) == 2 and len(layer.after) == 4
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
