"""Networks from files: what is taken, and what is refused with which words."""

from pathlib import Path

import pytest
import torch
from torch import nn

from receptron.analysis.cost import cost
from receptron.analysis.model_import.loading import is_place, load
from receptron.analysis.model_import.onnx_graph import OnnxGraph
from receptron.errors import BadValue, UnknownName

NET = """
import torch
from torch import nn

class Small(nn.Sequential):
    def __init__(self, width=8):
        super().__init__(nn.Conv2d(3, width, 3), nn.ReLU(), nn.Flatten(), nn.Linear(width * 36, 10))
"""
MACS = 36 * 27 * 8 + 288 * 10


def written(folder: Path, text: str) -> Path:
    path = folder / "model.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize("more", ["", "def made():\n    return Small()\n", "net = Small()\n"])
def test_a_class_a_function_and_an_instance_are_taken(tmp_path: Path, more: str):
    path = written(tmp_path, NET + more)
    name = {"": "Small", "d": "made", "n": "net"}[more[:1]]
    assert cost(load(f"{path}:{name}"), (3, 8, 8)).macs == MACS


def test_the_only_class_need_not_be_named(tmp_path: Path):
    assert cost(load(str(written(tmp_path, NET))), (3, 8, 8)).macs == MACS


@pytest.mark.parametrize(
    ("text", "name", "error", "says"),
    [
        ("x = 1", "", BadValue, "defines no torch.nn.Module"),
        (NET, ":Smal", UnknownName, "Did you mean Small"),
        (NET + "class Other(nn.Module): pass", "", BadValue, "defines 2 networks"),
        (NET + "x = 1", ":x", BadValue, "is no network"),
        (NET + "def f(): return 1", ":f", BadValue, "gave no network"),
        (NET + "def f(): return Small(-1)", ":f", BadValue, "could not be built"),
        ("import nothing_of_that_name", "", BadValue, "ModuleNotFoundError"),
        ("def (", "", BadValue, "SyntaxError"),
    ],
)
def test_a_file_that_gives_no_network_is_told_why(tmp_path: Path, text: str, name: str, error: type[Exception], says: str):
    with pytest.raises(error, match=says):
        load(f"{written(tmp_path, text)}{name}")


def test_a_missing_file_and_a_checkpoint_are_refused(tmp_path: Path):
    with pytest.raises(BadValue, match="there is no file"):
        load(str(tmp_path / "none.py"))
    torch.save({}, tmp_path / "weights.pt")
    with pytest.raises(BadValue, match="a checkpoint, not a model"):
        load(str(tmp_path / "weights.pt"))


def test_an_exported_program_is_loaded(tmp_path: Path):
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()).eval()
    torch.export.save(torch.export.export(net, (torch.zeros(1, 3, 8, 8),)), tmp_path / "net.pt2")
    assert cost(load(str(tmp_path / "net.pt2")), (3, 8, 8)).macs == 36 * 27 * 8
    (tmp_path / "bad.pt2").write_text("no archive")
    with pytest.raises(BadValue, match="not an exported program"):
        load(str(tmp_path / "bad.pt2"))


def onnx_file(folder: Path, op: str = "Relu") -> Path:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(rng.normal(size=shape).astype("float32"), name)

    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("BatchNormalization", ["c", "s", "t", "m", "v"], ["n"]),
        helper.make_node(op, ["n"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "h", "k"], ["y"], transB=1),
    ]
    weights = [weight("w", 8, 3, 3, 3), weight("b", 8), weight("s", 8), weight("t", 8), weight("m", 8)]
    weights += [numpy_helper.from_array(np.ones(8, "float32"), "v"), weight("h", 5, 8), weight("k", 5)]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5])], weights,
    )  # fmt: skip
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), path)
    return path


def test_an_onnx_file_is_read_and_gives_the_answers_of_onnx_itself(tmp_path: Path):
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    path = onnx_file(tmp_path)
    found = cost(load(str(path)), (3, 8, 8))
    net = OnnxGraph.read(path, numbers=True)
    assert (found.macs, found.parameters) == (16 * 27 * 8 + 40, 216 + 8 * 3 + 40 + 5)
    x = torch.randn(1, 3, 8, 8)
    expected = ReferenceEvaluator(onnx.load(path)).run(None, {"x": x.numpy()})[0]
    assert torch.allclose(net.eval()(x), torch.from_numpy(expected), atol=1e-5)


def test_a_broken_onnx_file_is_named(tmp_path: Path):
    pytest.importorskip("onnx")
    (tmp_path / "bad.onnx").write_bytes(b"\x00nothing")
    with pytest.raises(BadValue, match="not an ONNX model"):
        load(str(tmp_path / "bad.onnx"))


def test_names_of_the_zoo_are_no_places():
    assert not is_place("resnet50")
    assert all(map(is_place, ("model.py", "model.py:Net", "a.b:c", "weights.pth", "net.onnx")))
