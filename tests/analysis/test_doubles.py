"""What is recorded is a double: whatever the network does to itself happens to the double; what has no double is refused with its place."""

import random
import threading
import weakref
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.utils import parametrizations, prune

from receptron.analysis.cost import cost
from receptron.analysis.recording import Unrecordable, record, record_training
from receptron.analysis.recording.copying.doubles import doubled
from receptron.analysis.recording.copying.meta_copy import on_meta
from receptron.errors import BadValue, Uncopyable

SIZE = (3, 8, 8)


def fingerprint(net: nn.Module) -> dict[str, object]:
    """What there is in a network, down to the identity of its attributes and the contents of its containers."""
    found: dict[str, object] = {}
    for path, module in net.named_modules():
        for name, value in vars(module).items():
            found[f"{path}.{name}"] = id(value)
            if isinstance(value, dict | list | set | deque):
                found[f"{path}.{name} holds"] = repr(list(map(id, value.values() if isinstance(value, dict) else value)))
            if isinstance(value, Tensor):
                found[f"{path}.{name} is"] = value.detach().clone().tolist()
    return found | {name: (id(t), t.detach().clone().tolist(), t.grad) for name, t in net.state_dict(keep_vars=True).items()}


class Own(nn.Module):
    """A convolution, and whatever a test adds to it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Mutating(Own):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(()))
        self.loose, self.seen, self.last, self.nested = torch.zeros(2), deque(), None, {"deep": [[]]}
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.count += 1
        self.loose += 1
        self.seen.append(x)
        self.nested["deep"][0].append(x)
        self.last = out = self.conv(x)
        self.conv.weight = nn.Parameter(self.conv.weight * 2)
        self.added = nn.ReLU()
        return self.added(out)


class Drawing(Own):
    def forward(self, x: Tensor) -> Tensor:
        torch.rand(3), random.random(), np.random.rand()
        return self.conv(x)


def hooked_by_closure() -> nn.Module:
    net, seen = Own(), []
    net.conv.register_forward_hook(lambda module, args, out: seen.append(out))
    net.seen_elsewhere = seen
    return net


def counting_by_nonlocal() -> nn.Module:
    net, calls = Own(), 0

    def count(module: nn.Module, args: object) -> None:
        nonlocal calls
        calls += 1

    net.register_forward_pre_hook(count)
    net.told = lambda: calls
    return net


def appending() -> nn.Module:
    net = Own()
    net.outputs = []
    net.add = net.outputs.append
    net.register_forward_hook(lambda module, args, out: module.add(out))
    return net


def forward_by_closure() -> nn.Module:
    net = Own()
    net.calls = []

    def forward(x: Tensor) -> Tensor:
        net.calls.append(1)
        return net.conv(x)

    net.forward = forward
    return net


def forward_by_partial() -> nn.Module:
    net = Mutating()
    net.forward = partial(Mutating.forward, net)
    return net


def with_weak_parent() -> nn.Module:
    class Child(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            self.parent().calls += 1
            return x

    net = nn.Sequential(nn.Conv2d(3, 4, 3), Child())
    net.calls, net[1].parent = 0, weakref.ref(net)
    return net


def hooked_by_an_object() -> nn.Module:
    class Watcher:
        def __init__(self, net: nn.Module):
            self.net, self.seen = net, []

        def watch(self, module: nn.Module, args: object, out: Tensor) -> None:
            self.seen.append(out)

    net = Own()
    net.watcher = Watcher(net)
    net.conv.register_forward_hook(net.watcher.watch)
    return net


TOUCHING = {
    "one that changes itself": Mutating,
    "one that draws random numbers": Drawing,
    "a hook with a list of its own": hooked_by_closure,
    "a hook that counts": counting_by_nonlocal,
    "a method of a list": appending,
    "a forward that is a closure": forward_by_closure,
    "a forward that is bound by hand": forward_by_partial,
    "a weak reference to the parent": with_weak_parent,
    "a hook that is a method": hooked_by_an_object,
    "pruned": lambda: prune.l1_unstructured(nn.Conv2d(3, 4, 3), "weight", 0.5),
    "weight norm": lambda: parametrizations.weight_norm(nn.Conv2d(3, 4, 3)),
    "spectral norm": lambda: parametrizations.spectral_norm(nn.Conv2d(3, 4, 3)),
    "batch norm": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)),
}


@pytest.mark.parametrize("recorder", [record, partial(record, train=True), record_training], ids=["eval", "train", "backward"])
@pytest.mark.parametrize("make", TOUCHING.values(), ids=TOUCHING)
def test_a_network_is_not_touched(make: Any, recorder: Any):
    torch.manual_seed(0)
    net, x = make(), torch.randn(1, *SIZE)
    net.eval()
    before = fingerprint(net)
    chance = torch.get_rng_state(), random.getstate(), str(np.random.get_state())
    recorder(net, SIZE)
    assert fingerprint(net) == before
    assert torch.equal(torch.get_rng_state(), chance[0])
    assert (random.getstate(), str(np.random.get_state())) == chance[1:]
    if "told" in vars(net):
        assert net.told() == 0
    with torch.no_grad():
        assert net(x).device.type == "cpu"


def test_a_fingerprint_sees_what_a_real_pass_does():
    net = Mutating()
    before = fingerprint(net)
    net(torch.zeros(1, *SIZE))
    assert fingerprint(net) != before


class Slotted:
    __slots__ = ("lock",)

    def __init__(self):
        self.lock = threading.Lock()


class Point:
    __slots__ = ("places", "weight")

    def __init__(self):
        self.weight, self.places = nn.Parameter(torch.ones(4, 1, 1)), deque([1, 2], maxlen=3)


def test_objects_of_every_make_are_copied_deep():
    class Many(Own):
        def __init__(self):
            super().__init__()
            self.point, self.names = Point(), {"a": {1, 2}, ("b", 1): frozenset([3])}
            self.chance, self.numbers, self.torch = np.random.default_rng(0), np.arange(3), torch
            self.loop = [self.names]
            self.loop.append(self.loop)

    net = Many()
    double = on_meta(net).net
    assert double.point is not net.point
    assert double.point.weight.is_meta
    assert (double.point.places, double.point.places.maxlen) == (deque([1, 2]), 3)
    assert double.names == net.names
    assert double.loop[0] is double.names is not net.names
    assert double.loop[1] is double.loop
    assert double.numbers is not net.numbers
    assert double.chance.random() == np.random.default_rng(0).random() == net.chance.random()
    assert double.torch is torch


@pytest.mark.filterwarnings("ignore")
def test_a_network_without_numbers_is_copied():
    with FakeTensorMode():
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    assert cost(net, SIZE) == cost(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), SIZE)


def test_a_parameter_from_outside_does_not_learn():
    weight = nn.Parameter(torch.ones(4, 3, 3, 3))

    class Outer(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.conv2d(x, weight)

    assert [call.op for call in record(Outer(), SIZE).calls] == ["convolution"]
    with pytest.raises(Unrecordable) as caught:
        record_training(Outer(), SIZE)
    assert "make it a parameter" in caught.value.mend
    assert weight.grad is None


class Stubborn(Own):
    def __deepcopy__(self, memo: dict[int, Any]) -> nn.Module:
        return self


class Raising(Own):
    def __deepcopy__(self, memo: dict[int, Any]) -> nn.Module:
        raise RuntimeError("made once")


def keeping(name: str, value: Any) -> nn.Module:
    net = nn.Sequential(Own(), Own())
    setattr(net[1], name, value)
    return net


def locked_hook() -> nn.Module:
    lock, net = threading.Lock(), nn.Sequential(Own())

    def waiting(module: nn.Module, args: object) -> None:
        with lock:
            pass

    net[0].conv.register_forward_pre_hook(waiting)
    return net


class Wrapped(Tensor):
    """A tensor around another, as quantised and distributed ones are."""

    @staticmethod
    def __new__(cls, inner: Tensor) -> "Wrapped":
        made = Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*[arg.inner if isinstance(arg, Wrapped) else arg for arg in args], **(kwargs or {}))
        return Wrapped(out) if func is torch.ops.aten.detach.default else out


def own_kind() -> nn.Module:
    net = nn.Sequential(Own())
    net[0].conv.weight = nn.Parameter(Wrapped(torch.zeros(4, 3, 3, 3)), requires_grad=False)
    return net


REFUSED = {
    "a lock": (lambda: keeping("lock", threading.Lock()), r"Sequential\.1\.lock"),
    "a lock in a dict in a list": (lambda: keeping("kept", [0, {"a": threading.Lock()}]), r"Sequential\.1\.kept\[1\]\['a'\]"),
    "a lock in an object": (lambda: keeping("kept", Slotted()), r"Sequential\.1\.kept"),
    "a thread": (lambda: keeping("worker", threading.Thread()), r"Sequential\.1\.worker"),
    "a generator": (lambda: keeping("numbers", (i for i in range(3))), r"Sequential\.1\.numbers"),
    "a hook that waits": (locked_hook, r"Sequential\.0\.conv\._forward_pre_hooks\[\d+\] \(variable lock of locked_hook"),
    "one that gives itself": (lambda: nn.Sequential(Own(), Stubborn()), r"Sequential\.1 cannot"),
    "one that refuses": (lambda: nn.Sequential(Own(), Raising()), r"Sequential\.1 cannot"),
    "a tensor of another kind": (own_kind, r"Sequential\.0\.conv\.weight"),
}


@pytest.mark.parametrize(("make", "place"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_copied_is_refused_with_its_place_and_a_way_on(make: Any, place: str):
    net = make()
    before = fingerprint(net)
    with pytest.raises(Uncopyable, match=place) as caught:
        record(net, SIZE)
    assert "record(lambda: Net(), ...)" in caught.value.mend
    assert caught.value.why
    assert fingerprint(net) == before


def test_an_open_file_is_refused_and_a_function_that_opens_it_is_the_way_on(tmp_path: Path):
    log = tmp_path / "log"

    def logging() -> nn.Module:
        net = Own()
        net.log = log.open("w")
        net.register_forward_hook(lambda module, args, out: print(out.shape, file=module.log, flush=True))
        return net

    with pytest.raises(Uncopyable, match=r"Own\.log"), (net := logging()).log:
        record(net, SIZE)
    made: list[nn.Module] = []
    assert cost(lambda: made.append(logging()) or made[0], SIZE).macs == 36 * 4 * 27
    assert log.read_text().strip() == "torch.Size([1, 4, 6, 6])"
    assert {p.device.type for p in made[0].parameters()} == {"meta"}
    made[0].log.close()


@pytest.mark.parametrize(("factory", "told"), [(lambda: 1 / 0, "ZeroDivisionError"), (lambda: 3, "int"), (nn.Conv2d, "in_channels")])
def test_a_function_that_makes_no_network_is_told(factory: Any, told: str):
    with pytest.raises(BadValue) as caught:
        record(factory, SIZE)
    assert told in str(caught.value)


def test_a_class_is_a_function_that_makes_a_network():
    assert record(Own, SIZE) == record(Own(), SIZE)


def tied() -> nn.Module:
    net = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    net[1].weight = net[0].weight
    return net


def test_tied_weights_stay_tied_and_count_once():
    double = on_meta(tied()).net
    assert double[0].weight is double[1].weight
    assert cost(tied(), (8,)).parameters == 8 * 8 + 2 * 8
    untied = tied()
    untied[1].weight = nn.Parameter(untied[1].weight.detach().clone())
    assert cost(untied, (8,)).parameters == 2 * (8 * 8 + 8)


class Lists(nn.Module):
    def __init__(self):
        super().__init__()
        self.several = nn.ParameterList([torch.ones(4), torch.ones(4)])
        self.named = nn.ParameterDict({"a": torch.ones(4)})
        self.loose = [nn.Parameter(torch.ones(4))]
        self.table = torch.tensor([2, 1, 0, 3])
        self.scale = nn.Buffer(torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        for weight in (*self.several, self.named["a"], self.loose[0], self.scale):
            x = x * weight
        return x[:, self.table.tolist()]


def test_kinds_of_tensors_keep_their_kind():
    net = Lists()
    net.several[0].requires_grad_(False)
    double = on_meta(net).net
    assert {t.device.type for t in (*double.parameters(), *double.buffers(), double.loose[0])} == {"meta"}
    assert [type(t) for t in (*double.several, double.loose[0])] == [nn.Parameter] * 3
    assert [p.requires_grad for p in double.parameters()] == [p.requires_grad for p in net.parameters()]
    assert double.table.tolist() == [2, 1, 0, 3]
    assert double.table is not net.table
    tape = record(net, (4,))
    assert tape.values[tape.outputs[0]].shape == (1, 4)
    assert [name for p in tape.parameters for name in p.names] == ["several.0", "several.1", "named.a", "scale"]


def test_a_subclass_of_parameters_stays_one():
    class Scale(nn.Parameter):
        pass

    net = Own()
    net.conv.bias = Scale(torch.zeros(4))
    net.conv.bias.told = ["note"]
    double = on_meta(net).net
    assert type(double.conv.bias) is Scale
    assert double.conv.bias.is_meta
    assert double.conv.bias.told == ["note"]
    assert double.conv.bias.told is not net.conv.bias.told


def test_a_double_takes_no_memory():
    net = nn.Linear(1 << 12, 1 << 12)
    assert all(t.untyped_storage().data_ptr() == 0 for t in on_meta(net).net.parameters())


OUTSIDE = torch.ones(4, 1, 1)


def test_a_tensor_from_outside_is_a_constant_and_is_not_written_to():
    inside = torch.zeros(4, 1, 1)

    class Using(Own):
        def forward(self, x: Tensor) -> Tensor:
            inside.add_(1)
            OUTSIDE.mul_(2)
            return self.conv(x) * OUTSIDE + inside

    tape = record(Using(), SIZE)
    assert sorted(v.shape for v in tape.values if v.role == "constant") == [(4, 1, 1), (4, 1, 1)]
    assert (OUTSIDE.sum(), inside.sum()) == (4, 0)


def test_small_tensors_that_a_network_keeps_change_in_the_double():
    class Counting(Own):
        def __init__(self):
            super().__init__()
            self.steps = torch.zeros((), dtype=torch.int64)

        def forward(self, x: Tensor) -> Tensor:
            self.steps += 1
            x = self.conv(x)
            self.steps += 1
            return x.relu() if self.steps.item() == 2 else x

    net = Counting()
    assert [call.op for call in record(net, SIZE).calls][-1] == "relu"
    assert net.steps.item() == 0


@pytest.mark.parametrize(
    "context", [torch.inference_mode, torch.no_grad, lambda: torch.device("meta")], ids=["inference", "no grad", "meta"]
)
def test_what_the_caller_is_in_makes_no_difference(context: Any):
    net = Own()
    expected = record(net, SIZE), record_training(net, SIZE)
    with context():
        assert (record(net, SIZE), record_training(net, SIZE)) == expected


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("place", ["whole", "inside", "function", "in place"])
def test_what_torch_compiles_is_looked_into(place: str):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    expected = cost(net, SIZE)
    if place == "whole":
        net = torch.compile(net)
    elif place == "inside":
        net = nn.Sequential(torch.compile(net[0]), net[1])
    elif place == "function":
        net[1].forward = torch.compile(torch.relu)
    else:
        net.compile()
    assert cost(net, SIZE) == expected


def test_a_network_that_catches_its_own_errors_goes_on():
    class Trying(nn.Module):
        def __init__(self):
            super().__init__()
            self.wrong, self.right = nn.Conv2d(5, 4, 3), nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            try:
                return self.wrong(x)
            except RuntimeError:
                return self.right(x)

    tape = record(nn.Sequential(Trying(), nn.ReLU()), SIZE)
    assert [scope.path for scope in tape.module_calls if scope.last >= 0 and scope.path] == ["0", "0.right", "1"]
    assert tape.call_of_module("1").parent == tape.call_of_module("0").parent


def test_a_module_that_is_made_while_the_network_runs_counts_for_its_maker():
    class Making(Own):
        def forward(self, x: Tensor) -> Tensor:
            return nn.ReLU()(self.conv(x))

    tape = record(Making(), SIZE)
    assert [(call.op, tape.path(call)) for call in tape.calls] == [("convolution", "conv"), ("relu", "")]


def test_a_double_shares_what_its_rule_gives():
    net = Own()
    double = doubled(net, lambda tensor, owned: tensor)
    assert double.conv is not net.conv
    assert all(a is b for a, b in zip(double.parameters(), net.parameters(), strict=True))
