"""Files with a payload: whoever opens one unsafely makes the file CANARY, or is seen by the watch."""

import io
import json
import os
import pickle
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

MODULE = "canary_that_sings"
"""A module that lies on the path; nothing may import it."""


class Touch:
    """Unpickling it runs a shell."""

    def __init__(self, canary: Path) -> None:
        self.command = f"touch '{canary}'"

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (self.command,)


class Write:
    """Unpickling it opens a file to write."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return open, (str(self.canary), "w")


def pickled(canary: Path) -> bytes:
    """Two payloads and a tensor in one pickle."""
    return pickle.dumps({"state_dict": {"a": torch.zeros(2)}, "x": Touch(canary), "y": Write(canary)})


def saved(canary: Path) -> bytes:
    """The same in torch's zip."""
    file = io.BytesIO()
    torch.save({"state_dict": {"a": torch.zeros(2)}, "x": Touch(canary), "y": Write(canary)}, file)
    return file.getvalue()


def saved_flat(canary: Path) -> bytes:
    """The same in torch's old stream of pickles."""
    file = io.BytesIO()
    torch.save({"a": torch.zeros(2), "x": Touch(canary)}, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def array(canary: Path) -> bytes:
    """NumPy's file of objects."""
    file = io.BytesIO()
    np.save(file, np.array([Touch(canary)], dtype=object), allow_pickle=True)
    return file.getvalue()


def traversing(canary: Path) -> bytes:
    """A zip whose members would land elsewhere."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in (f"../{canary.name}", str(canary), "model/data.pkl"):
            archive.writestr(name, pickled(canary))
    return file.getvalue()


def code(canary: Path) -> bytes:
    """Python."""
    return f"import {MODULE}\nopen({str(canary)!r}, 'w')\n".encode()


def markup(canary: Path) -> bytes:
    """Text that several parsers would run."""
    tags = "!!python/object/apply:os.system ['touch x']\n${jndi:ldap://127.0.0.1:1/x}\n{{ ''.__class__ }}\n"
    return (tags + f"=cmd|' /C touch {canary}'!A0\n__import__('os').system('touch {canary}')\n").encode()


BYTES: dict[str, Callable[[Path], bytes]] = {
    "pickle": pickled, "torch zip": saved, "torch stream": saved_flat, "npy": array, "zip": traversing, "python": code, "text": markup,
}  # fmt: skip


def database(path: Path, canary: Path) -> Path:
    """A practice store whose schema does more than hold rows: a trigger, a view in place of the table, a call of an extension."""
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE hidden (number INTEGER PRIMARY KEY, id TEXT, at TEXT, kind TEXT, body TEXT)")
        base.execute("CREATE VIEW events AS SELECT number, id, at, kind, load_extension('evil') AS body FROM hidden")
        base.execute("CREATE TRIGGER t INSTEAD OF INSERT ON events BEGIN INSERT INTO hidden (id) VALUES (writefile('x', 'y')); END")
        base.execute("INSERT INTO hidden VALUES (1, 'a', '2026-01-01', 'answer', ?)", (pickled(canary),))
    return path


def blobbed(path: Path, canary: Path) -> Path:
    """A practice store whose rows hold pickles."""
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE events (number INTEGER PRIMARY KEY, id TEXT UNIQUE, at TEXT, kind TEXT, body TEXT)")
        base.execute("INSERT INTO events VALUES (1, 'a', '2026-01-01T00:00:00+00:00', 'answer', ?)", (pickled(canary),))
    return path


def parquet(path: Path, canary: Path) -> Path:
    """A table with pickles in its metadata and in a column, as extension types carry them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    evil = pickled(canary)
    note = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": evil}
    fields = [pa.field("file", pa.string()), pa.field("label", pa.string()), pa.field("x", pa.binary(), metadata=note)]
    columns = [pa.array(["bars/000.png"] * 3), pa.array(["=cmd()"] * 3), pa.array([evil] * 3)]
    table = pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata={b"pandas": evil, b"huggingface": evil}))
    pq.write_table(table, path)
    return path


def exported(path: Path, canary: Path) -> list[Path]:
    """Exported programs with a payload in every member in turn, in the graph's texts, and as torch writes objects that it must pickle."""
    plain = path / "plain.pt2"
    torch.export.save(torch.export.export(torch.nn.Conv2d(3, 4, 3).eval(), (torch.zeros(1, 3, 8, 8),)), plain)
    with zipfile.ZipFile(plain) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    made = [_archive(path / f"member-{i}.pt2", {**members, name: saved(canary)}) for i, name in enumerate(members)]
    inside = {name for name in members if "/data/" in name and not name.endswith(".json")}
    made.append(_archive(path / "all.pt2", {name: saved(canary) if name in inside else held for name, held in members.items()}))
    inputs = next(name for name in members if "/sample_inputs/" in name)
    made.append(_archive(path / "inputs.pt2", {**members, inputs: saved(canary)}))
    graph = next(name for name in members if name.endswith("models/model.json"))
    config = next(name for name in members if name.endswith("model_weights_config.json"))
    root = graph.partition("/")[0]
    shell = f"__import__('os').system('touch {canary}')"
    weights = {**json.loads(members[config])}
    for row in weights["config"].values():
        row["use_pickle"] = True
    pickles = {name: saved(canary) for name in members if "weight_" in name}
    made.append(_archive(path / "pickled-weights.pt2", {**members, **pickles, config: json.dumps(weights).encode()}))
    made.append(_archive(path / "library.pt2", {**members, f"{root}/data/aotinductor/model/evil.so": b"\x7fELF"}))
    made.append(_archive(path / "object.pt2", {**members, f"{root}/data/constants/custom_obj_0": saved(canary)}))
    for i, change in enumerate(_changes(shell, canary)):
        model = json.loads(members[graph])
        change(model)
        made.append(_archive(path / f"graph-{i}.pt2", {**members, graph: json.dumps(model).encode()}))
    old = {"version": b"8.20", "serialized_exported_program.json": members[graph]}
    old |= {f"serialized_{part}.pt": saved(canary) for part in ("state_dict", "constants", "example_inputs")}
    return [*made, _archive(path / "old.pt2", old)]


def _changes(shell: str, canary: Path) -> list[Callable[[dict[str, object]], object]]:
    """Texts of the graph that torch's own loader evaluates, compiles or imports by."""

    def node(model: dict[str, object], **fields: object) -> None:
        model["graph_module"]["graph"]["nodes"][0].update(fields)  # type: ignore[index]

    def size(model: dict[str, object]) -> None:
        for value in model["graph_module"]["graph"]["tensor_values"].values():  # type: ignore[index]
            value["sizes"][0] = {"as_expr": {"expr_str": shell, "hint": {"as_int": 1}}}

    def name(model: dict[str, object]) -> None:
        text = json.dumps(model["graph_module"]).replace('"conv2d"', json.dumps(f"x\nimport {MODULE}\n{shell}\n"))
        model["graph_module"] = json.loads(text)

    inputs = [{"name": "filename", "arg": {"as_string": str(canary)}, "kind": 1}, {"name": "shared", "arg": {"as_bool": True}, "kind": 1}]
    inputs.append({"name": "size", "arg": {"as_int": 8}, "kind": 1})
    item = [{"name": "item", "arg": {"as_tensor": {"name": "p_weight"}}, "kind": 1}, {**inputs[0]}]
    return [
        lambda model: node(model, target=f"{MODULE}.sing"),
        lambda model: node(model, target="torch.ops.load_library", inputs=inputs[:1]),
        lambda model: node(model, target="torch.ops.aten.from_file.default", inputs=inputs),
        lambda model: node(model, target="torch.ops.aten.save.default", inputs=item),
        lambda model: node(model, target="torch.hub.load", inputs=inputs[:1]),
        lambda model: node(model, metadata={"nn_module_stack": f"a,b,{MODULE}.Sing;x,{shell},os.system"}),
        lambda model: model.update(guards_code=[shell, f"exec({shell!r})"]),
        lambda model: model.update(range_constraints={shell: {"min_val": 0, "max_val": 1}}),
        size,
        name,
    ]


def _archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def onnx_files(path: Path, canary: Path) -> list[Path]:
    """ONNX models that reach for files beside them, and for operators of others."""
    from onnx import TensorProto, helper

    made: list[Path] = []
    for i, (domain, location) in enumerate([("evil", ""), ("", "weights.bin"), ("", "/etc/passwd"), ("", "../../../../etc/passwd")]):
        weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 3, 3, 3], bytes(432), raw=True)
        if location:
            weight.ClearField("raw_data")
            weight.data_location = TensorProto.EXTERNAL
            weight.external_data.add(key="location", value=location)
        node = helper.make_node("Conv", ["x", "w"], ["y"], domain=domain)
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
        model = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], [weight]))
        model.metadata_props.add(key="custom_op_library", value=str(canary))
        file = path / f"model-{i}.onnx"
        file.write_bytes(model.SerializeToString())
        made.append(file)
    (path / "weights.bin").write_bytes(pickled(canary))
    return made
