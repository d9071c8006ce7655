"""Recording: what goes in and out, what the tape says, and that the network is left as it was."""

import copy
import subprocess
import sys

import pytest
import torch
from reference_nets import torchvision_net
from torch import Tensor, nn

from receptron.analysis.cost import cost
from receptron.analysis.recording import Unrecordable, record, record_training
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


@pytest.mark.parametrize(
    ("name", "batch"),
    [
        ("resnet18", 1),
        *[(name, 3) for name in ("resnet18", "efficientnet_b0", "swin_t", "densenet121", "shufflenet_v2_x1_0", "inception_v3")],
    ],
)
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
    tape = record(Several(), {"image": torch.zeros(1, 3, 4), "extra": {"bias": torch.zeros(1, 3, 4)}, "scale": torch.zeros(1)})
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
