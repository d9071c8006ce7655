"""From what a person types to a network that is looked at: zoo names, files, places in Python."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import nn

from receptron import atomic_write
from receptron.analysis.comparison import Comparison, compare
from receptron.analysis.diagnose.clash import explain
from receptron.analysis.inspection import Inspection, InspectionOptions, examine
from receptron.analysis.model_import.exported.program import ExportedNet
from receptron.analysis.model_import.loading import Arguments, is_place, load
from receptron.analysis.model_import.onnx_graph import OnnxGraph
from receptron.analysis.recording import Unrecordable
from receptron.analysis.tape import Tape
from receptron.analysis.tape.inputs import Inputs, parse_inputs, parse_size
from receptron.errors import BadValue
from receptron.jobs.user_code import fence
from receptron.printable import told
from receptron.report.frame import check_replaceable
from receptron.report.network import comparison_page, inspection_page
from receptron.zoo import ZOO, build


@dataclass(frozen=True)
class PageOptions:
    """Where to write a page, the picture that fields are drawn on, and whether a file that is no page of ours may be replaced."""

    html: Path | None = None
    image: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class NetworkRequest:
    """Which network to look at, as a person types it."""

    name: str
    size: str | None = None  # of one image, without the batch
    inputs: tuple[str, ...] = ()  # several, or of other types; see `parse_input`
    arguments: str | None = None  # JSON: what a class or function of a file is called with


def inspect_network(
    request: NetworkRequest, question: InspectionOptions = InspectionOptions(), views: PageOptions = PageOptions()
) -> Inspection:
    """Inspect a net of the zoo, `FILE.py:Net`, `package.module:callable`, an exported program or an ONNX file.

    A .py file and a module are run, behind a fence: what they print goes to stderr, and if they end the program that is an error.
    Raises: UnknownName, ImageTooSmall, BadValue, ShapeClash with the layers before the break and the repairs, StorageFault.
    """
    check_replaceable(views.html, overwrite=views.overwrite)
    name = request.name
    with fence(name):
        net, inputs = find(request)
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
    found = compare(inspect_network(NetworkRequest(left, size)), inspect_network(NetworkRequest(right, size)))
    if html is not None:
        atomic_write.write_file(html, comparison_page(found))
    return found


def _examined(net: nn.Module, inputs: Inputs, question: InspectionOptions, name: str) -> tuple[Inspection, Tape]:
    try:
        found, tape = examine(net, inputs, question, name)
    except Unrecordable as broken:
        clash = None if broken.mend else explain(net, inputs)
        if clash is None:
            raise
        raise clash.error() from None
    return (dataclasses.replace(found, unknown=found.unknown | net.untold) if isinstance(net, OnnxGraph) else found), tape


def find(request: NetworkRequest) -> tuple[nn.Module, Inputs]:
    """The network and what goes into it: as asked for, as its file says, as the zoo publishes it, or an image of 3x224x224.

    Raises: BadValue for arguments that are no JSON, or that a net of the zoo does not take, and for a file that leaves its size open; as
    `load` and `build` raise.
    """
    if request.size is not None and request.inputs:
        raise BadValue("--size and --input are two ways to say the same.", mend="leave one out")
    asked = None if request.size is None else parse_size(request.size)
    given = parse_inputs(request.inputs) if request.inputs else None
    if is_place(request.name):
        net = load(request.name, _arguments(request.arguments))
        return net, given or asked or _own(net)
    if request.arguments is not None:
        raise BadValue(
            f"--args does not go with {request.name}.", why="it is a net of the zoo", mend="name FILE.py:CLASS, or leave --args out"
        )
    row = ZOO.get(request.name)
    channels, pixels = (asked[0], max(asked[1:])) if asked else (None, None)
    with torch.device("meta"):
        net = build(request.name, channels=channels, pixels=pixels)
    if given or asked or row is None:
        return net, given or asked or (3, 224, 224)
    return net, (row.channels, row.pixels, row.pixels)


def _own(net: nn.Module) -> Inputs:
    own = net.own_inputs if isinstance(net, OnnxGraph | ExportedNet) else None
    return own or (3, 224, 224)


def _arguments(text: str | None) -> Arguments:
    """What --args says: an object is called by name, a list by place. Raises: BadValue."""
    if text is None:
        return ()
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadValue(f"--args {text[:80]!r} is no JSON.", why=told(error), mend="write it like --args '{\"depth\": 18}'") from error
    if not isinstance(found, dict | list):
        raise BadValue(f"--args {text[:80]!r} is neither names nor a list.", mend="write it like --args '{\"depth\": 18}', or '[18]'")
    return cast(Arguments, found)
