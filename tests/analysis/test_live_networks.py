"""Networks that are in use while they are recorded, or that decide by what lies outside of them: nothing of it may show on either side."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
import torch
from reference_nets import torchvision_net
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from receptron.analysis.cost import cost
from receptron.analysis.recording import record, record_training
from receptron.errors import AnalysisFault

SWITCH = {"on": False}


class Switching(nn.Module):
    """A block whose every second call runs its MLP."""

    def __init__(self, width: int):
        super().__init__()
        self.mix = nn.Linear(width, width)
        self.norm, self.mlp = nn.LayerNorm(width), nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        SWITCH["on"] = not SWITCH["on"]
        x = x + self.mix(self.norm(x))
        return x if SWITCH["on"] else x + self.mlp(x)


def test_equal_blocks_that_do_different_things_are_each_recorded():
    net, x = nn.Sequential(*(Switching(16) for _ in range(8))), torch.zeros(1, 10, 16)
    SWITCH["on"] = False
    with FlopCounterMode(display=False) as counter:
        net(x)
    SWITCH["on"] = False
    assert 2 * cost(net, (10, 16)).macs == counter.get_total_flops() > 0


def test_eight_blocks_of_which_every_second_works_cost_what_torch_counts():
    SWITCH["on"] = False
    assert cost(nn.Sequential(*(Switching(32) for _ in range(8))), (10, 32)).macs == 8 * 10 * 32 * 32 + 4 * 2 * 10 * 32 * 128 == 409_600


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    return torchvision_net("resnet18", device="cpu").eval()


def test_a_network_answers_as_ever_while_it_is_recorded(net: nn.Module):
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = net(x)
    done = Event()

    def recording() -> None:
        while not done.is_set():
            record(net, (3, 64, 64))

    with ThreadPoolExecutor(1) as pool, torch.no_grad():
        busy = pool.submit(recording)
        try:
            answers = [net(x) for _ in range(20)]
        finally:
            done.set()
        busy.result()
    assert all(torch.equal(answer, expected) for answer in answers)


def test_recordings_at_once_leave_torch_as_it_was(net: nn.Module):
    before = vars(nn.Module)["_call_impl"], nn.functional.scaled_dot_product_attention, torch.backends.mha.get_fastpath_enabled()
    start = Barrier(4)

    def recording(_: int) -> object:
        start.wait()
        return [record(net, (3, 64, 64)) for _ in range(5)], record_training(net, (3, 64, 64))

    with ThreadPoolExecutor(4) as pool:
        tapes = list(pool.map(recording, range(4)))
    after = vars(nn.Module)["_call_impl"], nn.functional.scaled_dot_product_attention, torch.backends.mha.get_fastpath_enabled()
    assert before == after
    assert [[call.op for call in tape.calls] for several, _ in tapes for tape in several] == [[c.op for c in tapes[0][0][0].calls]] * 20


@pytest.mark.campaign
def test_a_hundred_threads_record_and_answer_at_once(net: nn.Module):
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = net(x)
    expected_cost = cost(net, (3, 64, 64))
    start = Barrier(100)

    def working(number: int) -> bool:
        start.wait()
        for _ in range(5):
            if number % 2:
                if cost(net, (3, 64, 64)) != expected_cost:
                    return False
            else:
                with torch.no_grad():
                    if not torch.equal(net(x), expected):
                        return False
        return True

    with ThreadPoolExecutor(100) as pool:
        assert all(pool.map(working, range(100)))
    assert not any("_call_impl" in vars(module) for module in net.modules())


def test_a_hundred_small_networks_are_recorded_and_answer_at_once():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 5)).eval()
    x = torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        expected, macs = net(x), cost(net, (3, 8, 8)).macs
    start = Barrier(100)

    def working(number: int) -> bool:
        start.wait()
        if number % 2:
            return cost(net, (3, 8, 8)).macs == macs
        with torch.no_grad():
            return torch.equal(net(x), expected)

    with ThreadPoolExecutor(100) as pool:
        assert all(pool.map(working, range(100)))


def test_a_backward_pass_elsewhere_gets_its_gradients_while_a_training_step_is_recorded(net: nn.Module):
    done = Event()

    def recording() -> None:
        while not done.is_set():
            record_training(net, (3, 64, 64))

    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(recording)
        try:
            for _ in range(3):
                net.zero_grad()
                net(torch.ones(1, 3, 64, 64)).sum().backward()
        finally:
            done.set()
        busy.result()
    assert all(p.grad is not None and p.grad.device.type == "cpu" for p in net.parameters())


def test_a_torch_that_calls_modules_otherwise_is_refused_and_never_counted_as_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("receptron.analysis.recording.module_calls._CALL", "forward_hook_caller", raising=True)
    monkeypatch.setattr(nn.Module, "forward_hook_caller", nn.Module.__call__, raising=False)
    with pytest.raises(AnalysisFault, match="no call of a module was seen"):
        record(nn.Sequential(nn.Conv2d(3, 8, 3)), (3, 8, 8))
