"""ONNX files that are damaged, lie or reach for other files: numbers, or an error in our words, and no memory asked for."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_loading import onnx_file

from receptron.analysis.cost import cost
from receptron.analysis.inspection import inspect
from receptron.analysis.loading import load
from receptron.errors import AnalysisFault, BadValue, ReceptronError

onnx = pytest.importorskip("onnx")
SIZE = (3, 8, 8)


def changed(folder: Path, change: Any) -> str:
    model = onnx.load(onnx_file(folder))
    change(model)
    path = folder / "changed.onnx"
    path.write_bytes(model.SerializeToString())
    return str(path)


def outside(model: Any, location: str) -> None:
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)


@pytest.mark.parametrize("location", ["../../etc/passwd", "/etc/passwd", "weights.bin", "", "a\x00b"])
def test_weights_in_another_file_are_never_read(location: str, tmp_path: Path):
    (tmp_path / "weights.bin").write_bytes(b"no weights")
    path = changed(tmp_path, lambda model: outside(model, location))
    assert cost(load(path), SIZE).parameters == cost(load(str(onnx_file(tmp_path))), SIZE).parameters


def enormous(model: Any) -> None:
    model.graph.initializer[0].dims[:] = [10**6, 10**6, 3, 3]


def padded(model: Any) -> None:
    """A small constant that is padded to 10^12 numbers."""
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((1, 1), "int64"), "one"))
    model.graph.node.insert(0, onnx.helper.make_node("Pad", ["one"], ["huge"], pads=[0, 0, 10**6, 10**6]))


def filled(model: Any) -> None:
    model.graph.node.insert(0, onnx.helper.make_node("ConstantOfShape", ["one"], ["huge"]))


@pytest.mark.parametrize("change", [enormous, padded, filled])
def test_an_enormous_tensor_is_not_made(change: Any, tmp_path: Path):
    try:
        inspect(load(changed(tmp_path, change)), SIZE)
    except ReceptronError:
        return


def node(model: Any, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(model.graph.node[2], name, value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda model: node(model, domain="com.evil"), "com.evil.Relu"),
        (lambda model: node(model, op_type="Evil"), "Evil"),
        (lambda model: model.graph.node[2].input.__setitem__(0, "nowhere"), "reads 'nowhere'"),
        (lambda model: model.graph.output[0].__setattr__("name", "nowhere"), "gives 'nowhere'"),
        (lambda model: model.graph.initializer[0].dims.__setitem__(0, -1), "not an ONNX model"),
        (lambda model: model.graph.initializer[0].dims.__setitem__(0, 2**62), "not an ONNX model"),
        (lambda model: model.graph.initializer[0].__setattr__("data_type", 8), "type that is not known here"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(change: Any, says: str, tmp_path: Path):
    with pytest.raises((BadValue, AnalysisFault), match=says):
        load(changed(tmp_path, change))


@pytest.mark.parametrize("seed", range(4))
def test_changed_bytes_give_numbers_or_an_error_of_ours(seed: int, tmp_path: Path):
    chance = random.Random(seed)
    whole = onnx_file(tmp_path).read_bytes()
    refused = 0
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 4, 32))):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path = tmp_path / "flipped.onnx"
        path.write_bytes(content[: chance.choice((len(content), chance.randrange(len(content))))])
        try:
            inspect(load(str(path)), SIZE)
        except ReceptronError:
            refused += 1
    assert refused > 5
