"""Layers whose call is known are not run: the tape must be the one that running them gives, whatever was done to them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune

from receptron.analysis.cost import cost_of
from receptron.analysis.recording import Unrecordable, layer_rules, module_calls, record
from receptron.analysis.recording.recorder import Recorder
from receptron.analysis.tape import Tape

IMAGE = (4, 9, 8)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the operators that were written down without being run."""
    names: list[str] = []
    ask = Recorder.ask

    def counting(self: Recorder, func: Any, *rest: Any) -> Tensor | None:
        out = ask(self, func, *rest)
        if out is not None:
            names.append(func._schema.name)
        return out

    monkeypatch.setattr(Recorder, "ask", counting)
    return names


def run_all(net: nn.Module, size: tuple[int, ...] = IMAGE) -> Tape:
    """The tape for which every layer ran."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module_calls, "LAYERS", {})
        return record(net, size)


KNOWN: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "convolution": (nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(0, 1), dilation=(1, 2), groups=2), IMAGE),
    "convolution without bias": (nn.Conv2d(4, 6, 1, bias=False), IMAGE),
    "1-D": (nn.Conv1d(4, 6, 3, padding=1), (4, 9)),
    "3-D": (nn.Conv3d(4, 6, 3, stride=2), (4, 9, 8, 7)),
    "norm": (nn.BatchNorm2d(4, momentum=0.3, eps=1e-3), IMAGE),
    "norm without weights": (nn.BatchNorm2d(4, affine=False), IMAGE),
    "norm without momentum": (nn.BatchNorm2d(4, momentum=None), IMAGE),
    "norm of a list": (nn.BatchNorm1d(4), (4, 9)),
    "norm of numbers": (nn.BatchNorm1d(4), (4,)),
    "norm in 3-D": (nn.BatchNorm3d(4), (4, 9, 8, 7)),
    "hardtanh": (nn.Hardtanh(-2.0, 3.0), IMAGE),
    "hardtanh as usual": (nn.Hardtanh(), IMAGE),
    "hardtanh as usual at one end": (nn.Hardtanh(-2.0), IMAGE),
    "hardtanh of whole numbers": (nn.Hardtanh(-1, 1), IMAGE),
    "leaky as usual": (nn.LeakyReLU(), IMAGE),
    "leaky": (nn.LeakyReLU(0.3), IMAGE),
    "leaky in place": (nn.LeakyReLU(0.3, inplace=True), IMAGE),
    "dropout of channels": (nn.Dropout2d(), IMAGE),
    "pool": (nn.AdaptiveAvgPool2d(1), IMAGE),
    "pool to a pair": (nn.AdaptiveAvgPool2d((1, 1)), IMAGE),
    **{kind.__name__: (kind(), IMAGE) for kind in (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Hardswish, nn.Hardsigmoid)},
    **{f"{kind.__name__} in place": (kind(inplace=True), IMAGE) for kind in (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish)},
}


@pytest.mark.parametrize(("layer", "size"), KNOWN.values(), ids=KNOWN)
def test_a_known_layer_gives_the_same_tape_without_being_run(layer: nn.Module, size: tuple[int, ...], asked: list[str]):
    net = nn.Sequential(layer, nn.Tanh(), nn.Identity(), nn.Dropout(), layer if size == IMAGE and isinstance(layer, nn.ReLU) else nn.Tanh())
    whole = run_all(net, size)
    assert asked == []
    assert record(net, size) == whole
    assert len(asked) == len(whole.calls)


def test_every_rule_is_tried_here():
    tried = {type(layer) for layer, _ in KNOWN.values()} | {nn.Identity, nn.Dropout}
    assert tried == set(layer_rules.LAYERS)


class Own(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 1


class Twice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


class Holding(nn.Module):
    """One layer, and something that happens before or while it is called."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)


class Rebuilding(Holding):
    def forward(self, x: Tensor) -> Tensor:
        self.conv.weight = nn.Parameter(self.conv.weight * 2)
        return self.conv(x)


class Writing(Holding):
    def forward(self, x: Tensor) -> Tensor:
        self.conv.weight.mul_(x.mean())
        return self.conv(x)


class Casting(Holding):
    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.conv(x).float()


def with_forward(function: Callable[[Tensor], Tensor]) -> nn.Module:
    layer = nn.ReLU()
    layer.forward = function
    return layer


def with_hook(add: str, hook: Callable[..., Any]) -> nn.Module:
    layer = nn.Conv2d(4, 4, 1)
    getattr(layer, add)(hook)
    return layer


def frozen_mode() -> nn.Module:
    layer = nn.BatchNorm2d(4)
    layer.train = lambda mode=True: layer
    return layer


def pruned() -> nn.Module:
    return prune.l1_unstructured(nn.Conv2d(4, 4, 1), "weight", 0.5)


def parametrized() -> nn.Module:
    layer = nn.Conv2d(4, 4, 1)
    parametrize.register_parametrization(layer, "weight", Twice())
    return layer


def with_settings(**settings: Any) -> nn.Module:
    layer = nn.Conv2d(4, 4, 3)
    vars(layer).update(settings)
    return layer


def channels_last() -> nn.Module:
    class Turning(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.contiguous(memory_format=torch.channels_last)

    return nn.Sequential(Turning(), nn.Conv2d(4, 4, 1))


def missing() -> nn.Module:
    layer = nn.Conv2d(4, 4, 1)
    del layer._parameters["bias"]
    layer.__dict__["bias"] = None
    return layer


SPECIAL: dict[str, Callable[[], nn.Module]] = {
    "padding in words": lambda: nn.Conv2d(4, 4, 3, padding="same"),
    "padding that reflects": lambda: nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
    "a stride that is one number": lambda: with_settings(stride=2),
    "padding in a list": lambda: with_settings(padding=[1, 1]),
    "a class of one's own": lambda: Own(4, 4, 1),
    "a forward of one's own": lambda: with_forward(lambda x: x * 2),
    "a hook that changes the output": lambda: with_hook("register_forward_hook", lambda _, args, out: out * 2),
    "a hook that changes the input": lambda: with_hook("register_forward_pre_hook", lambda _, args: (args[0] * 2,)),
    "a norm that trains": frozen_mode,
    "a norm without statistics": lambda: nn.BatchNorm2d(4, track_running_stats=False),
    "weight norm": lambda: parametrizations.weight_norm(nn.Conv2d(4, 4, 1)),
    "a pruned weight": pruned,
    "a parametrized weight": parametrized,
    "another layout": channels_last,
    "an attribute that is gone": missing,
    "a pool to more pixels": lambda: nn.AdaptiveAvgPool2d(3),
    "another weight meanwhile": Rebuilding,
    "a weight that is written to": Writing,
    "numbers of half the size": Casting,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", SPECIAL.values(), ids=SPECIAL)
def test_a_layer_that_does_something_else_is_run(make: Callable[[], nn.Module], asked: list[str]):
    net = make()
    run_all(net)  # the first use of an operator leaves some of torch's own objects behind
    assert record(net, IMAGE) == run_all(net)
    assert asked == []


def test_a_layer_that_does_not_fit_breaks_where_it_does():
    net = nn.Sequential(nn.Conv2d(4, 6, 1), nn.BatchNorm2d(5))
    with pytest.raises(Unrecordable, match=r"broke off in 1 \(BatchNorm2d\)"):
        record(net, IMAGE)


@pytest.mark.parametrize("settings", [{"stride": (0, 1)}, {"stride": (1.0, 1.0)}], ids=str)
def test_settings_that_torch_refuses_break_there_too(settings: dict[str, Any]):
    record(nn.Conv2d(4, 4, 3), IMAGE)  # the same numbers, but whole
    with pytest.raises(Unrecordable, match=r"Conv2d"):
        record(with_settings(**settings), IMAGE)


def test_a_wrong_rule_gives_another_tape(monkeypatch: pytest.MonkeyPatch):
    net = nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU())
    wrong = {**layer_rules.LAYERS, nn.ReLU: layer_rules.activation("tanh")}
    monkeypatch.setattr(module_calls, "LAYERS", wrong)
    assert record(net, IMAGE) != run_all(net)


def test_somebody_elses_forward_of_a_class_is_run(monkeypatch: pytest.MonkeyPatch, asked: list[str]):
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: x * 2)
    assert [call.op for call in record(nn.ReLU(), IMAGE).calls] == ["mul"]
    assert asked == []


class Reading(nn.Module):
    """Reads its layers' tensors in the ways that networks do."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        device, kind = next(self.parameters()).device, self.conv.weight.dtype
        scale = self.norm.weight / (self.norm.running_var + self.norm.eps).sqrt()
        weight = self.conv.weight * scale.reshape(-1, 1, 1, 1)
        assert {t.device for t in self.state_dict().values()} == {device} == {x.device}
        assert [t is u for t, u in zip(self.conv.parameters(), self.conv._parameters.values(), strict=True)] == [True, True]
        return torch.nn.functional.conv2d(x.to(device, kind), weight, self.conv.bias) + self.norm(self.conv(x))


def test_a_network_finds_stand_ins_wherever_it_looks():
    tape = record(Reading(), IMAGE)
    assert tape == run_all(Reading())
    assert {value.role for value in tape.values} == {"parameter", "buffer", "input", "activation"}
    macs = 9 * 8 * 4 * 4
    assert cost_of(tape).macs == 2 * macs
