"""Schedules, averaged weights, early stopping and balanced visits in the loop: against torch, and resumed bit for bit from each step."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from test_loop import COUNT, ENGINE, PER_EPOCH, PHASE, Crash, Lost, net, same, source
from torch import nn
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel

from receptron.training.checkpointing.checkpoint import Checkpoints
from receptron.training.loop.early_stopping import has_stalled
from receptron.training.loop.hooks import Hooks
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.loop import Phase, fit
from receptron.training.loop.lr_schedule import pace
from receptron.training.loop.objective import Supervised
from receptron.training.loop.optimiser import make_optimiser, set_rate
from receptron.training.loop.visits import balanced
from receptron.training.loop.weight_average import WeightAverage

PLAN = Hyperparameters(4, 8, 0.05, layer_decay=0.7, smoothing=0.1, seed=5)
PLANS = {
    "one-cycle": replace(PLAN, schedule="one-cycle", warmup=0.3),
    "one-cycle adamw": replace(PLAN, schedule="one-cycle", warmup=0.3, optimiser="adamw", rate=1e-3),
    "constant": replace(PLAN, schedule="constant"),
    "ema": replace(PLAN, ema=0.9),
    "ema one-cycle": replace(PLAN, ema=0.99, schedule="one-cycle", warmup=0.3),
    "patience": replace(PLAN, epochs=9, patience=2),
    "patience ema": replace(PLAN, epochs=9, patience=1, ema=0.9),
    "balanced": PLAN,
}
IMBALANCED = torch.tensor([0] * 20 + [1] * 7 + [2] * 3)


@dataclass(frozen=True)
class Rising:
    """Held-out accuracies by the number of batches that the network itself saw: up, down, up a little, down."""

    said: tuple[float, ...] = (0.5, 0.9, 0.7, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2)

    def __call__(self, made: nn.Module) -> float:
        return self.said[int(made.get_buffer("stem.1.num_batches_tracked")) // PER_EPOCH - 1]


def phase(name: str, made: nn.Module | None = None) -> Phase:
    visits = balanced(IMBALANCED, PLAN.seed) if name == "balanced" else None
    return Phase(PHASE, made or net(), source(), PLANS[name], Supervised(PLAN.smoothing), Rising(), visits)


@pytest.fixture(scope="module", params=list(PLANS))
def straight(request: pytest.FixtureRequest) -> tuple[str, Phase, int]:
    """Trained without a break: how it is called, the phase, its epochs."""
    made = phase(request.param)
    return request.param, made, len(fit(made, ENGINE, Hooks()).points)


def test_a_resumed_phase_ends_bit_for_bit_whatever_it_carries(straight: tuple[str, Phase, int], tmp_path: Path):
    name, whole, epochs = straight
    for after in range(1, epochs * PER_EPOCH + 1, 3):
        folder = tmp_path / str(after)
        with pytest.raises(Lost):
            fit(phase(name), ENGINE, Hooks(Checkpoints(folder), 0.0, progress=Crash(after)))
        second = phase(name)
        if after > 1:
            second.net.load_state_dict({key: torch.full_like(tensor, 3) for key, tensor in second.net.state_dict().items()})
        fitted = fit(second, ENGINE, Hooks(Checkpoints(folder), 0.0))
        assert same(second.net, whole.net), after
        assert len(fitted.points) == epochs


def test_each_option_trains_to_other_weights(straight: tuple[str, Phase, int]):
    """The mutated twin: an option that is not applied would be noticed; patience alone ends sooner with the same best weights."""
    name, whole, epochs = straight
    plain = replace(phase(name), plan=replace(PLAN, epochs=PLANS[name].epochs), visits=None)
    fitted = fit(plain, ENGINE, Hooks())
    assert same(plain.net, whole.net) == (name == "patience")
    assert (len(fitted.points) > epochs) == name.startswith("patience")


def test_a_checkpoint_that_forgot_the_average_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = phase("ema")
    fit(whole, ENGINE, Hooks())
    with pytest.raises(Lost):
        fit(phase("ema"), ENGINE, Hooks(Checkpoints(tmp_path), 0.0, progress=Crash(5)))
    monkeypatch.setattr(WeightAverage, "restore", lambda self, state: None)
    second = phase("ema")
    fit(second, ENGINE, Hooks(Checkpoints(tmp_path), 1e9))
    assert not same(second.net, whole.net)


# Schedules.


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
@pytest.mark.parametrize(("steps", "rise"), [(10, 0.3), (200, 0.25), (37, 0.5), (12, 0.1)])
def test_one_cycle_is_that_of_torch_with_its_momentum(optimiser: str, steps: int, rise: float):
    plan = Hyperparameters(1, 8, 0.2, schedule="one-cycle", warmup=rise, optimiser=optimiser)  # pyright: ignore[reportArgumentType]
    weight = [nn.Parameter(torch.zeros(1))]
    theirs = SGD(weight, 0.2, momentum=0.9) if optimiser == "sgd" else AdamW(weight, 0.2)
    cycle, ours = OneCycleLR(theirs, 0.2, total_steps=steps, pct_start=rise), make_optimiser(net(), plan)
    for step in range(steps):
        now = pace(plan, step, steps)
        set_rate(ours, now.rate, now.momentum)
        group, other = ours.param_groups[0], theirs.param_groups[0]
        assert group["lr"] == pytest.approx(other["lr"], rel=1e-9), step
        momenta = [one["momentum"] if optimiser == "sgd" else one["betas"][0] for one in (group, other)]
        assert momenta[0] == pytest.approx(momenta[1]), step
        theirs.step()
        if step + 1 < steps:
            cycle.step()


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle", "constant"])
@pytest.mark.parametrize("steps", [1, 2, 3, 7])
@pytest.mark.parametrize("warmup", [0.0, 0.3, 0.9])
def test_no_schedule_is_ever_zero_or_above_its_highest(schedule: str, steps: int, warmup: float):
    plan = Hyperparameters(1, 8, 0.2, schedule=schedule, warmup=warmup)  # pyright: ignore[reportArgumentType]
    assert all(0 < pace(plan, step, steps).rate <= 0.2 for step in range(steps))


def test_a_constant_rate_rises_and_then_stays():
    plan = Hyperparameters(1, 8, 0.2, schedule="constant", warmup=0.2)
    assert [round(pace(plan, step, 10).rate, 3) for step in range(10)] == [0.1, *[0.2] * 9]


# Averages.


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_the_average_is_that_of_torch_with_a_decay_that_rises(decay: float):
    made = net()
    ours = WeightAverage(made, decay)

    def blend(average: torch.Tensor, now: torch.Tensor, seen: torch.Tensor | int) -> torch.Tensor:
        return average + (1 - min(decay, (1 + int(seen)) / (10 + int(seen)))) * (now - average)

    theirs = AveragedModel(made, avg_fn=blend, use_buffers=True)
    torch.manual_seed(0)
    for step in range(30):
        made(torch.randn(4, 3, 20, 20)).sum().backward()
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(torch.randn_like(parameter))
        ours.update(step)
        theirs.update_parameters(made)
    for name, tensor in theirs.module.state_dict().items():
        if tensor.is_floating_point():
            assert torch.allclose(ours.state[name], tensor, atol=1e-5), name
    assert not torch.allclose(ours.state["stem.0.weight"], made.state_dict()["stem.0.weight"])


def test_the_average_is_judged_and_the_weights_go_on_as_they_were():
    judged = list[torch.Tensor]()
    weight = "head.3.weight"

    def held_out(made: nn.Module) -> float:
        judged.append(made.state_dict()[weight].clone())
        return 0.5

    averaged = replace(phase("ema"), held_out=held_out)
    fit(averaged, ENGINE, Hooks())
    plain = replace(phase("ema"), plan=PLAN, held_out=held_out)
    fit(plain, ENGINE, Hooks())
    assert torch.equal(judged[3], averaged.net.state_dict()[weight])
    assert all(not torch.equal(one, other) for one, other in zip(judged[:4], judged[4:], strict=True))
    replayed, decay = None, PLANS["ema"].ema  # the plain weights of each step, averaged by hand
    again = phase("ema")
    seen = list[torch.Tensor]()

    class Watched(Crash):
        def advance(self, count: int = 1, note: str = "") -> None:
            if note:
                seen.append(again.net.state_dict()[weight].clone())

    again = replace(again, plan=PLAN, held_out=None)
    fit(again, ENGINE, Hooks(progress=Watched(10**9)))
    for step, now in enumerate(seen):
        replayed = now if replayed is None else replayed.lerp(now, 1 - min(decay, (1 + step) / (10 + step)))
    assert replayed is not None and torch.allclose(replayed, averaged.net.state_dict()[weight], atol=1e-6)


# Early stopping.


@pytest.mark.parametrize(
    ("accuracies", "patience", "stops"),
    [
        ([0.5, 0.7, 0.6], 1, True),
        ([0.5, 0.7, 0.6], 2, False),
        ([0.5, 0.7, 0.7, 0.7], 2, True),
        ([0.5, 0.5], 1, True),
        ([0.5], 1, False),
        ([0.9, 0.1, 0.2, 0.3, 0.91], 4, False),
        ([0.9, 0.1, 0.2, 0.3, 0.4], 4, True),
        ([None, None, None], 1, False),
        ([0.9, 0.1, 0.1], 0, False),
    ],
)
def test_a_phase_ends_after_so_many_epochs_without_a_better_one(accuracies: list[float | None], patience: int, stops: bool):
    assert has_stalled(accuracies, patience) == stops


def test_an_early_stop_keeps_the_best_weights_and_is_no_lack_of_time():
    made, full = phase("patience"), replace(phase("patience"), plan=replace(PLAN, epochs=9), held_out=None)
    states = list[dict[str, torch.Tensor]]()

    def watched(current: nn.Module) -> float:
        states.append({key: value.clone() for key, value in current.state_dict().items()})
        return Rising()(current)

    fitted = fit(replace(made, held_out=watched), ENGINE, Hooks())
    assert len(fitted.points) == 4 and fitted.stalled and not fitted.out_of_time and fitted.best == 0.9
    assert all(torch.equal(states[1][key], value) for key, value in made.net.state_dict().items())
    assert len(fit(full, ENGINE, Hooks()).points) == 9


def test_balanced_visits_name_every_image_that_is_shown():
    seen = list[str]()
    assert len(IMBALANCED) == COUNT

    made = phase("balanced")
    inner = made.source

    class Watched:
        names = inner.names

        def batch(self, rows, epoch):  # type: ignore[no-untyped-def]
            seen.extend(inner.names[row] for row in rows.tolist())
            return inner.batch(rows, epoch)

    fit(replace(made, source=Watched()), ENGINE, Hooks())
    shares = [sum(int(name.removesuffix(".png")) in rows for name in seen) for rows in (range(20), range(20, 27), range(27, 30))]
    assert max(shares) - min(shares) <= 4
