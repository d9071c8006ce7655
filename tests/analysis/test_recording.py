"""Recording: what goes in and out, what the tape says, and that the network is left as it was."""

import copy
import subprocess
import sys

import pytest
import torch
from reference_nets import torchvision_net
from torch import Tensor, nn

from receptron.analysis.cost import cost
from receptron.analysis.recording import Unrecordable, record, record_training, recorder
from receptron.analysis.recording.shape_rules import SHORTCUTS, WRITTEN
from receptron.analysis.recording.tape_builder import empty
from receptron.errors import BadValue, UnknownName


class Changing(nn.Module):
    """Does to itself what networks should not, and some do."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.register_buffer("count", torch.zeros(()))
        self.loose = torch.zeros(2)
        self.seen: list[Tensor] = []
        self.cache: dict[str, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        self.loose += 1
        self.new = x
        self.conv.weight = nn.Parameter(self.conv.weight * 2)
        self.seen.append(x)
        self.cache["last"] = x
        self.conv.register_forward_hook(lambda *_: None)
        return self.norm(self.conv(x))


def snapshot(net: nn.Module) -> dict[str, object]:
    state = {f"{path}.{name}": id(value) for path, module in net.named_modules() for name, value in vars(module).items()}
    state |= {f"{p}.{n}.{k}": id(v) for p, m in net.named_modules() for n in ("_parameters", "_buffers") for k, v in vars(m)[n].items()}
    state |= {f"hooks of {path}": len(module._forward_hooks) for path, module in net.named_modules()}
    return state | {f"mode of {path}": module.training for path, module in net.named_modules()}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("recorder", [record, record_training])
def test_a_network_that_changes_itself_is_put_back(recorder, training: bool):
    net = Changing().train(training)
    before, values = snapshot(net), copy.deepcopy(net.state_dict())
    random = torch.get_rng_state()
    recorder(net, (3, 8, 8))
    assert snapshot(net) == before
    assert all(torch.equal(value, values[name]) for name, value in net.state_dict().items())
    assert net.seen == []
    assert net.cache == {}
    assert net.loose.tolist() == [0, 0]
    assert torch.equal(torch.get_rng_state(), random)
    assert net.conv.weight.grad is None


class Raising(Changing):
    def forward(self, x: Tensor) -> Tensor:
        super().forward(x)
        raise ValueError("no more")


def test_a_network_that_raises_is_put_back_and_told():
    net = Raising()
    before = snapshot(net)
    with pytest.raises(Unrecordable, match="ValueError: no more") as caught:
        record(net, (3, 8, 8))
    assert snapshot(net) == before
    assert [call.op for call in caught.value.tape.calls][-1] == "native_batch_norm"


def test_global_switches_are_put_back():
    torch.backends.mha.set_fastpath_enabled(True)
    with torch.enable_grad():
        record(nn.MultiheadAttention(8, 2), [torch.zeros(3, 1, 8)] * 3)
        assert torch.is_grad_enabled()
    assert torch.backends.mha.get_fastpath_enabled()
    assert torch.backends.cuda.flash_sdp_enabled()


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b0", "swin_t", "densenet121", "shufflenet_v2_x1_0", "inception_v3"])
@pytest.mark.parametrize("batch", [1, 3])
def test_shapes_along_the_way_are_those_of_a_real_pass(name: str, batch: int):
    size = 299 if name == "inception_v3" else 64
    net = torchvision_net(name, device="cpu").eval()
    seen: dict[str, tuple[int, ...]] = {}
    for path, module in net.named_modules():
        module.register_forward_hook(
            lambda m, a, out, path=path: seen.__setitem__(path, tuple(out.shape)) if isinstance(out, Tensor) else None
        )
    tape = record(net, (3, size, size), batch=batch)
    with torch.no_grad():
        net(torch.zeros(batch, 3, size, size))
    assert len(seen) > 20
    for path, shape in seen.items():
        assert tape.values[tape.output_of(path)].shape == shape, path


class Several(nn.Module):
    def forward(self, image: Tensor, extra: dict[str, Tensor], *, scale: Tensor) -> dict[str, object]:
        return {"sum": image + extra["bias"], "pair": (image * scale, [extra["bias"]])}


def test_several_inputs_and_nested_outputs():
    tape = record(Several(), {"image": (3, 4), "extra": {"bias": torch.zeros(1, 3, 4)}, "scale": torch.zeros(1)})
    assert [tape.values[i].shape for i in tape.inputs] == [(1, 3, 4), (1, 3, 4), (1,)]
    assert len(tape.outputs) == 3
    positional = record(nn.Bilinear(3, 4, 5), [(3,), (4,)])
    assert positional.values[positional.outputs[0]].shape == (1, 5)


class Peeking(nn.Module):
    """Looks at numbers of constants that it makes, as networks with masks and tables do."""

    def forward(self, x: Tensor) -> Tensor:
        table = torch.arange(6, device=x.device)
        if (table > 3).any():
            x = x[:, table[table % 2 == 0]]
        mask = torch.zeros(x.shape[1], dtype=torch.bool, device=x.device)
        mask[: int(table.sum() / 15) + 1] = True
        return x[:, mask] * torch.linspace(0, 1, 3).tolist()[1]


def test_a_network_may_look_at_the_numbers_of_its_constants():
    tape = record(Peeking(), (6, 5))
    assert tape.values[tape.outputs[0]].shape == tuple(Peeking()(torch.zeros(1, 6, 5)).shape)


def test_writing_through_a_view_makes_the_whole_depend_on_it():
    class Writing(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            out = torch.zeros_like(x)
            out[:, 1:] = y[:, 1:]
            return out

    tape = record(Writing(), [(4,), (4,)])
    reached = set(tape.inputs[1:])
    for call in tape.calls:
        if reached & set(call.inputs):
            reached |= set(call.outputs)
    assert tape.outputs[0] in reached


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_a_compiled_network_is_looked_into():
    net = torch.compile(nn.Sequential(nn.Linear(4, 5)))
    assert [call.op for call in record(net, (4,)).calls] == ["t", "addmm"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda net: torch.export.export(net, (torch.zeros(1, 3, 8, 8),)).module(),
        torch.jit.script,
        lambda net: torch.jit.trace(net, torch.zeros(1, 3, 8, 8)),
        torch.fx.symbolic_trace,
        nn.DataParallel,
    ],
    ids=["exported", "scripted", "traced", "symbolic", "parallel"],
)
def test_a_network_in_another_form_is_recorded_like_its_module(wrapped):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
    assert cost(wrapped(net), (3, 8, 8)) == cost(net, (3, 8, 8))


def test_a_layer_that_is_not_there_gets_near_names():
    tape = record(torchvision_net("resnet18"), (3, 64, 64))
    with pytest.raises(UnknownName, match=r"layer1\.0\.conv1"):
        tape.output_of("layer1.0.conv")


@pytest.mark.parametrize("inputs", [(), (3, 0, 4), "3x4"])
def test_inputs_that_are_none_are_refused(inputs):
    with pytest.raises(BadValue):
        record(nn.ReLU(), inputs)


class Deciding(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 0 else x


@pytest.mark.parametrize(("net", "mend"), [(Deciding(), "numbers of its activations"), (nn.LazyConv2d(8, 3), "run the network once")])
def test_what_cannot_be_recorded_is_told_with_a_way_on(net: nn.Module, mend: str):
    with pytest.raises(Unrecordable) as caught:
        record(net, (3, 8, 8))
    assert mend in caught.value.mend


FOUR, FEW = torch.zeros(4), torch.zeros(2, 4, 5)
SQUARE = torch.zeros(2, 4, 6, 6)
ACROSS, WIDE = SQUARE.permute(0, 2, 3, 1), SQUARE.contiguous(memory_format=torch.channels_last)
FLAT, SIX = torch.zeros(2, 4, 6, 1), torch.zeros(6)
WINDOW = [1, 1], [0, 0], [1, 1], False, [0, 0]
PAIRS = [(FEW, torch.zeros(2, 1, 5)), (FEW, torch.zeros(5)), (torch.zeros(4, 1), FEW), (ACROSS, ACROSS), (FEW, 2.0)]
CASES = {
    "convolution": [
        (torch.zeros(2, 4, 9, 7), torch.zeros(6, 2, 3, 5), torch.zeros(6), [2, 1], [1, 2], [1, 1], False, [0, 0], 2),
        (torch.zeros(2, 4, 9), torch.zeros(6, 4, 3), None, [1], [0], [4], False, [0], 1),
        (torch.zeros(1, 3, 9, 7, 5), torch.zeros(6, 3, 3, 3, 1), None, [3, 1, 2], [1, 1, 0], [1, 2, 1], False, [0, 0, 0], 1),
    ],
    "native_batch_norm": [
        (SQUARE, *[FOUR] * 4, False, 0.1, 1e-5),
        (WIDE, *[FOUR] * 4, False, 0.1, 1e-5),
        (torch.zeros(2, 4), None, None, FOUR, FOUR, False, 0.1, 1e-5),
    ],
    "native_layer_norm": [(SQUARE, [6], torch.zeros(6), None, 1e-5), (ACROSS, [4], FOUR, FOUR, 1e-5), (FEW, [4, 5], None, None, 1e-5)],
    "native_group_norm": [(SQUARE, FOUR, None, 2, 4, 36, 2, 1e-5)],
    "mm": [(torch.zeros(3, 4), torch.zeros(5, 4).t())],
    "bmm": [(torch.zeros(2, 3, 4), torch.zeros(2, 4, 5))],
    "addmm": [(torch.zeros(5), torch.zeros(3, 4), torch.zeros(5, 4).t())],
    "cat": [([FEW, torch.zeros(2, 1, 5), FEW], 1), ([FEW, FEW],), ([FEW, FEW], -1)],
    "mean": [(torch.zeros(2, 4, 5, 6), [2, -1], True), (FEW, [1])],
    "_softmax": [(FEW, -1, False)],
    "_safe_softmax": [(FEW, -1)],
    "roll": [(FEW, [1, -2], [1, 2])],
    "native_batch_norm_backward": [(SQUARE, SQUARE, *[FOUR] * 5, True, 1e-5, [seen, True, True]) for seen in (True, False)],
    "native_layer_norm_backward": [
        (SQUARE, SQUARE, [6], FLAT, FLAT, torch.zeros(6), torch.zeros(6), [seen, True, True]) for seen in (True, False)
    ],
    "convolution_backward": [
        (torch.zeros(2, 6, 4, 4), SQUARE, torch.zeros(6, 4, 3, 3), [6], *WINDOW, 1, [True, True, True]),
        (torch.zeros(2, 6, 4, 4), SQUARE, torch.zeros(6, 4, 3, 3), None, *WINDOW, 1, [False, True, False]),
        (torch.zeros(2, 6, 8, 8), SQUARE, torch.zeros(4, 6, 3, 3), [6], *WINDOW[:3], True, [0, 0], 1, [True, True, True]),
    ],
    "_softmax_backward_data": [(FEW, FEW, -1, torch.float32)],
    "hardtanh_backward": [(FEW, FEW, -1.0, 1.0)],
    "leaky_relu_backward": [(FEW, FEW, 0.1, False)],
    "threshold_backward": [(FEW, FEW, 0)],
    **{f"{name}_backward": [(FEW, FEW)] for name in ("sigmoid", "silu", "gelu", "hardswish", "hardsigmoid", "tanh")},
    **{name: PAIRS for name in ("add", "sub", "mul", "div")},
    **{name: [(FEW, FEW), (torch.zeros((), dtype=torch.int64), 1)] for name in ("add_", "mul_")},
}


def cases() -> list[object]:
    """Every shortcut with every list of arguments."""
    found = []
    for func in SHORTCUTS:
        name = func._schema.name.split("::")[1]
        several = [(FEW, 2.0), (ACROSS, 2.0)] if func._overloadname == "Scalar" else CASES.get(name, [(FEW,), (ACROSS,)])
        found += [pytest.param(func, arguments, id=f"{func} {i}") for i, arguments in enumerate(several)]
    return found


@pytest.mark.parametrize(("func", "arguments"), cases())
def test_a_shortcut_gives_what_torch_gives(func, arguments):
    arguments = torch.utils._pytree.tree_map(lambda a: a.clone() if isinstance(a, Tensor) else a, arguments)
    meta = torch.utils._pytree.tree_map(lambda a: a.to("meta") if isinstance(a, Tensor) else a, arguments)
    shapes, expected = SHORTCUTS[func](*meta), func(*arguments)
    assert shapes is not None
    if shapes == WRITTEN:
        assert expected is arguments[0]
        return
    for like, real in zip(shapes, [expected] if isinstance(expected, Tensor) else expected, strict=True):
        if like is None:
            assert real is None
            continue
        found = empty(like, torch.float32)
        assert (found.shape, found.stride(), found.dtype) == (real.shape, real.stride(), real.dtype)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "efficientnet_b0", "convnext_tiny", "vit_b_16", "swin_t", "googlenet"])
def test_a_training_step_is_recorded_as_torch_runs_it(name: str, monkeypatch: pytest.MonkeyPatch):
    net = torchvision_net(name, 224)
    tape = record_training(net, (3, 224, 224), batch=2)
    monkeypatch.setattr(recorder, "SHORTCUTS", {})
    record_training(net, (3, 224, 224), batch=2)  # the first use of an operator leaves some of torch's own objects behind
    assert tape == record_training(net, (3, 224, 224), batch=2)


REFUSED = {
    "channels that do not fit": (torch.ops.aten.convolution.default, (SQUARE, torch.zeros(6, 3, 1, 1), None, *WINDOW, 1)),
    "groups that do not fit": (torch.ops.aten.convolution.default, (SQUARE, torch.zeros(5, 2, 1, 1), None, *WINDOW, 2)),
    "a bias that does not fit": (torch.ops.aten.convolution.default, (SQUARE, torch.zeros(6, 4, 1, 1), torch.zeros(5), *WINDOW, 1)),
    "a kernel larger than the image": (torch.ops.aten.convolution.default, (SQUARE, torch.zeros(6, 4, 7, 1), None, *WINDOW, 1)),
    "a norm of other sides": (torch.ops.aten.native_layer_norm.default, (SQUARE, [5], None, None, 1e-5)),
    "a stride of none": (torch.ops.aten.convolution.default, (SQUARE, torch.zeros(6, 4, 1, 1), None, [0, 1], *WINDOW[1:], 1)),
    "padding that cuts": (torch.ops.aten.convolution.default, (SQUARE, torch.zeros(6, 4, 1, 1), None, [1, 1], [-1, 0], *WINDOW[2:], 1)),
    "batches of matrices as one": (torch.ops.aten.mm.default, (FEW, torch.zeros(2, 5, 4))),
    "a list as a matrix": (torch.ops.aten.mm.default, (FOUR, FOUR)),
    "a side that is not there": (torch.ops.aten._softmax.default, (FEW, 3, False)),
    "a mean along no side": (torch.ops.aten.mean.dim, (FEW, [3])),
    "a mean along one side twice": (torch.ops.aten.mean.dim, (FEW, [1, 1])),
    "parts along no side": (torch.ops.aten.cat.default, ([FEW, FEW], 3)),
    "a roll along no side": (torch.ops.aten.roll.default, (FEW, [1], [3])),
    "more shifts than sides": (torch.ops.aten.roll.default, (FEW, [1, 1], [0])),
    "whole numbers as shares": (torch.ops.aten.sigmoid_.default, (torch.zeros(3, dtype=torch.int64),)),
    "matrices that do not fit": (torch.ops.aten.mm.default, (torch.zeros(3, 4), torch.zeros(3, 4))),
    "a bias for another matrix": (torch.ops.aten.addmm.default, (torch.zeros(4), torch.zeros(3, 4), torch.zeros(4, 5))),
    "parts of other sides": (torch.ops.aten.cat.default, ([FEW, torch.zeros(2, 4, 6)], 1)),
    "sides that do not go together": (torch.ops.aten.add.Tensor, (FEW, torch.zeros(2, 3, 5))),
}


@pytest.mark.parametrize(("func", "arguments"), REFUSED.values(), ids=REFUSED)
def test_a_shortcut_leaves_to_torch_what_torch_refuses(func, arguments):
    meta = torch.utils._pytree.tree_map(lambda a: a.to("meta") if isinstance(a, Tensor) else a, arguments)
    assert SHORTCUTS[func](*meta) is None
    with pytest.raises((RuntimeError, ValueError, IndexError)):
        func(*arguments)


@pytest.mark.parametrize("layer", [nn.LazyConv2d(4, 1), nn.LazyBatchNorm2d()], ids=lambda layer: type(layer).__name__)
def test_a_lazy_layer_without_shapes_is_named_with_its_cure(layer: nn.Module):
    with pytest.raises(Unrecordable, match=type(layer).__name__) as caught:
        record(nn.Sequential(nn.Conv2d(3, 4, 3), layer), (3, 8, 8))
    assert "run the network once" in caught.value.mend
    assert [call.op for call in caught.value.tape.calls][:1] == ["convolution"]


def test_a_network_in_the_wanted_mode_is_not_asked_to_change_it():
    class Deaf(nn.Conv2d):
        def train(self, mode: bool = True) -> "Deaf":
            raise AssertionError("asked")

    assert len(record(nn.Sequential(Deaf(3, 4, 3)), (3, 8, 8), train=True).calls) == 1


FIRST = """
from torch import nn
from receptron.analysis.recording import record
net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(5), nn.Flatten(), nn.Linear(150, 10), nn.Tanh())
print(record(net, (1, 28, 28)).storages == record(net, (1, 28, 28)).storages)
"""


def test_the_first_recording_of_a_process_sees_activations_die_as_later_ones_do():
    """An operator's first use imports modules, whose cycles of frames held tensors of ours: memory looked larger than it is."""
    assert subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True).stdout.strip() == "True"
