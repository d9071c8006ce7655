"""Torch is asked once for what it answers again and again: the tape must be the one for which it was asked every time."""

from typing import Any

import pytest
import torch
from reference_nets import timm_net, torchvision_net
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from receptron import zoo
from receptron.analysis.recording import meta_answers, record, record_training, recorder
from receptron.analysis.recording.meta_answers import Effect, ask, effect_of
from receptron.analysis.recording.shape_rules import RULES, operator
from receptron.analysis.tape import Tape


def asking(take: Any, *arguments: Any, **settings: Any) -> Tape:
    """The tape for which torch answers every call itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "ask", lambda func, effect, args, kwargs: func(*args, **kwargs))
        take(*arguments, **settings)  # the first use of an operator leaves some of torch's own objects behind
        return take(*arguments, **settings)


@pytest.mark.parametrize(
    "name", ["resnet50", "efficientnet_b0", "convnext_tiny", "vit_b_16", "swin_t", "densenet121", "mobilenet_v3_large", "googlenet"]
)
def test_torchvisions_tapes_are_the_same(name: str):
    net = torchvision_net(name, 224)
    assert record(net, (3, 224, 224)) == asking(record, net, (3, 224, 224))


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "convnext_tiny", "vit_b_16", "swin_t"])
def test_a_training_step_is_the_same(name: str):
    net = torchvision_net(name, 224)
    assert record_training(net, (3, 224, 224), batch=2) == asking(record_training, net, (3, 224, 224), batch=2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["levit_128s", "resnetv2_50", "convnextv2_atto", "tiny_vit_5m_224", "hrnet_w18_small", "mixer_s32_224"])
def test_timms_tapes_are_the_same(name: str):
    net = timm_net(name)
    assert record(net, net.default_cfg["input_size"]) == asking(record, net, net.default_cfg["input_size"])


@pytest.mark.campaign
@pytest.mark.parametrize("name", zoo.ZOO)
def test_every_net_of_the_zoo_gives_the_same_tape(name: str):
    with torch.device("meta"):
        net = zoo.build(name)
    size = (zoo.ZOO[name].channels, zoo.ZOO[name].pixels, zoo.ZOO[name].pixels)
    assert record(net, size) == asking(record, net, size)


def test_answers_by_less_would_give_another_tape(monkeypatch: pytest.MonkeyPatch):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Conv2d(4, 8, 1))
    whole = asking(record, net, (3, 16, 16))
    assert record(net, (3, 16, 16)) == whole
    monkeypatch.setattr(meta_answers, "_KNOWN", {})
    monkeypatch.setattr(meta_answers, "_key", lambda value: type(value))
    assert record(net, (3, 16, 16)) != whole


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


WHOLE, ACROSS = meta(3, dtype=torch.int64), meta(2, 3, 4, 5).transpose(1, 3)
LAST = meta(2, 5, 4, 3).to(memory_format=torch.channels_last)
CALLS = {
    "numbers of one value and two types": [("mul.Tensor", (WHOLE, 2)), ("mul.Tensor", (WHOLE, 2.0))],
    "whole numbers and truths": [("add.Tensor", (meta(3, dtype=torch.bool), True)), ("add.Tensor", (meta(3, dtype=torch.bool), 1))],
    "layouts of one shape": [("relu", (x,)) for x in (meta(2, 5, 4, 3), ACROSS, LAST)],
    "types of one shape": [("mm", (meta(3, 3), meta(3, 3))), ("mm", (meta(3, 3, dtype=torch.float64), meta(3, 3, dtype=torch.float64)))],
    "lists": [("cat", ([meta(2, 3), meta(2, 3)], 0)), ("cat", ([meta(2, 3), meta(2, 3)], 1)), ("cat", ([meta(2, 3)] * 3, 1))],
    "outputs that are not wanted": [
        ("native_layer_norm_backward", (meta(2, 4), meta(2, 4), [4], meta(2, 1), meta(2, 1), meta(4), meta(4), [wanted, True, True]))
        for wanted in (True, False)
    ],
    "several outputs": [("max_pool2d_with_indices", (meta(1, 2, 8, 8), [2, 2])), ("max_pool2d_with_indices", (meta(1, 2, 8, 8), [3, 3]))],
    "complex numbers": [("mul.Tensor", (meta(3, dtype=torch.complex64), meta(3, dtype=torch.complex64)))] * 2,
    "in place": [("add_.Tensor", (meta(2, 3), meta(3))), ("relu_", (meta(2, 3),))],
}  # fmt: skip


def told(out: Any) -> Any:
    if isinstance(out, Tensor):
        return out.shape, out.stride(), out.dtype, out.device, out.untyped_storage().nbytes()
    return [told(part) for part in out] if isinstance(out, list | tuple) else out


@pytest.mark.parametrize("calls", CALLS.values(), ids=CALLS)
def test_an_answer_is_torchs_each_time(calls: list[tuple[str, tuple[Any, ...]]]):
    for _ in range(3):
        for name, args in calls:
            func = operator(*name.split("."))
            out = ask(func, effect_of(func), args, {})
            assert told(out) == told(func(*args))
            assert (out is args[0]) == ("_." in name or name.endswith("_"))


def test_answers_follow_the_default_type():
    whole = meta(3, dtype=torch.int64)
    for dtype in (torch.float32, torch.float64, torch.float32):
        torch.set_default_dtype(dtype)
        try:
            assert ask(torch.ops.aten.true_divide.Tensor, Effect.GIVES, (whole, 2), {}).dtype is dtype
        finally:
            torch.set_default_dtype(torch.float32)


def test_answers_are_forgotten_before_they_are_too_many(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(meta_answers, "_KNOWN", {})
    monkeypatch.setattr(meta_answers, "LIMIT", 5)
    for side in range(1, 20):
        assert ask(torch.ops.aten.relu.default, Effect.GIVES, (meta(side),), {}).shape == (side,)
    assert 0 < len(meta_answers._KNOWN) <= 5


def test_each_answer_is_a_tensor_of_its_own():
    x = meta(3)
    several = [ask(torch.ops.aten.relu.default, Effect.GIVES, (x,), {}) for _ in range(3)]
    assert len({t.untyped_storage()._cdata for t in (x, *several)}) == 4


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("relu.default", Effect.GIVES),
        ("relu_.default", Effect.WRITES),
        ("view.default", Effect.OTHER),
        ("transpose_.default", Effect.OTHER),
        ("mv.out", Effect.OTHER),
        ("resize_.default", Effect.OTHER),
    ],
)
def test_what_an_operator_does_follows_from_its_schema(name: str, effect: Effect):
    if name == "resize_.default":
        assert ask(torch.ops.aten.resize_.default, effect_of(torch.ops.aten.resize_.default), (meta(2), [5]), {}).shape == (5,)
    else:
        assert effect_of(operator(*name.split("."))) is effect


STATISTICS = [torch.ones(4)] * 4
NORMS = {
    "eval": (torch.zeros(2, 4, 5, 6), *STATISTICS, False, 0.1, 1e-5),
    "train": (torch.zeros(2, 4, 5, 6), *STATISTICS, True, 0.1, 1e-5),
    "channels last": (torch.zeros(2, 4, 5, 6).to(memory_format=torch.channels_last), *STATISTICS, False, 0.1, 1e-5),
    "without weights": (torch.zeros(2, 4), None, None, *STATISTICS[:2], False, 0.1, 1e-5),
    "three dimensions": (torch.zeros(2, 4, 3, 2, 1), *STATISTICS, False, 0.1, 1e-5),
}


@pytest.mark.parametrize("arguments", NORMS.values(), ids=NORMS)
def test_a_rule_gives_what_torch_gives(arguments: Any):
    func = torch.ops.aten.native_batch_norm.default
    on_meta = [a.to("meta") if isinstance(a, Tensor) else a for a in arguments]
    shapes = [(t.shape, t.stride(), t.dtype) for t in RULES[func](*on_meta)]
    assert shapes == [(t.shape, t.stride(), t.dtype) for t in func(*arguments)]


@pytest.mark.parametrize("x", [meta(2, 5, 3, 3), meta(3), meta(2, 3, 4).transpose(1, 2), meta(2, 4, dtype=torch.float16)], ids=str)
def test_a_rule_leaves_to_torch_what_it_does_not_know(x: Tensor):
    assert RULES[torch.ops.aten.native_batch_norm.default](x, *[meta(4)] * 4, False, 0.1, 1e-5) is None


def test_an_operator_that_torch_lacks_has_no_rule():
    assert operator("no_such_operator") is None
    assert operator("relu", "no_such_overload") is None


class Listing(TorchDispatchMode):
    """The operators that a pass on real tensors runs."""

    def __init__(self):
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "densenet121", "shufflenet_v2_x1_0", "convnext_tiny", "googlenet"])
def test_a_tape_lists_what_runs_on_real_tensors(name: str):
    net, x = torchvision_net(name, 64, device="cpu").eval(), torch.zeros(1, 3, 64, 64)
    with torch.no_grad(), Listing() as seen:
        net(x)
    expected = [n.removesuffix("_") for n in seen.names if n not in ("detach", "empty")]
    assert [call.op for call in record(net, (3, 64, 64)).calls] == expected
