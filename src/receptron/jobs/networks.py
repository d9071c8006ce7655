"""From what a person types to a network that is looked at: zoo names, files, places in Python."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from receptron import atomic_write
from receptron.analysis.comparison import Comparison, compare
from receptron.analysis.diagnose.clash import explain
from receptron.analysis.inspection import Inspection, InspectionOptions, examine
from receptron.analysis.model_import.loading import is_place, load
from receptron.analysis.recording import Unrecordable
from receptron.analysis.tape import Tape
from receptron.analysis.tape.inputs import parse_size
from receptron.jobs.user_code import fence
from receptron.report.frame import check_replaceable
from receptron.report.network import comparison_page, inspection_page
from receptron.zoo import ZOO, build

Size = tuple[int, ...]


@dataclass(frozen=True)
class PageOptions:
    """Where to write a page, the picture that fields are drawn on, and whether a file that is no page of ours may be replaced."""

    html: Path | None = None
    image: Path | None = None
    overwrite: bool = False


def inspect_network(
    name: str, size: str | None = None, question: InspectionOptions = InspectionOptions(), views: PageOptions = PageOptions()
) -> Inspection:
    """Inspect a net of the zoo, `FILE.py:Net`, `package.module:callable`, an exported program or an ONNX file.

    A .py file and a module are run, behind a fence: what they print goes to stderr, and if they end the program that is an error.
    Raises: UnknownName, ImageTooSmall, BadValue, ShapeClash with the layers before the break and the repairs, StorageFault.
    """
    check_replaceable(views.html, overwrite=views.overwrite)
    with fence(name):
        net, inputs = find(name, size)
    with fence(name):
        found, tape = _examined(net, inputs, question, name)
    if views.html is not None:
        with fence(name):
            page = inspection_page(found, net, inputs, None if views.image is None else views.image.absolute(), tape)
        atomic_write.write_file(views.html, page)
    return found


def compare_networks(left: str, right: str, size: str | None = None, html: Path | None = None, *, overwrite: bool = False) -> Comparison:
    """Two networks side by side. Raises: as `inspect_network`."""
    check_replaceable(html, overwrite=overwrite)
    found = compare(inspect_network(left, size), inspect_network(right, size))
    if html is not None:
        atomic_write.write_file(html, comparison_page(found))
    return found


def _examined(net: nn.Module, inputs: Size, question: InspectionOptions, name: str) -> tuple[Inspection, Tape]:
    try:
        return examine(net, inputs, question, name)
    except Unrecordable as broken:
        clash = None if broken.mend else explain(net, inputs)
        if clash is None:
            raise
        raise clash.error() from None


def find(name: str, size: str | None) -> tuple[nn.Module, Size]:
    """The network and the size of one input: as asked for, as the zoo publishes it, or 3x224x224."""
    asked = None if size is None else parse_size(size)
    if is_place(name):
        return load(name), asked or (3, 224, 224)
    row = ZOO.get(name)
    channels, pixels = (asked[0], max(asked[1:])) if asked else (None, None)
    with torch.device("meta"):
        net = build(name, channels=channels, pixels=pixels)
    if asked or row is None:
        return net, asked or (3, 224, 224)
    return net, (row.channels, row.pixels, row.pixels)
