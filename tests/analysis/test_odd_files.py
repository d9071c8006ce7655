"""Files whose settings no operator has, that would never end, or that state their own size."""

import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import nn

from receptron.errors import ReceptronError
from receptron.jobs.networks import NetworkRequest, inspect_network

onnx = pytest.importorskip("onnx")


def written(path: Path, op: str, *, scales: tuple[float, ...] = (), nodes: int = 1, **settings: object) -> str:
    """One operator on a 1x3x32x32 input; with weights of 8x3x3x3 where it is a convolution."""
    from onnx import TensorProto, helper

    weights = [helper.make_tensor("w", TensorProto.FLOAT, [8, 3, 3, 3], [0.1] * 216)] if op == "Conv" else []
    weights += [helper.make_tensor("scales", TensorProto.FLOAT, [len(scales)], scales)] if scales else []
    takes = ["x", "w"] if op == "Conv" else ["x", "", "scales"] if scales else ["x"]
    steps = [helper.make_node(op, takes if i == 0 else [f"y{i - 1}"], [f"y{i}"], name="same", **settings) for i in range(nodes)]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 32, 32])
    graph = helper.make_graph(steps, "g", [given], [helper.make_tensor_value_info(f"y{nodes - 1}", TensorProto.FLOAT, None)], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), path)
    return str(path)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dilations": [0, 0]}, "dilations"),
        ({"strides": [0, 1]}, "strides"),
        ({"strides": [2**62, 1]}, "strides"),
        ({"kernel_shape": [3, 0]}, "kernel_shape"),
        ({"kernel_shape": [3, 3], "pads": [1, 1]}, "pads"),
        ({"pads": [1, 1]}, "pads"),
        ({"kernel_shape": [3, 3], "pads": [-1, -1, -1, -1]}, "pads"),
        ({"auto_pad": "SAME"}, "auto_pad"),
        ({"kernel_shape": [3, 3], "strides": [1, 1, 1]}, "axes"),
    ],
    ids=str,
)
def test_settings_that_no_window_has_are_refused(tmp_path: Path, settings: dict[str, object], said: str):
    with pytest.raises(ReceptronError) as fault:
        found = inspect_network(NetworkRequest(written(tmp_path / "net.onnx", "Conv", **settings)))
        raise ReceptronError(" ".join(found.unknown.values()), why="unknown") if found.unknown else AssertionError(found.layers)
    assert said in str(fault.value)


def test_settings_that_a_window_has_are_read(tmp_path: Path):
    found = inspect_network(NetworkRequest(written(tmp_path / "net.onnx", "Conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])))
    assert found.layers[0].after == (1, 8, 16, 16)


@pytest.mark.parametrize("factor", [1e5, 1e9])
def test_an_endless_resize_ends(tmp_path: Path, factor: float):
    path = written(tmp_path / "net.onnx", "Resize", scales=(1.0, 1.0, factor, factor), mode="nearest")
    began = time.process_time()
    with suppress(ReceptronError):
        inspect_network(NetworkRequest(path))
    assert time.process_time() - began < 20


def test_nodes_of_one_name_have_names_of_their_own(tmp_path: Path):
    began = time.process_time()
    found = inspect_network(NetworkRequest(written(tmp_path / "net.onnx", "Relu", nodes=1500)))
    assert len({layer.path for layer in found.layers}) == 1500
    assert max(len(layer.path) for layer in found.layers) < 12
    assert time.process_time() - began < 60


@pytest.mark.parametrize("size", [(1, 3, 32, 32), (1, 1, 40, 56), (2, 3, 32, 32)], ids=str)
def test_an_exported_program_says_its_own_size(tmp_path: Path, size: tuple[int, ...]):
    net = nn.Sequential(nn.Conv2d(size[1], 4, 3), nn.ReLU()).eval()
    torch.export.save(torch.export.export(net, (torch.randn(*size),)), tmp_path / "net.pt2")
    assert inspect_network(NetworkRequest(str(tmp_path / "net.pt2"))).inputs == (size,)


@pytest.mark.parametrize(("read_by", "parameters"), [("Concat", 216), ("Conv", 216 + 576)])
def test_a_constant_is_a_weight_only_where_an_operator_has_one(tmp_path: Path, read_by: str, parameters: int):
    """Zeros that a `forward` makes are stored as Constant nodes; so are, by some makers, the weights of convolutions."""
    from onnx import TensorProto, helper

    shape = [1, 2, 30, 30] if read_by == "Concat" else [8, 8, 3, 3]
    held = helper.make_tensor("c", TensorProto.FLOAT, shape, [0.5] * (1800 if read_by == "Concat" else 576))
    steps = [
        helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3]),
        helper.make_node("Constant", [], ["made"], value=held),
        helper.make_node(read_by, ["y", "made"], ["z"], **({"axis": 1} if read_by == "Concat" else {"kernel_shape": [3, 3]})),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, extents) for name, extents in (("x", [1, 3, 32, 32]), ("z", None))]
    weights = [helper.make_tensor("w", TensorProto.FLOAT, [8, 3, 3, 3], [0.1] * 216)]
    graph = helper.make_graph(steps, "g", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), tmp_path / "net.onnx")
    assert inspect_network(NetworkRequest(str(tmp_path / "net.onnx"))).cost.parameters == parameters
