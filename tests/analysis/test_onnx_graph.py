"""ONNX files that are damaged, lie or reach for other files: numbers, or an error in our words, and no memory asked for."""

import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from test_loading import onnx_file

from receptron.analysis.cost import cost
from receptron.analysis.inspection import InspectionOptions, inspect
from receptron.analysis.model_import.loading import load
from receptron.analysis.model_import.onnx_graph import OnnxGraph
from receptron.analysis.model_import.onnx_graph.table import RULES
from receptron.analysis.recording import record
from receptron.errors import AnalysisFault, BadValue, ReceptronError

onnx = pytest.importorskip("onnx")
SIZE = (3, 8, 8)
made_node = onnx.helper.make_node


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
    """Ten trillion numbers would take an error of Python's or torch's; hundreds of millions, memory and time."""
    before, began = psutil.Process().memory_info().rss, time.process_time()
    with suppress(ReceptronError):
        found = inspect(load(changed(tmp_path, change)), SIZE)
        assert not any("MemoryError" in why or "allocate" in why for why in found.unknown.values())
    assert psutil.Process().memory_info().rss - before < 1 << 29
    assert time.process_time() - began < 20


def node(model: Any, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(model.graph.node[2], name, value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
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


OWN = {"com.evil.Relu": {"domain": "com.evil"}, "Evil": {"op_type": "Evil"}, "a.b.c": {"domain": "a.b", "op_type": "c"}}


@pytest.mark.parametrize("op", OWN)
def test_behind_an_operator_that_nobody_knows_all_is_unknown_and_what_lies_before_it_stands(op: str, tmp_path: Path):
    found = inspect(load(changed(tmp_path, lambda model: node(model, **OWN[op]))), SIZE)
    assert found.cost.macs == 16 * 27 * 8 and found.cost.unknown == {"what follows BatchNormalization_1": 1}
    assert found.unknown["what follows BatchNormalization_1"] == f"{op} is not known here, and onnx tells no shape for what it gives"
    assert [layer.path for layer in found.layers] == ["Conv_0", "BatchNormalization_1"]


BOXES = ["boxes", "batch"]
STANDING_IN: dict[str, tuple[list[str], dict[str, Any], tuple[int, ...]]] = {
    "RoiAlign": (BOXES, {"output_height": 4, "output_width": 3}, (2, 8, 4, 3)),
    "MaxRoiPool": (["five"], {"pooled_shape": [2, 2]}, (3, 8, 2, 2)),
    "Mish": ([], {}, (1, 8, 4, 4)),
    "Unsqueeze": (["axes"], {}, (1, 1, 8, 4, 4)),
}


@pytest.mark.parametrize("op", STANDING_IN)
def test_an_operator_that_onnx_alone_knows_stands_in_by_name(op: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The Gemm behind it becomes a 1x1 convolution on what it gives, so that counts show that the shape is right."""
    monkeypatch.delitem(RULES, op, raising=False)
    inputs, attributes, shape = STANDING_IN[op]

    def put_in(model: Any) -> None:
        constant(model, "boxes", np.ones((2, 4), "float32"))
        constant(model, "batch", np.zeros(2, "int64"))
        constant(model, "five", np.ones((3, 5), "float32"))
        constant(model, "axes", np.array([1], "int64"))
        constant(model, "last", np.ones((5, shape[-1]), "float32"))
        del model.graph.node[3:]
        model.graph.node.append(made_node(op, ["r", *inputs], ["given"], **attributes))
        model.graph.node.append(made_node("Transpose", ["last"], ["turned"], perm=[1, 0]))
        model.graph.node.append(made_node("MatMul", ["given", "turned"], ["y"]))
        model.graph.output[0].type.tensor_type.ClearField("shape")

    found = inspect(load(changed(tmp_path, put_in)), SIZE, InspectionOptions(memory=True))
    assert found.cost.unknown == {op: 1}
    assert found.cost.macs == 16 * 27 * 8 + int(np.prod(shape)) * 5
    assert f"receptive fields behind {op}" in found.unknown
    assert found.memory is not None and found.memory.training is None and op in found.unknown["memory of training"]


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


def constant(model: Any, name: str, array: Any) -> None:
    model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))


def first(model: Any, *nodes: tuple[str, list[str], list[str], dict[str, Any]]) -> None:
    for op, inputs, outputs, attributes in reversed(nodes):
        model.graph.node.insert(0, onnx.helper.make_node(op, inputs, outputs, **attributes))


def products(model: Any) -> None:
    constant(model, "one", np.ones((4096, 1), "int64"))
    constant(model, "two", np.ones((1, 4096), "int64"))
    first(model, *[("Add", ["one", "two"], [f"sum{i}"], {}) for i in range(40)])


def repeated(model: Any) -> None:
    constant(model, "one", np.ones(4096, "int64"))
    first(model, *[("Concat", ["one"] * 1000, [f"long{i}"], {"axis": 0}) for i in range(40)])


def copies(model: Any) -> None:
    constant(model, "one", np.ones(4096, "int64"))
    first(model, *[("Add", ["one", "one"], [f"sum{i}"], {}) for i in range(2000)])


@pytest.mark.parametrize("change", [products, repeated, copies])
def test_results_of_constants_are_kept_within_a_bound(change: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from receptron.analysis.model_import.onnx_graph import bounds, calling
    from receptron.analysis.model_import.onnx_graph import graph as graphs

    kept: list[int] = []
    let_go = bounds.let_go

    def noted(results: Any, room: int) -> Any:
        made, left = let_go(results, room)
        kept.extend(t.numel() for t in made if not t.is_meta)
        return made, left

    monkeypatch.setattr(graphs, "let_go", noted)
    inspect(load(changed(tmp_path, change)), SIZE)
    assert sum(kept) <= bounds.ROOM
    assert max(kept, default=0) <= calling.SMALL


@pytest.mark.parametrize("attributes", [{"num_outputs": 2 * 10**9}, {"num_outputs": 10**5, "axis": 1}, {"num_outputs": 2}])
def test_a_split_into_other_parts_than_it_has_outputs_is_refused(attributes: dict[str, int], tmp_path: Path):
    def split(model: Any) -> None:
        constant(model, "long", np.array([2 * 10**9, 2 * 10**9], "int64"))
        constant(model, "one", np.ones((1, 1), "float32"))
        first(model, ("Expand", ["one", "long"], ["wide"], {}), ("Split", ["wide"], ["part"], attributes))

    with pytest.raises(BadValue, match=r"says that it gives .* parts, and has 1 output"):
        inspect(load(changed(tmp_path, split)), SIZE)


def twins(model: Any, names: tuple[str, ...], shape: tuple[int, ...] = (3, 3, 3, 3)) -> None:
    for name in names:
        constant(model, name, np.ones(shape, "float32"))
    path = ["x", *[f"x{i}" for i in range(len(names))]]
    first(model, *[("Conv", [path[i], name], [path[i + 1]], {"pads": [1] * 4}) for i, name in enumerate(names)])
    model.graph.node[len(names)].input[0] = path[-1]


@pytest.mark.parametrize("names", [("a.w", "a/w"), ("a/w", "a.w", "a/w'"), ("keys", "training"), ("a..w", "a./w", "a//w")])
def test_every_weight_counts_whatever_its_name(names: tuple[str, ...], tmp_path: Path):
    found = cost(load(changed(tmp_path, lambda model: twins(model, names))), SIZE)
    assert found.parameters == 216 + 24 + 45 + 81 * len(names)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32"])
@pytest.mark.parametrize("behind", ["Cast", "DequantizeLinear"])
def test_whole_weights_count(kind: str, behind: str, tmp_path: Path):
    """64 x 3 x 3 x 3 = 1,728 numbers."""

    def quantized(model: Any) -> None:
        constant(model, "q", np.ones((64, 3, 3, 3), kind))
        constant(model, "scale", np.array(0.5, "float32"))
        read, attributes = (["q"], {"to": 1}) if behind == "Cast" else (["q", "scale"], {})
        first(model, (behind, read, ["real"], attributes), ("Conv", ["x", "real"], ["aside"], {}))

    found = cost(load(changed(tmp_path, quantized)), SIZE)
    plain = cost(load(str(onnx_file(tmp_path))), SIZE)
    assert (found.parameters - plain.parameters, found.macs - plain.macs) == (1728, 36 * 1728)


@pytest.mark.parametrize("place", [3, 4])
def test_a_weight_that_also_passes_for_a_statistic_counts(place: int, tmp_path: Path):
    def disguised(model: Any) -> None:
        constant(model, "u", np.ones((3, 3, 3, 3), "float32"))
        first(model, ("Conv", ["x", "u"], ["aside"], {}))
        model.graph.node[2].input[place] = "b"

    found = cost(load(changed(tmp_path, disguised)), SIZE)
    assert found.parameters == 216 + 24 + 45 + 81 + 8, "the eight statistics that nothing reads any more count as well"


def test_settings_of_shapes_are_no_parameters(tmp_path: Path):
    def reckoned(model: Any) -> None:
        constant(model, "at", np.array([0, 1], "int64"))
        constant(model, "least", np.array([-1], "int64"))
        constant(model, "two", np.array([1, 1], "int64"))
        first(
            model, ("Shape", ["x"], ["extents"], {}), ("Gather", ["extents", "at"], ["rows"], {}), ("Mul", ["rows", "two"], ["double"], {}),
            ("Concat", ["double", "least"], ["shape"], {"axis": 0}), ("Reshape", ["x", "shape"], ["rowed"], {}),
        )  # fmt: skip

    assert cost(load(changed(tmp_path, reckoned)), SIZE).parameters == 216 + 24 + 45


def graph(folder: Path, nodes: list[Any], shape: tuple[int, ...], **weights: Any) -> Path:
    """A file of these nodes, from x to y."""
    stated = [onnx.helper.make_tensor_value_info("x", 1, shape)], [onnx.helper.make_tensor_value_info("y", 1, None)]
    kept = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()]
    made = onnx.helper.make_graph(nodes, "g", *stated, kept)
    path = folder / "made.onnx"
    onnx.save(onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def ones(*shape: int) -> Any:
    return np.ones(shape, "float32")


KINDS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "same upper": ([made_node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2])], {"w": ones(4, 3, 4, 4)}),
    "same lower": ([made_node("Conv", ["x", "w"], ["y"], auto_pad="SAME_LOWER", strides=[3, 2])], {"w": ones(4, 3, 5, 2)}),
    "uneven pads": ([made_node("Conv", ["x", "w"], ["y"], pads=[0, 1, 2, 3])], {"w": ones(4, 3, 3, 3)}),
    "transposed, uneven": ([made_node("ConvTranspose", ["x", "w"], ["y"], pads=[0, 1, 1, 2], strides=[2, 2])], {"w": ones(3, 4, 3, 3)}),
    "pool same": ([made_node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")], {}),
    "pool without stride": ([made_node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3])], {}),
    "pool ceil": ([made_node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)], {}),
    "gather rows": ([made_node("Gather", ["x", "i"], ["y"], axis=1)], {"i": np.array([[0, 2], [1, 1]])}),
    "gather one": ([made_node("Gather", ["x", "i"], ["y"], axis=2)], {"i": np.array(3)}),
    "flatten": ([made_node("Flatten", ["x"], ["y"], axis=2)], {}),
    "flatten all": ([made_node("Flatten", ["x"], ["y"], axis=0)], {}),
    "reduce": ([made_node("ReduceMean", ["x", "i"], ["y"], keepdims=0)], {"i": np.array([1, 3])}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_answers_are_those_of_onnx_itself(kind: str, tmp_path: Path):
    nodes, weights = KINDS[kind]
    path = graph(tmp_path, nodes, (1, 3, 9, 10), **weights)
    x = np.random.default_rng(0).normal(size=(1, 3, 9, 10)).astype("float32")
    from onnx.reference import ReferenceEvaluator

    expected = ReferenceEvaluator(onnx.load(path)).run(None, {"x": x})[0]
    made = OnnxGraph.read(path, numbers=True)(torch.from_numpy(x))
    assert made.shape == expected.shape
    np.testing.assert_allclose(made.detach().numpy(), expected, rtol=1e-4, atol=1e-4)
    tape = record(load(str(path)), (3, 9, 10))
    assert tape.values[tape.outputs[0]].shape == expected.shape


def test_a_rule_that_gives_another_shape_than_onnx_infers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = graph(tmp_path, KINDS["same upper"][0], (1, 3, 9, 10), **KINDS["same upper"][1])
    monkeypatch.setitem(RULES, "Conv", lambda x, a: torch.nn.functional.conv2d(x[0], x[1], stride=a["strides"]))
    with pytest.raises(AnalysisFault, match=r"Conv 'y' of .*would give") as caught:
        inspect(load(str(path)), (3, 9, 10))
    assert "1x4x3x4 here, and onnx's own shape inference says 1x4x5x5" in str(caught.value)


def test_every_node_is_a_row_with_its_name(tmp_path: Path):
    nodes = [
        made_node("Conv", ["x", "w"], ["a"], name="/layer1/conv/Conv", pads=[1] * 4),
        made_node("Relu", ["a"], ["b"]),
        made_node("Conv", ["b", "v"], ["c"], name="/layer1/conv/Conv", pads=[1] * 4),
        made_node("Add", ["c", "x"], ["y"], name="forward"),
    ]
    found = inspect(load(str(graph(tmp_path, nodes, (1, 3, 9, 10), w=ones(3, 3, 3, 3), v=ones(3, 3, 3, 3)))), (3, 9, 10))
    rows = {layer.path: (layer.kind, layer.parameters, layer.macs) for layer in found.layers}
    assert rows == {
        "layer1.conv.Conv": ("Conv", 81, 81 * 90),
        "Relu_1": ("Relu", 0, 0),
        "layer1.conv.Conv_": ("Conv", 81, 81 * 90),
        "forward_": ("Add", 0, 0),
    }
    assert found.cost.parameters == 162


def test_a_weight_that_two_nodes_read_counts_once_and_stands_in_both(tmp_path: Path):
    nodes = [made_node("Conv", ["x", "w"], ["a"], pads=[1] * 4, name="one"), made_node("Conv", ["a", "w"], ["y"], pads=[1] * 4, name="two")]
    found = inspect(load(str(graph(tmp_path, nodes, (1, 3, 9, 10), w=ones(3, 3, 3, 3)))), (3, 9, 10))
    assert [layer.parameters for layer in found.layers] == [81, 81] and found.cost.parameters == 81


@pytest.mark.parametrize("name", ["a" * 10**5, "/".join("a" * 100), "..", "//", "_modules", "x\x1b[31m\n", "0"])
def test_odd_names_of_nodes_break_nothing(name: str, tmp_path: Path):
    path = graph(tmp_path, [made_node("Conv", ["x", "w"], ["y"], name=name)], (1, 3, 9, 10), w=ones(3, 3, 3, 3))
    assert inspect(load(str(path)), (3, 9, 10)).cost.parameters == 81


def test_reckoning_with_constants_takes_little_memory(tmp_path: Path):
    """onnx's own shape inference included: what one process takes at most for all three files, in kilobytes."""
    paths: list[str] = []
    for change in (products, repeated, copies):
        (tmp_path / change.__name__).mkdir()
        paths.append(changed(tmp_path / change.__name__, change))
    code = (
        "import resource, sys; from receptron.analysis.inspection import inspect; "
        "from receptron.analysis.model_import.loading import load; "
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; [inspect(load(path), (3, 8, 8)) for path in sys.argv[1:]]; "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 400_000
