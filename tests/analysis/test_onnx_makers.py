"""ONNX files in the style of other makers: counts, shapes and fields as reckoned by hand, answers as onnx itself has them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnx_makers import MAKERS, write

from receptron.analysis.inspection import InspectionOptions, examine
from receptron.analysis.model_import.onnx_graph import OnnxGraph
from receptron.jobs.networks import NetworkRequest, find

onnx = pytest.importorskip("onnx")


OTHER_NUMBERS = {
    "Keras": "its GRU resets before the product, which changes no count",
    "Darknet": "onnx's reference norms by the batch in version 9, which its own text does not say",
}


@pytest.mark.parametrize("name", MAKERS)
def test_counts_shapes_and_fields_are_those_reckoned_by_hand(name: str, tmp_path: Path):
    made = MAKERS[name]
    write(made, tmp_path / "net.onnx")
    net, inputs = find(NetworkRequest(str(tmp_path / "net.onnx")))
    found, tape = examine(net, inputs, InspectionOptions(field=""))
    assert (found.cost.macs, found.cost.unknown, found.cost.parameters) == (made.macs, {}, made.parameters)
    assert tape.values[tape.outputs[0]].shape == made.shape
    assert found.field is not None
    axis = found.field.field.axes[0]
    if made.field is None:
        assert axis.scope in ("global", "at this size")
    else:
        assert (axis.scope, axis.size, axis.jump) == ("local", made.field, made.jump)
    assert not found.unknown


@pytest.mark.parametrize("name", [name for name, made in MAKERS.items() if not made.external and "com.microsoft" not in made.versions])
def test_answers_are_those_of_onnx_itself(name: str, tmp_path: Path):
    from onnx.reference import ReferenceEvaluator

    path = tmp_path / "net.onnx"
    write(MAKERS[name], path)
    net = OnnxGraph.read(path, numbers=True).eval()
    (one,) = net.file.takes
    x = np.random.default_rng(1).uniform(0, 1, [n for n in one.extents or () if isinstance(n, int)]).astype("float32")
    with torch.no_grad():
        out = net(torch.from_numpy(x))
    expected: Any = ReferenceEvaluator(str(path)).run(None, {one.name: x})[0]
    assert tuple(out.shape) == expected.shape == MAKERS[name].shape
    if name not in OTHER_NUMBERS:
        np.testing.assert_allclose(out.numpy(), expected, 1e-3, 1e-3)
