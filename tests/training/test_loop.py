"""The loop: against steps written by hand, resumed bit for bit from every step, ended by signals, stopped by NaN with the images named."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small import SPEC, VARIED, drawn
from torch import Tensor, nn
from torch.nn import functional as F

from receptron.data.stateless_random import order
from receptron.errors import NonFinite
from receptron.training.batches.sources import CanvasSource
from receptron.training.callbacks.signals import StopSignals
from receptron.training.checkpointing.checkpoint import Checkpoints
from receptron.training.hardware.device import Engine, Precision
from receptron.training.loop.hooks import Hooks
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.loop import Phase, fit
from receptron.training.loop.lr_schedule import rate_at
from receptron.training.loop.objective import Supervised
from receptron.training.records import PhaseName

PLAN = Hyperparameters(3, 8, 0.05, layer_decay=0.7, smoothing=0.1, seed=5)
COUNT = 30  # three full batches of 8 and one of 6
PER_EPOCH = 4
PHASE = PhaseName("test")
ENGINE = Engine()


class Net(nn.Module):
    """Stem, stage and head with BatchNorm and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, 2, bias=False), nn.BatchNorm2d(6), nn.ReLU())
        self.stages = nn.Sequential(nn.Sequential(nn.Conv2d(6, 8, 3, 2, bias=False), nn.BatchNorm2d(8), nn.ReLU()))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(8, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stages(self.stem(x)))


MIXED = replace(VARIED, automatic="randaugment", erasing=0.3, mixup=0.4, cutmix=1.0)  # all that draws numbers


def net() -> Net:
    torch.manual_seed(1)
    return Net()


def source() -> CanvasSource:
    canvases, labels = drawn(COUNT)
    return CanvasSource(canvases, [f"{i}.png" for i in range(COUNT)], torch.tensor(labels), SPEC, 3, MIXED, 5, 3)


def wave(*ups: float) -> Callable[[nn.Module], float]:
    """Held-out accuracies that go up and down as told, whatever the network says; the best is not the last."""
    said = iter(ups)
    return lambda _: next(said)


def judged(made: nn.Module) -> float:
    """Best after the second of three epochs."""
    batches = int(made.get_buffer("stem.1.num_batches_tracked"))
    return {1: 0.5, 2: 0.9, 3: 0.7}[batches // PER_EPOCH]


def phase(held_out: Callable[[nn.Module], float] | None = judged, made: nn.Module | None = None) -> Phase:
    return Phase(PHASE, made or net(), source(), PLAN, Supervised(PLAN.smoothing), held_out)


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


class Lost(Exception):
    """A crash."""


@dataclass
class Crash:
    """Progress that crashes after so many steps, before anything can be saved, or tells a watch."""

    after: int
    watch: StopSignals | None = None
    what: str = "crash"

    def start(self, stage: str, total: int, unit: str) -> None:
        self.total = total

    def advance(self, count: int = 1, note: str = "") -> None:
        self.after -= bool(note)
        if self.after == 0 and note:
            self._blow()

    def done(self, note: str = "") -> None:
        pass

    def _blow(self) -> None:
        if self.watch is None:
            raise Lost
        setattr(self.watch, self.what, True)


@pytest.fixture(scope="module")
def straight() -> Phase:
    """Trained without a break."""
    made = phase()
    fit(made, ENGINE, Hooks())
    return made


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_loop_is_what_one_would_write_by_hand(precision: Precision):
    """Three epochs of plain torch: order, rate, groups, clipping, Nesterov; in bfloat16 the network alone, not the loss."""
    ours, theirs, batches = replace(phase(None), plan=replace(PLAN, clip=0.5)), net().to(memory_format=torch.channels_last), source()
    without_chance(ours.net), without_chance(theirs)
    fitted = fit(ours, Engine(precision=precision), Hooks())
    names = dict(theirs.named_parameters())
    far = {name: {"head": 0, "stages": 1, "stem": 2}[name.split(".")[0]] for name in names}
    speeds = {name: torch.zeros_like(p) for name, p in names.items()}
    theirs.train()
    for epoch in range(3):
        total = 0.0
        for step in range(PER_EPOCH):
            rows = order(COUNT, 5, epoch)[8 * step : 8 * step + 8]
            inputs, targets = batches.batch(rows, epoch)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                said = theirs(inputs)
            assert str(said.dtype) == f"torch.{precision}"
            losses = F.cross_entropy(said.float(), targets, label_smoothing=0.1, reduction="none")
            gradients = dict(zip(names, torch.autograd.grad(losses.mean(), list(names.values())), strict=True))
            norm = torch.cat([g.flatten() for g in gradients.values()]).norm()
            rate, total = 0.05 * rate_at(PER_EPOCH * epoch + step, 12, 0.1), total + float(losses.detach().sum())
            for name, p in names.items():
                g = gradients[name] * min(1, 0.5 / float(norm)) + (1e-4 * p.detach() if p.dim() > 1 else 0)
                speeds[name] = 0.9 * speeds[name] + g
                p.data -= rate * 0.7 ** far[name] * (g + 0.9 * speeds[name])
        assert fitted.points[epoch].loss == pytest.approx(total / COUNT, rel=1e-4)
        assert fitted.points[epoch].rate == pytest.approx(rate)
    for name, tensor in ours.net.state_dict().items():
        assert torch.allclose(tensor, theirs.state_dict()[name], atol=2e-5), name
        assert tensor.dtype in (torch.float32, torch.int64), name


def test_bfloat16_trains_to_other_weights_than_float32(straight: Phase):
    """The mutated twin: a format that is not applied would be noticed."""
    rounded = phase()
    fit(rounded, Engine(precision="bfloat16"), Hooks())
    assert not same(rounded.net, straight.net)
    assert all(torch.allclose(a, b, atol=0.1) for a, b in zip(rounded.net.parameters(), straight.net.parameters(), strict=True))


def without_chance(made: nn.Module) -> None:
    made.get_submodule("head.2").p = 0.0


def test_training_twice_gives_the_same_weights(straight: Phase):
    again = phase()
    torch.manual_seed(77)
    fit(again, ENGINE, Hooks())
    assert same(again.net, straight.net)


@pytest.mark.parametrize("change", [{"seed": 6}, {"rate": 0.051}, {"smoothing": 0.11}])
def test_another_seed_or_rate_gives_other_weights(straight: Phase, change: dict[str, float]):
    plan = replace(PLAN, **change)
    other = replace(phase(), plan=plan, objective=Supervised(plan.smoothing))
    fit(other, ENGINE, Hooks())
    assert not same(other.net, straight.net)


@pytest.mark.parametrize("after", range(1, 3 * PER_EPOCH + 1))
@pytest.mark.parametrize("kind", ["crash", "terminate"])
def test_a_resumed_run_ends_bit_for_bit_as_one_that_never_stopped(tmp_path: Path, straight: Phase, kind: str, after: int):
    """Broken off at every step of every epoch; a crash loses the step, a SIGTERM saves it. The second sitting has a fresh network."""
    watch = StopSignals() if kind == "terminate" else None
    first = Hooks(Checkpoints(tmp_path), 0.0 if kind == "crash" else 1e9, watch or StopSignals(), Crash(after, watch, kind))
    with pytest.raises(Lost if kind == "crash" else SystemExit) as caught:
        fit(phase(), ENGINE, first)
    if kind == "terminate":
        assert caught.value.code == 143
    second = phase()
    if (kind, after) != ("crash", 1):  # the one break that leaves nothing behind
        second.net.load_state_dict({name: torch.full_like(tensor, 3) for name, tensor in second.net.state_dict().items()})
    fitted = fit(second, ENGINE, Hooks(Checkpoints(tmp_path), 0.0))
    assert same(second.net, straight.net)
    assert [point.epoch for point in fitted.points] == [0, 1, 2]
    assert all(point.rate > 0 for point in fitted.points)


def test_a_run_broken_off_many_times_ends_the_same(tmp_path: Path, straight: Phase):
    for _ in range(3 * PER_EPOCH - 1):
        with pytest.raises(Lost):
            fit(phase(), ENGINE, Hooks(Checkpoints(tmp_path), 0.0, progress=Crash(2)))
    last = phase()
    fit(last, ENGINE, Hooks(Checkpoints(tmp_path), 0.0))
    assert same(last.net, straight.net)


@pytest.mark.parametrize("forgotten", ["optimiser", "step", "best"])
def test_a_checkpoint_that_forgot_something_would_be_noticed(
    tmp_path: Path, straight: Phase, monkeypatch: pytest.MonkeyPatch, forgotten: str
):
    """The mutated twin: resumed without the momentum, one step too early, or without the best weights, the end differs."""
    from receptron.training.checkpointing import training_state

    with pytest.raises(Lost):
        fit(phase(), ENGINE, Hooks(Checkpoints(tmp_path), 0.0, progress=Crash(11 if forgotten == "best" else 7)))
    restore = training_state.Keeper.restore

    def amnesiac(keeper: training_state.Keeper) -> training_state.Position:
        at = restore(keeper)
        if forgotten == "optimiser":
            keeper.optimiser.state.clear()
        if forgotten == "best":
            keeper.best, at = {}, replace(at, best=2.0)
        return replace(at, step=at.step - 1) if forgotten == "step" else at

    monkeypatch.setattr(training_state.Keeper, "restore", amnesiac)
    second = phase()
    fit(second, ENGINE, Hooks(Checkpoints(tmp_path), 1e9))
    assert not same(second.net, straight.net)


def test_a_finished_phase_is_not_trained_again(tmp_path: Path, straight: Phase):
    fit(phase(), ENGINE, Hooks(Checkpoints(tmp_path)))
    again = replace(phase(), source=Untouched())
    assert len(fit(again, ENGINE, Hooks(Checkpoints(tmp_path))).points) == 3
    assert same(again.net, straight.net)


class Untouched:
    """A source that nobody may ask for a batch."""

    names = [f"{i}.png" for i in range(COUNT)]

    def batch(self, rows: np.ndarray, epoch: int) -> tuple[Tensor, Tensor]:
        raise AssertionError("a finished phase asked for a batch")


def test_the_best_weights_are_kept_and_of_equals_the_later(tmp_path: Path):
    states: list[dict[str, Tensor]] = []

    def watched(*ups: float) -> Callable[[nn.Module], float]:
        said = wave(*ups)

        def accuracy(made: nn.Module) -> float:
            states.append({k: v.clone() for k, v in made.state_dict().items()})
            return said(made)

        return accuracy

    for ups, best in (((0.5, 0.9, 0.7), 1), ((0.9, 0.9, 0.7), 1), ((0.1, 0.2, 0.3), 2), ((0.0, 0.0, 0.0), 2)):
        states.clear()
        made = phase(watched(*ups))
        fitted = fit(made, ENGINE, Hooks())
        assert fitted.best == max(ups)
        assert all(torch.equal(states[best][k], v) for k, v in made.net.state_dict().items())


def test_without_held_out_images_the_last_weights_stay_and_no_accuracy_is_claimed():
    fitted = fit(phase(None), ENGINE, Hooks())
    assert fitted.best is None and all(point.accuracy is None for point in fitted.points)


def test_a_ctrl_c_ends_the_phase_with_the_best_weights(tmp_path: Path):
    watch, logged = StopSignals(), []
    made = phase(wave(0.9, 0.2))
    fitted = fit(made, ENGINE, Hooks(Checkpoints(tmp_path), 1e9, watch, Crash(PER_EPOCH + 2, watch, "stop"), logged.append))
    assert fitted.interrupted and fitted.best == 0.9 and len(fitted.points) == len(logged) == 2
    one_epoch, twin = phase(wave(0.9, 0.2)), StopSignals()
    fit(one_epoch, ENGINE, Hooks(None, 1e9, twin, Crash(PER_EPOCH, twin, "stop")))
    assert same(made.net, one_epoch.net)


def test_every_epoch_is_logged_once_with_its_figures():
    logged = []
    fitted = fit(phase(), ENGINE, Hooks(log=logged.append))
    assert tuple(logged) == fitted.points and [p.epoch for p in logged] == [0, 1, 2]
    assert all(p.images_per_second > 0 and p.phase == PHASE for p in logged)


# What goes wrong, and what must be named. Each stops within the step that makes it, saves nothing of it, and is never the best.


class Spoilt:
    """A source whose image 7 turns bad in one epoch."""

    def __init__(self, value: float, epoch: int = 1) -> None:
        self.inner, self.value, self.epoch = source(), value, epoch
        self.names = self.inner.names

    def batch(self, rows: np.ndarray, epoch: int) -> tuple[Tensor, Tensor]:
        inputs, targets = self.inner.batch(rows, epoch)
        if epoch == self.epoch:
            inputs[torch.from_numpy(rows == 7)] = self.value
        return inputs, targets


def step_of(image: int, epoch: int) -> int:
    """Number of the step, from 1, in which an image is seen."""
    return epoch * PER_EPOCH + int(np.flatnonzero(order(COUNT, 5, epoch) == image)[0]) // 8 + 1


def stopped(made: Phase, folder: Path) -> NonFinite:
    """Train until it stops; nothing that was saved may be less than finite."""
    with pytest.raises(NonFinite) as caught:
        fit(made, ENGINE, Hooks(Checkpoints(folder), 0.0))
    left = Checkpoints(folder).newest()
    groups = left.tensors.values() if left else []
    assert all(torch.isfinite(t).all() for group in groups for t in group.values())
    return caught.value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_bad_pixel_is_caught_in_its_step_and_its_batch_named(tmp_path: Path, value: float):
    error = stopped(replace(phase(), source=Spoilt(value)), tmp_path)
    assert f"at step {step_of(7, 1)}." in error.what and "7.png" in error.why
    found = Checkpoints(tmp_path).newest()
    assert found is not None and found.step == step_of(7, 1) - 1
    assert found.step == step_of(7, 1) - 1 and "--precision float32" in error.mend


class Blown:
    """An objective that goes bad at one call: in one image's loss, or only in the gradient."""

    def __init__(self, at: int, how: str) -> None:
        self.calls, self.at, self.how = 0, at, how

    def __call__(self, made: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        losses, self.calls = Supervised()(made, inputs, targets), self.calls + 1
        if self.calls != self.at:
            return losses
        if self.how == "loss":
            return losses + torch.where(torch.arange(len(losses)) == 2, torch.inf, 0.0)
        return Steep.apply(losses)  # type: ignore[no-any-return]


class Steep(torch.autograd.Function):
    """The same numbers, with an infinite slope."""

    @staticmethod
    def forward(ctx: object, losses: Tensor) -> Tensor:
        return losses.clone()

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        return grad * torch.inf


def test_the_very_images_whose_loss_is_bad_are_named(tmp_path: Path):
    error = stopped(replace(phase(), objective=Blown(6, "loss")), tmp_path)
    rows = order(COUNT, 5, 1)[8:16]
    assert error.what == f"{PHASE}: the loss is NaN or infinite at step 6." and error.why == f"images in it: {rows[2]}.png"


def test_a_bad_gradient_names_its_batch_and_changes_no_weight(tmp_path: Path):
    made = replace(phase(None), objective=Blown(6, "gradient"))
    error = stopped(made, tmp_path)
    assert error.what == f"{PHASE}: the gradient is NaN or infinite at step 6." and error.why.count(".png") == 8
    assert all(torch.isfinite(p).all() for p in made.net.state_dict().values())
    found = Checkpoints(tmp_path).newest()
    assert found is not None and found.step == 5


class Overflowing(nn.Module):
    """A network with a BatchNorm whose variance overflows at the sixth step while the loss stays finite."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.extra, self.calls = inner, nn.BatchNorm1d(1), 0

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.calls += 1
            if self.calls == 6:
                self.extra.running_var.fill_(torch.inf)
        return self.inner(x)


def test_a_bad_running_statistic_names_layer_and_batch(tmp_path: Path):
    error = stopped(phase(None, Overflowing(net())), tmp_path)
    assert error.what == f"{PHASE}: the statistic extra.running_var is NaN or infinite at step 6." and error.why.count(".png") == 8


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_bad_metric_never_becomes_the_best(tmp_path: Path, value: float):
    made = phase(wave(0.5, value, 0.6))
    error = stopped(made, tmp_path)
    assert "accuracy" in error.what and "after epoch 2" in error.what
    found = Checkpoints(tmp_path).newest()
    assert found is not None and found.step == 2 * PER_EPOCH and b'"best": 0.5' in found.state
