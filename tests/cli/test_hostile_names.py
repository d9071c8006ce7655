"""Names that strangers chose, in every place of every command: nothing raw reaches the terminal, and no line of theirs passes for ours."""

import ast
import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cards import card, network, saved
from hostile import NAMES, raw
from receptron.bundle import store
from receptron.cli.app import COMMANDS
from shell import Done, run

SOURCE = Path(__file__).parent.parent.parent / "src/receptron/cli"
ARGUMENTS = [
    shlex.split(command)
    for command in """\
{}
--{}
inspect {} | inspect lenet5 --size {} | inspect lenet5 --field {} | inspect lenet5 --device {}
inspect lenet5 --memory --optimizer {} | inspect lenet5 --budget {} | inspect lenet5 --budget {}<1 | inspect lenet5 --depth {}
inspect lenet5 --html y/{}/z | inspect lenet5 --html {}.html | inspect lenet5 --html x.html --image {} | inspect {}.py
inspect {}.py:{} | inspect {}.onnx | inspect {}.pt2 | inspect {}.pth | inspect {}:{} | inspect net.py:{} | inspect lenet5 --{}
inspect lenet5 {}
compare lenet5 {} | compare lenet5 lenet5 --html {}.html
zoo {} | zoo --year {} | zoo --sort {} | zoo --max-macs {}
calc {} | calc conv {} | calc conv 9 --padding {} | calc conv 9 --notation {} | calc field {} | calc field 'conv 3, {}'
calc norm --kind {}
practice --store p {} | practice --store p --skill {} | practice --store p --template {} | practice answer {} 1
practice answer size.floor {} | practice lessons {} | practice explain {} | practice problems {}
practice --store p plan --interview {} | practice interview {} | practice --store p assess --rate {}
practice --store p assess --rate {}=1 | practice --store p export {}.json | practice --store p import {}.json
practice sheet --html {}.html | practice --store {}/y progress
audit {} | audit {}.csv
train {} | train photos --net {} | train photos --time {} | train photos --weights {} | train photos --weights {}.safetensors
train photos --device {} | train photos --weights-mean {}
predict {} x | predict model {} | predict model {} --device {}
review {} | review model --html {}.html | review model --csv {}.csv
evaluate {} photos | evaluate model {} | evaluate model photos --side {}""".replace("\n", " | ").split(" | ")
]
"""Every place for a text: `{}` stands for the name."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a network and two classes of files that are no images."""
    folder = tmp_path_factory.mktemp("desk")
    saved(folder / "model")
    (folder / "net.py").write_text("from torch import nn\nclass Net(nn.Conv2d):\n    def __init__(self): super().__init__(3, 4, 3)\n")
    for label in ("cat", "dog"):
        (folder / f"photos/{label}").mkdir(parents=True)
        (folder / f"photos/{label}/1.png").write_bytes(b"no image")
    return folder


def is_clean(done: Done) -> bool:
    told = done.out + done.err
    return not raw(told) and "Traceback" not in told


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_no_argument_reaches_the_terminal_raw(arguments: list[str], desk: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(desk)
    for name in NAMES[:: 4 if "--html" in arguments else 1]:  # pages take their time
        done = run(*(argument.replace("{}", name) for argument in arguments))
        assert is_clean(done), (name, done)
        assert done.code in (0, 1, 2)
        assert "\n  Mend: rm" not in done.err, "a line of a name's own would pass for ours"


def test_every_command_takes_part():
    assert {arguments[0] for arguments in ARGUMENTS} >= COMMANDS.keys()


NETWORK = """
import json, sys
from torch import nn
names = json.loads({names!r})
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        for name in names:
            kind = type(name.encode(errors="ignore").decode(), (nn.Conv2d,), {{}})  # a class's name has no lone surrogates
            self.add_module(name.replace(".", "_"), kind(3, 3, 1))
    def forward(self, x):
        for layer in self.children():
            x = layer(x)
        {last}
        return x
"""


@pytest.mark.parametrize("words", [(), ("--json",), ("--html", "net.html")], ids=" ".join)
def test_layers_and_classes_are_shown_with_escapes(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NETWORK.format(names=json.dumps(NAMES), last=""))
    for command in (["inspect"], ["compare", "lenet5"]):
        done = run(*command, "net.py:Block", "--size", "3x32x32", *words)
        assert done.code == 0 and is_clean(done), done.err
        if not words:
            assert "[bold]b35" in done.out and r"\x1b]0;title\x070" in done.out and r"a\nb13" in done.out
            assert "..." not in done.out.split("parameters ")[0], "no name is cut"
        if words == ("--json",) and command == ["inspect"]:
            assert [layer["path"] for layer in json.loads(done.out)["layers"]] == [name.replace(".", "_") for name in NAMES]


@pytest.mark.parametrize("last", ["raise ValueError(''.join(names))", "x = x.view(7)", "raise type(names[0], (Exception,), {})()"])
def test_faults_of_a_network_are_told_with_escapes(last: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NETWORK.format(names=json.dumps(NAMES), last=last))
    done = run("inspect", "net.py:Block", "--size", "3x32x32")
    assert done.code == 1 and is_clean(done), done.err


def test_operators_and_tensors_of_a_foreign_graph_are_shown_with_escapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    onnx = pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    names = [name for name in NAMES if name.encode(errors="ignore").decode() == name]
    for kinds in (names, ["Conv" for _ in names]):  # unknown operators; a known one that lacks its weight
        nodes = [onnx.helper.make_node(kind, [name], [f"{name}'"], name=name) for kind, name in zip(kinds, names, strict=True)]
        ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, 8, 8]) for name in (names[0], f"{names[0]}'")]
        onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, names[1], ends[:1], ends[1:])), "x.onnx")
        done = run("inspect", "x.onnx")
        assert done.code in (1, 2) and is_clean(done), done.err


def test_names_of_files_and_classes_are_shown_with_escapes(desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(NAMES):
        label, file = (name.replace("/", ""), f"{number}.png") if number % 2 else ("rare", f"{name[:200].replace('/', '')}.png")
        place = Path("photos") / label
        place.mkdir(parents=True, exist_ok=True)
        (place / file).write_bytes(b"no image")
    assert is_clean(run("audit", "photos"))
    assert is_clean(run("train", "photos", "--out", "m"))
    assert is_clean(run("evaluate", desk / "model", "photos"))
    done = run("predict", desk / "model", "photos")
    assert done.code == 1 and is_clean(done)
    assert json.loads(run("predict", desk / "model", "photos", "--json").out)["broken"] > 0


def test_labels_of_a_model_are_shown_with_escapes(tmp_path: Path):
    labels = tuple(name.replace("/", "") for name in NAMES if name.isascii() or name.encode(errors="ignore").decode() == name)
    model = store.save(tmp_path / "model", card(classes=labels), network(classes=len(labels)).state_dict(), ())
    photos = [tmp_path / "photos" / label / "1.png" for label in labels[:20]]
    for number, photo in enumerate(photos):
        photo.parent.mkdir(parents=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (28, 28), np.uint8)).save(photo)
    told = run("predict", model, tmp_path / "photos", "--top", str(len(labels)))
    assert told.code == 0 and is_clean(told) and told.out.count("\n") == 1 + len(photos) * len(labels), "a line per label and no more"
    measured = run("evaluate", model, tmp_path / "photos")
    assert measured.code == 0 and is_clean(measured) and r"a\nb13" in measured.out
    assert is_clean(run("audit", tmp_path / "photos")) and is_clean(run("evaluate", model, tmp_path / "photos", "--json"))


def test_only_the_door_prints():
    """No file of the command line but the door and the bars knows rich's console, its text or its markup, and none prints by other ways."""
    doors = {"screen.py", "tables.py", "bars.py", "streams.py"}
    found = [fault for path in sorted(SOURCE.rglob("*.py")) if path.name not in doors for fault in printing(path.read_text())]
    assert sorted(found) == ["_asked", "_line"], "practice asks, with words of its own"


def printing(source: str) -> list[str]:
    """Calls and imports that print past the door, each by the function it is in."""
    found: list[str] = []
    for function in [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]:
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {
                "print",
                "echo",
                "secho",
                "prompt",
                "confirm",
                "out",
                "err",
            }:
                found.append(function.name)
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"sys.stdout.write", "sys.stderr.write", "sys.stdout.buffer.write"}:
                found.append(function.name)
    return found + [
        "import" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rich")
    ]


def test_printing_past_the_door_would_be_found():
    assert printing("def f():\n    screen.out().print(f'[red]{x}')") == ["f", "f"]
    assert printing("from rich.text import Text") == ["import"]
    assert printing("def f():\n    sys.stdout.write(x)") == ["f"]
