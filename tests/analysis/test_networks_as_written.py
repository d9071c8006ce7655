"""Networks as people write them: built with numbers, imported from beside, fed with lengths and sizes, scripted, or decided by data."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from receptron.analysis.cost import cost
from receptron.analysis.cost.memory import memory
from receptron.analysis.inspection import InspectionOptions, inspect
from receptron.analysis.recording import Unrecordable, record
from receptron.analysis.tape.inputs import parse_input, parse_inputs
from receptron.errors import BadValue
from shell import run

SIZE = (3, 16, 16)


class Doing(nn.Module):
    """Modules and what is done with them."""

    def __init__(self, work: Any, *modules: nn.Module):
        super().__init__()
        self.parts, self.work = nn.ModuleList(modules), work

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.work(*self.parts, *args, **kwargs)


def rates() -> nn.Module:
    drops = [x.item() for x in torch.linspace(0, 0.2, 3)]
    return nn.Sequential(*[nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Dropout(p)) for p in drops])


def widths() -> nn.Module:
    first, second = torch.tensor([4, 8]).tolist()
    return nn.Sequential(nn.Conv2d(3, first, 3), nn.Conv2d(first, second, 3))


def rounded() -> nn.Module:
    return nn.Conv2d(3, int(torch.ceil(torch.tensor(7.2))), 3)


def numpied() -> nn.Module:
    return nn.Conv2d(3, int(torch.arange(9).numpy().max()), 3)


@pytest.mark.parametrize("factory", [rates, widths, rounded, numpied])
def test_factories_that_look_at_numbers_are_built_on_the_processor(factory: Any):
    assert cost(factory, SIZE) == cost(factory(), SIZE)


FILES = {
    "flat/blocks.py": "from torch import nn\ndef conv(): return nn.Conv2d(3, 8, 3)\n",
    "flat/net.py": "import blocks\ndef make(): return blocks.conv()\n",
    "flat/late.py": "from torch import nn\nclass Late(nn.Module):\n    def forward(self, x):\n        import blocks\n        return x\n",
    "pack/__init__.py": "",
    "pack/parts/__init__.py": "",
    "pack/parts/conv.py": "from torch import nn\ndef conv(): return nn.Conv2d(3, 8, 3)\n",
    "pack/parts/net.py": "from .conv import conv\ndef make(): return conv()\n",
    "pack/net.py": "from pack.parts import net\nfrom .parts.conv import conv\ndef make(): return conv()\n",
    "beside.py": "from torch import nn\ndef conv(): return nn.Conv2d(3, 8, 3)\n",
    "elsewhere/net.py": "from beside import conv\ndef make(): return conv()\n",
}


@pytest.mark.parametrize(
    "place", ["flat/net.py:make", "flat/late.py", "pack/parts/net.py:make", "pack/net.py:make", "elsewhere/net.py:make"]
)
def test_a_file_finds_what_lies_beside_it_in_its_package_and_here(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    done = run("inspect", place, "--size", "3x16x16", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["cost"]["parameters"] == (0 if "late" in place else 224)


def resized(conv: nn.Module, x: Tensor, size: Any) -> Tensor:
    return F.interpolate(conv(x), size=size)


def optional(conv: nn.Module, x: Tensor, options: dict[str, Any]) -> Tensor:
    return F.interpolate(conv(x), size=options["size"], mode=options.get("mode", "nearest"))


X = torch.ones(1, *SIZE)
FEEDS: dict[str, tuple[Any, Any]] = {
    "a tuple of numbers beside a tensor": (resized, (X, (4, 4))),
    "a number": (resized, (X, 5)),
    "by name": (resized, {"x": X, "size": (4, 4)}),
    "in a dict inside": (optional, {"x": X, "options": {"size": [4, 4], "mode": "bilinear"}}),
}


@pytest.mark.parametrize("name", FEEDS)
def test_numbers_beside_tensors_stay_numbers(name: str):
    work, given = FEEDS[name]
    net = Doing(work, nn.Conv2d(3, 8, 3))
    out = net(**given) if isinstance(given, dict) else net(*given)
    tape = record(net, given)
    assert tape.values[tape.outputs[0]].shape == out.shape


def test_without_tensors_tuples_of_numbers_are_sizes():
    net = Doing(lambda conv, x, y: conv(x) + conv(y), nn.Conv2d(3, 8, 3))
    assert [record(net, [SIZE, SIZE]).values[n].shape for n in record(net, [SIZE, SIZE]).inputs] == [(1, *SIZE), (1, *SIZE)]


def packed(rnn: nn.Module, x: Tensor, lengths: Tensor) -> Tensor:
    out, _ = rnn(nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
    return nn.utils.rnn.pad_packed_sequence(out, batch_first=True)[0]


def repeated(conv: nn.Module, x: Tensor, times: Tensor) -> Tensor:
    return conv(x).repeat_interleave(int(times.sum()), 0)


def chosen(table: nn.Module, ids: Tensor) -> Tensor:
    return table(ids)[:, : int(ids.max())]


@pytest.mark.parametrize(
    ("net", "given"),
    [
        (Doing(packed, nn.LSTM(4, 8, batch_first=True)), (torch.ones(3, 5, 4), torch.tensor([5, 3, 2]))),
        (Doing(packed, nn.GRU(4, 8, batch_first=True)), (torch.ones(2, 5, 4), torch.tensor([1, 4]))),
        (Doing(repeated, nn.Conv2d(3, 8, 3)), (X, torch.tensor([1, 2]))),
        (Doing(chosen, nn.Embedding(10, 4)), (torch.tensor([[1, 2, 5, 0, 3, 4, 1]]),)),
    ],
)
def test_small_whole_numbers_keep_their_values(net: nn.Module, given: tuple[Any, ...]):
    tape = record(net, given)
    assert tape.values[tape.outputs[0]].shape == net(*given).shape


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("form", [torch.jit.script, lambda net: torch.jit.trace(net, X)])
def test_scripted_and_traced_modules_have_the_training_memory_of_the_module(form: Any):
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 14 * 14, 5))
    theirs, ours = memory(form(net), SIZE, batch=4), memory(net, SIZE, batch=4)
    assert (theirs.weights, theirs.gradients, theirs.states) == (ours.weights, ours.gradients, ours.states)
    assert theirs.training and ours.training and theirs.training.bytes == ours.training.bytes
    assert all(p.device.type == "cpu" for p in net.parameters())


class Boxes(nn.Module):
    """Kept are the boxes whose score says so."""

    def __init__(self, how: str):
        super().__init__()
        self.stem, self.head, self.how = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 5, 1), how

    def forward(self, x: Tensor) -> Tensor:
        rows = self.head(self.stem(x)).flatten(2).transpose(1, 2)[0]
        if self.how == "mask":
            return rows[rows[:, 0] > 0]
        if self.how == "nonzero":
            return rows[rows[:, 0].nonzero()[:, 0]]
        if self.how == "branch":
            return rows if rows.sum() > 0 else rows * 2
        return rows[: int(rows[:, 0].argmax())]


@pytest.mark.parametrize("how", ["mask", "nonzero", "branch", "item"])
def test_what_data_decide_is_recorded_up_to_there_and_the_place_is_told(how: str):
    net, size = Boxes(how), (3, 10, 10)
    found = inspect(net, size, InspectionOptions(batch=4, memory=True, device="h100"))
    assert found.cost.macs == 8 * 27 * 64 + 5 * 8 * 64, "all convolutions ran before"
    (told,) = [figure for figure in found.unknown if figure.startswith("what follows")]
    assert told in found.cost.unknown and "which only data have" in found.unknown[told]
    assert found.memory is None and found.roofline is None and not found.advice
    assert {"memory", "time", "advice"} <= found.unknown.keys(), "nothing that was asked for is left out without a word"
    with pytest.raises(Unrecordable):
        record(net, size)


def test_other_breaks_are_still_errors():
    with pytest.raises(Unrecordable):
        inspect(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(4, 8, 3)), SIZE)


TWO = """
from torch import nn
class Two(nn.Module):
    def __init__(self, width=8, depth=1):
        super().__init__()
        self.convs = nn.Sequential(*[nn.Conv2d(3 if i == 0 else width, width, 3, padding=1) for i in range(depth)])
        self.words = nn.Embedding(10, width)
    def forward(self, x, ids, size=16):
        return nn.functional.interpolate(self.convs(x), size=size) + self.words(ids).sum(1)[:, :, None, None]
made = Two()
"""


def test_several_inputs_types_and_arguments_from_the_command_line(tmp_path: Path):
    (tmp_path / "two.py").write_text(TWO)
    given = ("--input", "x=2x3x20x20", "--input", "ids=int64:2x7", "--input", "size=int:32")
    done = run("inspect", f"{tmp_path}/two.py:Two", *given, "--args", '{"width": 4, "depth": 3}', "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["inputs"] == [[2, 3, 20, 20], [2, 7]]
    assert found["cost"]["macs"] == 2 * 400 * 9 * (3 * 4 + 4 * 4 + 4 * 4)
    by_place = run("inspect", f"{tmp_path}/two.py:Two", "--input", "2x3x20x20", "--input", "int64:2x7", "--args", "[4, 3]", "--json")
    assert json.loads(by_place.out)["cost"]["macs"] == found["cost"]["macs"]
    for wrong in (
        [f"{tmp_path}/two.py:Two", "--input", "x=a"],
        [f"{tmp_path}/two.py:Two", "--input", "x=1x3x8x8", "--input", "1x7"],
        [f"{tmp_path}/two.py:Two", "--input", "x=1x3x8x8", "--input", "x=1x7"],
        [f"{tmp_path}/two.py:Two", "--input", "x=1x3x8x8", "--size", "8"],
        [f"{tmp_path}/two.py:Two", "--args", "{width: 4}"],
        [f"{tmp_path}/two.py:Two", "--args", "7"],
        [f"{tmp_path}/two.py:Two", "--args", '{"wide": 7}'],
        [f"{tmp_path}/two.py:made", "--args", "[4]"],
        ["resnet18", "--args", "[4]"],
    ):
        told = run("inspect", *wrong)
        assert told.code and "Traceback" not in told.err and "Mend" in told.err, wrong


@pytest.mark.parametrize("text", ["", "x=", "x=1x0", "x=float33:1x3", "n=int:a", "flag=bool:perhaps", "x=ints:", "x=1x-3", "x=nn:3"])
def test_what_is_no_input_is_refused(text: str):
    with pytest.raises(BadValue, match="--input"):
        parse_input(text)


def test_inputs_as_they_are_typed():
    assert parse_inputs(["ints:4,4", "bool:true", "float:0.5", "str:mean"]) == [(4, 4), True, 0.5, "mean"]
    name, tensor = parse_input("ids=int32:1x4")
    assert (name, tensor.dtype, tuple(tensor.shape)) == ("ids", torch.int32, (1, 4))
