"""Peak memory: against tensors counted by hand, and against torch's own tracker on fake tensors."""

import pytest
import torch
from reference_nets import torchvision_net
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.mem_tracker import MemTracker

from receptron.analysis.cost.memory import alive_at, memory, peak
from receptron.analysis.recording import record, record_training
from receptron.errors import UnknownName


def test_the_inference_peak_of_a_chain_is_its_widest_pair_of_tensors():
    net = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.Conv2d(2, 8, 1, bias=False), nn.Conv2d(8, 1, 1, bias=False))
    found = peak(record(net, (1, 10, 10)))
    weights, image = (2 + 16 + 8) * 4, 100 * 4
    assert found.bytes == weights + image + (2 + 8) * 100 * 4 or found.bytes == weights + image + (8 + 1) * 100 * 4
    assert found.bytes == weights + image + 10 * 100 * 4
    assert (found.op, found.path) == ("convolution", "1")


def test_an_in_place_activation_needs_no_room_and_a_kept_branch_does():
    def size(net: nn.Module) -> int:
        return peak(record(net, (4, 8, 8))).bytes

    one = 4 * 64 * 4
    assert size(nn.Sequential(nn.ReLU(), nn.ReLU(inplace=True))) == 2 * one
    assert size(nn.Sequential(nn.ReLU(), nn.ReLU())) == 3 * one

    class Kept(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            kept = x * 2
            return (kept + 1).mul(3) + kept

    assert size(Kept()) == 4 * one


def test_training_keeps_what_the_backward_pass_needs():
    net = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), nn.Sigmoid(), nn.Conv2d(4, 4, 1, bias=False))
    found = memory(net, (4, 8, 8), batch=16, optimizer="sgd")
    one = 16 * 4 * 64 * 4
    assert found.weights == found.gradients == 2 * 16 * 4
    assert found.saved >= one  # the sigmoid's output feeds its own backward and the second convolution's
    assert found.training.bytes >= found.inference.bytes


@pytest.mark.parametrize(("optimizer", "states"), [("sgd", 0), ("momentum", 1), ("adamw", 2)])
def test_optimizer_states_are_counted_and_frozen_parameters_have_none(optimizer: str, states: int):
    net = nn.Sequential(nn.Linear(10, 10), nn.Linear(10, 10))
    net[0].requires_grad_(False)
    found = memory(net, (10,), optimizer=optimizer)
    assert (found.weights, found.gradients, found.states) == (880, 440, 440 * states)


OPTIMIZERS = {"momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), "sgd": lambda p: torch.optim.SGD(p, lr=0.1)}


def tracked(name: str, batch: int, optimizer: str) -> int:
    """Peak of the second training step by torch's MemTracker."""
    with FakeTensorMode():
        net = torchvision_net(name, device="cpu").train()
        x = torch.empty(batch, 3, 128, 128)
        made = OPTIMIZERS[optimizer](net.parameters())
        tracker = MemTracker()
        tracker.track_external(net, made, x)
        with tracker:
            for _ in range(2):
                tracker.reset_mod_stats()
                net(x).mean().backward()
                made.step()
                made.zero_grad()
        return max(kinds["Total"] for kinds in tracker.get_tracker_snapshot("peak").values())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "batch", "optimizer"),
    [
        ("resnet18", 16, "momentum"),
        pytest.param("mobilenet_v2", 8, "sgd", marks=pytest.mark.campaign),
        ("squeezenet1_1", 8, "momentum"),
        ("squeezenet1_1", 8, "sgd"),
    ],
)
def test_the_training_peak_is_within_a_tenth_of_torchs_tracker(name: str, batch: int, optimizer: str):
    ours = memory(torchvision_net(name), (3, 128, 128), batch=batch, optimizer=optimizer).training.bytes
    assert ours == pytest.approx(tracked(name, batch, optimizer), rel=0.1)


def test_a_network_without_parameters_has_a_peak_too():
    found = memory(nn.ReLU(), (3, 8, 8))
    assert found.training.bytes >= found.inference.bytes == 2 * 3 * 64 * 4


def test_an_unknown_optimizer_is_named():
    with pytest.raises(UnknownName, match="adamw"):
        memory(nn.Linear(2, 2), (2,), optimizer="adamv")


def test_training_keeps_no_matrix_of_all_pairs_of_tokens_where_a_fused_kernel_runs():
    net = nn.TransformerEncoderLayer(64, 4, 64, batch_first=True, dropout=0.0)
    original = nn.functional.scaled_dot_product_attention
    short, long = (record_training(net, (tokens, 64)) for tokens in (256, 1024))
    kept = [alive_at(tape, tape.forward_calls) - alive_at(tape, -1) for tape in (short, long)]
    assert kept[1] == pytest.approx(4 * kept[0], rel=0.01), "linear in the tokens, where the written-out form is quadratic"
    assert not any("softmax" in call.op for call in short.calls)
    assert nn.functional.scaled_dot_product_attention is original
