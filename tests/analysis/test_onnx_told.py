"""What an ONNX file leaves unsaid or says wrongly is told in sentences that name the node and what is wrong with it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from receptron.errors import ReceptronError
from receptron.jobs.networks import NetworkRequest, inspect_network

onnx = pytest.importorskip("onnx")
made_node = onnx.helper.make_node
PYTHONS_OWN = re.compile(r"(Key|Index|Type|Value|Attribute|ZeroDivision|Runtime)Error|NoneType|Traceback|zip\(\)|unpack")
SAID = "parameters within folded constants"


def file(folder: Path, nodes: list[Any], weights: dict[str, Any] | None = None, functions: list[Any] | None = None) -> str:
    """A file of these nodes on a 1x3x8x8 input `x`, giving `y`."""
    ends = [onnx.helper.make_tensor_value_info("x", 1, [1, 3, 8, 8])], [onnx.helper.make_tensor_value_info("y", 1, None)]
    kept = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in (weights or {}).items()]
    graph = onnx.helper.make_graph(nodes, "g", *ends, kept)
    sets = [onnx.helper.make_opsetid("", 18), onnx.helper.make_opsetid("own", 1)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=sets, functions=functions or []), folder / "net.onnx")
    return str(folder / "net.onnx")


def refused(path: str) -> str:
    """What is told of a file, as an error or as the reason why a figure is unknown."""
    try:
        found = inspect_network(NetworkRequest(path))
    except ReceptronError as fault:
        return f"{fault.what} {fault.why} {fault.mend}"
    assert found.unknown, found.layers
    return " ".join(found.unknown.values())


def ones(*shape: int) -> Any:
    return np.ones(shape, "float32")


FOLDED = ("val_12", "onnx::Add_34", "const_fold_opt__5", "/block/Constant_7_output_0", "lifted_tensor_0", "_v_77")
READ = {
    "Add": ([made_node("Add", ["x", "C"], ["y"])], (1, 3, 8, 8)),
    "Mul": ([made_node("Mul", ["C", "x"], ["y"])], (3, 1, 1)),
    "Concat": ([made_node("Concat", ["x", "C"], ["y"], axis=1)], (1, 2, 8, 8)),
    "Conv": ([made_node("Conv", ["x", "C"], ["y"])], (4, 3, 3, 3)),
    "MatMul": ([made_node("MatMul", ["x", "C"], ["y"])], (8, 5)),
    "MatMul from the left": ([made_node("MatMul", ["C", "x"], ["y"])], (5, 8)),
    "Conv, turned": ([made_node("Transpose", ["C"], ["w"], perm=[3, 2, 0, 1]), made_node("Conv", ["x", "w"], ["y"])], (3, 3, 3, 4)),
    "Conv, handed on": (
        [made_node("Identity", ["C"], ["v"]), made_node("Cast", ["v"], ["w"], to=1), made_node("Conv", ["x", "w"], ["y"])], (4, 3, 1, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [*FOLDED, "gamma", "stages.0.positions"])
@pytest.mark.parametrize("read", READ)
def test_a_constant_that_an_exporter_worked_out_is_a_weight_where_an_operator_reads_it_as_one(name: str, read: str, tmp_path: Path):
    nodes, shape = READ[read]
    for step in nodes:
        step.input[:] = [name if given in ("C", *FOLDED, "gamma", "stages.0.positions") else given for given in step.input]
    found, numbers = inspect_network(NetworkRequest(file(tmp_path, nodes, {name: ones(*shape)}))), int(np.prod(shape))
    learnt = name not in FOLDED or read not in ("Add", "Mul", "Concat")
    assert found.cost.parameters == (numbers if learnt else 0)
    assert (SAID in found.unknown) is not learnt
    assert learnt or (name in found.unknown[SAID] and f"{numbers:,} numbers" in found.unknown[SAID])


@pytest.mark.parametrize("kind", ["int64", "int32", "bool"])
def test_tables_of_places_are_no_weights(kind: str, tmp_path: Path):
    nodes = [made_node("Cast", ["table"], ["real"], to=1), made_node("Add", ["x", "real"], ["y"])]
    assert inspect_network(NetworkRequest(file(tmp_path, nodes, {"table": np.ones((1, 3, 8, 8), kind)}))).cost.parameters == 0


def test_statistics_of_a_norm_that_was_taken_apart_are_no_weights(tmp_path: Path):
    nodes = [
        made_node("Sub", ["x", "bn.running_mean"], ["a"]), made_node("Sqrt", ["bn.running_var"], ["s"]),
        made_node("Div", ["a", "s"], ["b"]),
        made_node("Mul", ["b", "bn.weight"], ["y"]),
    ]  # fmt: skip
    weights = {f"bn.{name}": ones(3, 1, 1) for name in ("running_mean", "running_var", "weight")}
    found = inspect_network(NetworkRequest(file(tmp_path, nodes, weights)))
    assert found.cost.parameters == 3 and SAID not in found.unknown


MISSING = {
    "kernel_shape": ("MaxPool", ["x"], {"strides": [2, 2]}),
    "to": ("Cast", ["x"], {}),
    "blocksize": ("DepthToSpace", ["x"], {}),
    "axis": ("Concat", ["x", "x"], {}),
    "equation": ("Einsum", ["x", "x"], {}),
}


@pytest.mark.parametrize("attribute", MISSING)
@pytest.mark.parametrize("name", ["stem.part", ""])
def test_a_missing_attribute_is_named_with_its_node(attribute: str, name: str, tmp_path: Path):
    op, inputs, others = MISSING[attribute]
    said = refused(file(tmp_path, [made_node(op, inputs, ["y"], name=name, **others)]))
    assert f"has no attribute '{attribute}'" in said and (name or "a node without a name") in said and op in said
    assert not PYTHONS_OWN.search(said)


WRONG: dict[str, tuple[Any, dict[str, Any]]] = {
    "axis is text": (made_node("Concat", ["x", "x"], ["y"], name="n", axis="1"), {}),
    "axis is a list": (made_node("Softmax", ["x"], ["y"], name="n", axis=[1]), {}),
    "strides are one number": (made_node("MaxPool", ["x"], ["y"], name="n", kernel_shape=[2, 2], strides=2), {}),
    "too few inputs": (made_node("Conv", ["x"], ["y"], name="n"), {}),
    "too many inputs": (made_node("Add", ["x", "x", "x"], ["y"], name="n"), {}),
    "an einsum of other axes": (made_node("Einsum", ["x", "x"], ["y"], name="n", equation="ij,jk->ik"), {}),
    "a transpose of three axes": (made_node("Transpose", ["x"], ["y"], name="n", perm=[0, 2, 1]), {}),
    "a pool of three axes": (made_node("AveragePool", ["x"], ["y"], name="n", kernel_shape=[2, 2, 2]), {}),
    "pads for two axes": (made_node("Pad", ["x", "p"], ["y"], name="n"), {"p": np.array([1, 1, 1, 1])}),
    "scales for three axes": (made_node("Resize", ["x", "", "s"], ["y"], name="n"), {"s": ones(3)}),
    "blocks that do not fit": (made_node("DepthToSpace", ["x"], ["y"], name="n", blocksize=2), {}),
    "a split that does not fit": (made_node("Split", ["x", "s"], ["y"], name="n", axis=1), {"s": np.array([7])}),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_does_not_fit_is_told_without_pythons_own_words(kind: str, tmp_path: Path):
    node, weights = WRONG[kind]
    said = refused(file(tmp_path, [node], weights))
    assert not PYTHONS_OWN.search(said), said
    assert "'n'" in said or node.op_type in said, said


AXES: dict[str, tuple[Any, dict[str, Any]]] = {
    "Resize": (made_node("Resize", ["x", "", "s"], ["y"], axes=[6, 7]), {"s": ones(2) * 2}),
    "Resize, twice": (made_node("Resize", ["x", "", "s"], ["y"], axes=[2, -2]), {"s": ones(2) * 2}),
    "Resize, before the first": (made_node("Resize", ["x", "", "", "n"], ["y"], axes=[-5, 3]), {"n": np.array([4, 4])}),
    "Slice": (made_node("Slice", ["x", "a", "b", "c"], ["y"]), {"a": np.array([1]), "b": np.array([3]), "c": np.array([9])}),
    "Pad": (made_node("Pad", ["x", "p", "", "c"], ["y"]), {"p": np.array([1, 1]), "c": np.array([6])}),
    "Unsqueeze": (made_node("Unsqueeze", ["x", "c"], ["y"]), {"c": np.array([8])}),
    "ReduceSum": (made_node("ReduceSum", ["x", "c"], ["y"]), {"c": np.array([4])}),
    "ReduceProd": (made_node("ReduceProd", ["x", "c"], ["y"]), {"c": np.array([1, 1])}),
    "CumSum": (made_node("CumSum", ["x", "c"], ["y"]), {"c": np.array(5)}),
    "Gather": (made_node("Gather", ["x", "c"], ["y"], axis=4), {"c": np.array([0])}),
    "Gather, place": (made_node("Gather", ["x", "c"], ["y"], axis=2), {"c": np.array([3, 8])}),
    "Gather, one place": (made_node("Gather", ["x", "c"], ["y"], axis=2), {"c": np.array(-9)}),
    "CenterCropPad": (made_node("CenterCropPad", ["x", "c"], ["y"], axes=[7]), {"c": np.array([4])}),
}


@pytest.mark.parametrize("kind", AXES)
def test_an_axis_or_place_that_is_not_there_is_refused(kind: str, tmp_path: Path):
    node, weights = AXES[kind]
    said = refused(file(tmp_path, [node], weights))
    assert re.search(r"ax[ie]s|place|[Dd]imension|out of (range|bounds)", said) and not PYTHONS_OWN.search(said), said


@pytest.mark.parametrize("axes", [[2, 3], [-2, -1], [3, 2]])
def test_axes_that_are_there_are_resized(axes: list[int], tmp_path: Path):
    node = made_node("Resize", ["x", "", "s"], ["y"], axes=axes)
    assert inspect_network(NetworkRequest(file(tmp_path, [node], {"s": ones(2) * 2}))).layers[0].after == (1, 3, 16, 16)


def nested(depth: int, *, closed: bool) -> list[Any]:
    """Functions that call each other one within the next; `closed`: the innermost calls the outermost."""
    last = made_node("f0", ["a"], ["b"], domain="own") if closed else made_node("Relu", ["a"], ["b"])
    calls = [made_node(f"f{i + 1}", ["a"], ["b"], domain="own") for i in range(depth - 1)] + [last]
    sets = [onnx.helper.make_opsetid("", 18), onnx.helper.make_opsetid("own", 1)]
    return [onnx.helper.make_function("own", f"f{i}", ["a"], ["b"], [call], sets) for i, call in enumerate(calls)]


@pytest.mark.parametrize("depth", [1, 2, 50])
def test_functions_that_call_themselves_are_told_so(depth: int, tmp_path: Path):
    path = file(tmp_path, [made_node("f0", ["x"], ["y"], domain="own")], functions=nested(depth, closed=True))
    assert "calls itself" in refused(path)


@pytest.mark.parametrize("depth", [102, 150, 400])
def test_functions_that_lie_too_deep_are_told_so(depth: int, tmp_path: Path):
    path = file(tmp_path, [made_node("f0", ["x"], ["y"], domain="own")], functions=nested(depth, closed=False))
    said = refused(path)
    assert "more than 100 deep" in said and "itself" not in said


def test_functions_within_functions_are_read(tmp_path: Path):
    path = file(tmp_path, [made_node("f0", ["x"], ["y"], domain="own")], functions=nested(60, closed=False))
    assert [layer.kind for layer in inspect_network(NetworkRequest(path)).layers] == ["Relu"]
