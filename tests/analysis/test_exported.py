"""Exported programs: the answers of torch's own loader, nothing of the file run, and every damaged file told in our words."""

import json
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from exported_files import exported, rewritten, with_graph
from torch import nn

from receptron.analysis.cost import cost_of
from receptron.analysis.cost.memory import memory
from receptron.analysis.inspection import inspect
from receptron.analysis.model_import.loading import load
from receptron.analysis.recording import record
from receptron.errors import AnalysisFault, BadValue, ReceptronError
from receptron.zoo import ZOO, build

NETS = ("lenet5_1998", "resnet18", "vit_s_16", "mobilenet_v2_tf", "squeezenet1_1", "unet")


class Odd(nn.Module):
    """Tied weights, a buffer, a constant, a module called twice, gradients switched off, and sizes that are reckoned with."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6)
        self.second.weight = self.first.weight
        self.register_buffer("scale", torch.ones(6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            fixed = self.first(x) * 2
        x = self.first(self.second(x)) + fixed
        x = torch.split(x, x.shape[1] // 2, 1)[0] * self.scale[: x.shape[1] // 2]
        return x.reshape(x.shape[0], -1) + torch.tensor([1.0, 2.0, 3.0]) + torch.arange(3)


def told(net: nn.Module, size: tuple[int, ...]) -> tuple[Any, ...]:
    """Everything that must not depend on who loaded the program."""
    tape, room = record(net, size), memory(net, size)
    calls = [(call.op, tuple(tape.values[n].shape for n in call.outputs)) for call in tape.calls]
    owned = {(p.names, p.shape, p.dtype, p.role, p.trainable) for p in tape.parameters}
    return cost_of(tape), calls, owned, room.inference.bytes, room.training.bytes


MOVING = [*[(name, True) for name in NETS[:3] if name != "vit_s_16"], pytest.param("vit_s_16", True, marks=pytest.mark.campaign)]
"""Programs of any number of images."""


@pytest.mark.filterwarnings("ignore:The given buffer is not writable:UserWarning")  # torch 2.10 says so of its own
@pytest.mark.parametrize(("name", "moving"), [*[(name, False) for name in NETS], *MOVING])
def test_the_answers_are_those_of_torchs_own_loader(name: str, moving: bool, tmp_path: Path):
    row = ZOO[name]
    pixels = max(row.least, min(row.pixels, 96)) if name != "vit_s_16" else row.pixels
    auto = torch.export.Dim.AUTO
    dynamic = ({0: torch.export.Dim("n"), 2: auto, 3: auto},) if moving else None
    path = exported(build(name), tmp_path / "net.pt2", 2 if moving else 1, row.channels, pixels, pixels, dynamic=dynamic)
    size = (row.channels, pixels, pixels)
    assert told(load(str(path)), size) == told(torch.export.load(path).module(), size)


def test_tied_weights_constants_and_switched_gradients_are_those_of_the_network_itself(tmp_path: Path):
    """Torch's own loader gives tied weights twice: it has 84 parameters here."""
    found, itself = (cost_of(record(net, (6,))) for net in (load(str(exported(Odd(), tmp_path / "odd.pt2", 1, 6))), Odd()))
    assert (found.parameters, found.macs, found.weight_bytes) == (itself.parameters, itself.macs, itself.weight_bytes)
    assert (found.parameters, found.macs) == (36 + 12, 3 * 36)


def test_layers_stand_under_the_names_they_had(tmp_path: Path):
    """Torch's loader gives one flat module; the file notes in which module each call was made."""
    net = build("resnet18")
    path = exported(net, tmp_path / "net.pt2", 1, 3, 64, 64)
    ours = {layer.path: (layer.kind, layer.after, layer.macs) for layer in inspect(load(str(path)), (3, 64, 64)).layers}
    theirs = {layer.path: (layer.kind, layer.after, layer.macs) for layer in inspect(net, (3, 64, 64)).layers if layer.macs}
    assert {path: ours[path] for path in theirs} == theirs


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 5))
    auto = torch.export.Dim.AUTO
    return exported(net, tmp_path_factory.mktemp("small") / "net.pt2", 2, 3, 8, 8, dynamic=({0: auto},))


def first_node(model: Any) -> Any:
    return model["graph_module"]["graph"]["nodes"][0]


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.save.default",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.format.default",
        "torch.ops.aten.set_.source_Storage",
        "torch.ops.load_library",
        "torch.os.system",
        "torch.serialization.load",
        "torch.ops.aten.conv2d.default.__class__",
        "torch.ops.aten.__class__.default",
        "_operator.attrgetter",
        "_operator.pow",
        "_operator.lshift",
        "os.system",
        "builtins.eval",
        "math.__loader__.load_module",
        "torch.ops.higher_order.call_torchbind",
        "#extension:evil",
        "torch.ops.custom.evil.default",
        "",
    ],
)
def test_an_operator_that_does_more_than_compute_is_refused_by_its_name(target: str, small: Path, tmp_path: Path):
    path = with_graph(small, tmp_path / "net.pt2", lambda model: first_node(model).update(target=target))
    with pytest.raises(AnalysisFault, match="not known here") as refused:
        load(str(path))
    assert repr(target) in str(refused.value)


@pytest.mark.parametrize(
    "guard",
    [
        "__import__('os').system('true')",
        "L['x'].size()[0] == 10 ** 10 ** 10",
        "L['x'].__class__ == 1",
        "(lambda: 1)() == 1",
        "[x for x in (1,)]",
        "L['x'].size().__len__() == 4",
        "(" * 300 + "1" + ")" * 300,
        "1 ==",
        "-" * 3000 + "1",
    ],
)
def test_a_condition_that_is_more_than_arithmetic_on_sizes_is_refused(guard: str, small: Path, tmp_path: Path):
    path = with_graph(small, tmp_path / "net.pt2", lambda model: model.update(guards_code=[guard]))
    with pytest.raises(AnalysisFault, match="a condition that is not known here"):
        record(load(str(path)), (3, 8, 8))


@pytest.mark.parametrize(("guard", "holds"), [("L['x'].size()[2] // 4 == 2", True), ("not L['x'].size()[2] % 8 == 0", False)])
def test_a_condition_on_sizes_is_kept(guard: str, holds: bool, small: Path, tmp_path: Path):
    name = json.loads(_member(small))["graph_module"]["signature"]["input_specs"][-1]["user_input"]["arg"]["as_tensor"]["name"]
    path = with_graph(small, tmp_path / "net.pt2", lambda model: model.update(guards_code=[guard.replace("'x'", repr(name))]))
    if holds:
        record(load(str(path)), (3, 8, 8))
    else:
        with pytest.raises(AnalysisFault, match="takes no such size"):
            record(load(str(path)), (3, 8, 8))


def test_a_size_that_it_was_not_exported_for_is_refused(small: Path):
    with pytest.raises(AnalysisFault, match=r"takes input of shape .*x3x8x8, got 1x3x9x9"):
        record(load(str(small)), (3, 9, 9))


def _member(path: Path, name: str = "models/model.json") -> bytes:
    found: list[bytes] = []
    rewritten(path, path.with_name("copy.pt2"), lambda members: found.append(members[name]))
    return found[0]


def broken_archives() -> dict[str, Callable[[dict[str, bytes]], object]]:
    model, weights = "models/model.json", "data/weights/model_weights_config.json"
    return {
        "no graph": lambda members: members.pop(model),
        "no list of weights": lambda members: members.pop(weights),
        "a weight missing": lambda members: members.pop("data/weights/weight_0"),
        "a weight cut off": lambda members: members.update({"data/weights/weight_0": b"1234"}),
        "a graph of another kind": lambda members: members.update({model: b"[1, 2]"}),
        "no JSON": lambda members: members.update({model: b"\x80\x04evil"}),
        "deep nesting": lambda members: members.update({model: b"[" * 100_000}),
        "deep inside": lambda members: members.update({model: b'{"graph_module":' * 50_000}),
        "a long number": lambda members: members.update({model: b'{"schema_version":{"major":' + b"9" * 10_000 + b"}}"}),
        "another schema": lambda members: members.update({model: members[model].replace(b'"major": 8', b'"major": 9')}),
        "weights in a list": lambda members: members.update({weights: b'{"config": []}'}),
        "no weights stated": lambda members: members.update({weights: b'{"config": {}}'}),
        "a name from outside": lambda members: members.update({"../../evil": b"x"}),
    }


@pytest.mark.parametrize("case", broken_archives())
def test_a_broken_archive_is_told_as_one(case: str, small: Path, tmp_path: Path):
    path = rewritten(small, tmp_path / "net.pt2", broken_archives()[case])
    with pytest.raises(BadValue, match=r"net\.pt2 (is a damaged|is not an|has a schema)"):
        load(str(path))


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive", b"PK\x05\x06" + bytes(18)], ids=["empty", "two bytes", "text", "empty zip"])
def test_what_is_no_archive_is_told_as_none(content: bytes, tmp_path: Path):
    (tmp_path / "net.pt2").write_bytes(content)
    with pytest.raises(BadValue, match=r"not an exported program|damaged exported program"):
        load(str(tmp_path / "net.pt2"))
    (tmp_path / "folder.pt2").mkdir()
    with pytest.raises(BadValue, match="there is no file"):
        load(str(tmp_path / "folder.pt2"))


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every container of a tree of JSON with each of its keys."""
    found: list[tuple[Any, Any]] = []
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        found += [(tree, key), *places(value)]
    return found


WRONG = (None, True, -1, 0, 3, 2**40, 2**62, 2**80, 1.5, "", "x", "../x", "Infinity", [], {}, [[]], [0], {"as_int": -5}, {"as_name": "x"})


@pytest.mark.parametrize("seed", range(6))
def test_a_changed_graph_gives_numbers_or_an_error_of_ours(seed: int, small: Path, tmp_path: Path):
    """Fifty wrong values in turn, anywhere in the graph: no other exception, and no memory asked for."""
    chance = random.Random(seed)
    refused = 0
    for _ in range(50):

        def change(model: Any) -> None:
            holder, key = chance.choice(places(model["graph_module"]))
            holder[key] = chance.choice(WRONG)

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                inspect(load(str(with_graph(small, tmp_path / "net.pt2", change))), (3, 8, 8))
        except ReceptronError:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize("seed", range(4))
def test_flipped_and_missing_bytes_give_numbers_or_an_error_of_ours(seed: int, small: Path, tmp_path: Path):
    chance = random.Random(seed)
    whole = small.read_bytes()
    for _ in range(50):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 4, 64))):
            content[chance.randrange(len(content))] = chance.randrange(256)
        (tmp_path / "net.pt2").write_bytes(content[: chance.choice((len(content), chance.randrange(len(content))))])
        try:
            inspect(load(str(tmp_path / "net.pt2")), (3, 8, 8))
        except ReceptronError:
            continue


def test_weights_of_any_stated_size_take_no_memory(small: Path, tmp_path: Path):
    def enormous(model: Any) -> None:
        graph = model["graph_module"]["graph"]
        weight = next(name for name in graph["tensor_values"] if name.startswith("p_"))
        graph["tensor_values"][weight]["sizes"] = [{"as_int": 10**6}, {"as_int": 10**6}]

    with pytest.raises(BadValue, match="differ about the shape"):
        load(str(with_graph(small, tmp_path / "net.pt2", enormous)))


def call(target: str, output: dict[str, Any], **inputs: dict[str, Any]) -> dict[str, Any]:
    named = [{"name": name, "arg": value, "kind": 1} for name, value in inputs.items()]
    return {"target": target, "inputs": named, "outputs": [output], "metadata": {}, "is_hop_single_tensor_return": None}


def aten(target: str, name: str, **inputs: dict[str, Any]) -> dict[str, Any]:
    return call(f"torch.ops.aten.{target}", {"as_tensor": {"name": name}}, **inputs)


def size(target: str, name: str, **inputs: dict[str, Any]) -> dict[str, Any]:
    return call(target, {"as_sym_int": {"as_name": name}}, **inputs)


def rows(count: int, name: str = "t") -> dict[str, Any]:
    return aten("empty.memory_format", name, size={"as_ints": [count, 1, 8]}, dtype={"as_scalar_type": 5})


def whole(value: int) -> dict[str, Any]:
    return {"as_int": value}


T, INT64 = {"as_tensor": {"name": "t"}}, {"as_scalar_type": 5}
MILLIARD = 10**9


def with_nodes(small: Path, path: Path, nodes: list[dict[str, Any]]) -> Path:
    return with_graph(small, path, lambda model: model["graph_module"]["graph"]["nodes"].__setitem__(slice(0, 0), nodes))


@pytest.mark.parametrize(
    "nodes",
    [
        [size("_operator.mul", "s", a={"as_string": "x"}, b=whole(10**10))],
        [size("_operator.mul", "s", a={"as_ints": [1]}, b=whole(10**10))],
        [size("_operator.add", "s", a={"as_string": "x"}, b={"as_string": "x"})],
        [size("_operator.mod", "s", a={"as_string": "%10000000000d"}, b=whole(1))],
        [size("math.trunc", "s", a=T)],
        [size("torch.sym_max", "s", a={"as_ints": [1, 2]})],
        [size("_operator.mul", "s0", a=whole(7), b=whole(7))]
        + [
            size("_operator.mul", f"s{i + 1}", a={"as_sym_int": {"as_name": f"s{i}"}}, b={"as_sym_int": {"as_name": f"s{i}"}})
            for i in range(46)
        ],
        [size("_operator.floordiv", "s", a=whole(7), b=whole(0))],
    ],
)
def test_arithmetic_is_on_numbers_and_within_64_bits(nodes: list[dict[str, Any]], small: Path, tmp_path: Path):
    with pytest.raises(AnalysisFault, match="exported program"):
        record(load(str(with_nodes(small, tmp_path / "net.pt2", [rows(2), *nodes]))), (3, 8, 8))


@pytest.mark.parametrize(
    "node",
    [
        call("torch.ops.aten.unbind.int", {"as_tensors": [{"name": "a"}]}, self=T, dim=whole(0)),
        call("torch.ops.aten.unbind.int", {"as_tensors": [{"name": "a"}]}, self=T),
        call("torch.ops.aten.split.Tensor", {"as_tensors": [{"name": "a"}]}, self=T, split_size=whole(1), dim=whole(-3)),
        call("torch.ops.aten.split.sizes", {"as_tensors": [{"name": "a"}]}, self=T, split_size=whole(2)),
        call("torch.ops.aten.chunk.default", {"as_tensors": [{"name": "a"}]}, self=T, chunks=whole(MILLIARD)),
        call("torch.ops.aten.tensor_split.sections", {"as_tensors": [{"name": "a"}]}, self=T, sections=whole(MILLIARD)),
        aten("diff.default", "a", self=T, n=whole(MILLIARD)),
        aten("gru.input", "a", input=T, hx=T, params={"as_tensors": [{"name": "t"}] * 4}),
    ],
)
def test_a_call_that_gives_too_many_parts_is_refused(node: dict[str, Any], small: Path, tmp_path: Path):
    with pytest.raises(AnalysisFault, match="parts one by one"):
        record(load(str(with_nodes(small, tmp_path / "net.pt2", [rows(MILLIARD), node]))), (3, 8, 8))


@pytest.mark.parametrize(
    "node",
    [
        aten("one_hot.default", "a", self=T, num_classes=whole(10**12)),
        aten("arange.start_step", "a", start=whole(0), end=whole(10**13), step=whole(1), dtype=INT64),
        aten("arange.start", "a", start=whole(-(10**13)), end=whole(0)),
        aten("eye.default", "a", n=whole(10**7), dtype=INT64),
        aten("randint.default", "a", high=whole(9), size={"as_ints": [10**13]}, dtype=INT64),
        aten("new_zeros.default", "a", self=T, size={"as_ints": [10**13]}, dtype=INT64),
        aten("repeat.default", "a", self=T, repeats={"as_ints": [10**6, 10**6, 1]}),
    ],
)
def test_no_table_of_a_file_takes_memory(node: dict[str, Any], small: Path, tmp_path: Path):
    """No machine has room for any of them."""
    table = aten("zeros.default", "t", size={"as_ints": [4, 1, 8]}, dtype=INT64)
    record(load(str(with_nodes(small, tmp_path / "net.pt2", [table, node]))), (3, 8, 8))


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.repeat(10**7, 10**6),
        lambda t: t[:, None] + t.new_zeros(10**13),
        lambda t: torch.eye(10**7, dtype=torch.int64, device="meta"),
    ],
)
def test_tables_that_a_network_makes_of_small_ones_are_no_larger_than_memory(make: Any):
    class Tables(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + make(torch.arange(4, device=x.device)).shape[0]

    assert record(Tables(), (3, 8, 8)).calls
