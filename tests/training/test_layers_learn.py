"""Which layers learn, how fast, with which statistics and at which size: against torch and hand arithmetic, resumed bit for bit."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_loop import ENGINE, PER_EPOCH, PHASE, Crash, Lost, Net, net, same, source
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import update_bn

from receptron.errors import BadValue
from receptron.training.checkpointing.checkpoint import Checkpoints
from receptron.training.layers.batchnorm import re_estimate
from receptron.training.layers.layer_rates import shares_of, spread
from receptron.training.layers.scales import at_scale, scale_at
from receptron.training.layers.unfreezing import Unfreezing, openings
from receptron.training.loop.hooks import Hooks
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.loop import Phase, batches, fit
from receptron.training.loop.optimiser import make_optimiser, set_rate
from receptron.training.loop.recipe import Recipe

PLAN = Hyperparameters(4, 8, 0.05, smoothing=0.1, seed=5)
PLANS = {
    "gradual": replace(PLAN, gradual=True),
    "gradual adamw": replace(PLAN, gradual=True, optimiser="adamw", rate=1e-3, ema=0.9),
    "frozen": replace(PLAN, batchnorm="frozen"),
    "re-estimated": replace(PLAN, batchnorm="re-estimated"),
    "rates": replace(PLAN, rates=(10, 5, 1)),
    "scales": replace(PLAN, scales=(0.75, 1, 1.25)),
    "low": replace(PLAN, low=0.8),
}


class Plain(Net):
    """The same without BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.stem[1], self.stages[0][1] = nn.GroupNorm(2, 6), nn.Identity()  # type: ignore[index]


def phase(name: str, made: nn.Module | None = None) -> Phase:
    return Phase(PHASE, made or net(), source(), PLANS[name])


@pytest.mark.parametrize("name", list(PLANS))
def test_a_resumed_phase_ends_bit_for_bit_and_each_option_changes_what_is_learnt(name: str, tmp_path: Path):
    whole, plain = phase(name), replace(phase(name), plan=replace(PLAN, optimiser=PLANS[name].optimiser, rate=PLANS[name].rate))
    fit(whole, ENGINE, Hooks())
    fit(plain, ENGINE, Hooks())
    assert not same(plain.net, whole.net)
    for after in (1, 3, 4, 5, 8, 9, 12, 16):
        folder = tmp_path / str(after)
        with pytest.raises(Lost):
            fit(phase(name), ENGINE, Hooks(Checkpoints(folder), 0.0, progress=Crash(after)))
        second = phase(name)
        fit(second, ENGINE, Hooks(Checkpoints(folder), 0.0))
        assert same(second.net, whole.net), after


def buffers(made: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in made.named_buffers()}


@pytest.mark.parametrize("kind", [Net, Plain])
@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
@pytest.mark.parametrize("gradual", [False, True])
def test_frozen_statistics_are_bit_identical_after_training(kind: type[Net], optimiser: str, gradual: bool):
    torch.manual_seed(3)
    made = kind()
    for norm in (one for one in made.modules() if isinstance(one, nn.BatchNorm2d)):
        norm.running_mean.normal_()  # type: ignore[union-attr]
    before, weights = buffers(made), {name: one.detach().clone() for name, one in made.named_parameters()}
    plan = replace(PLAN, batchnorm="frozen", gradual=gradual, optimiser=optimiser)  # pyright: ignore[reportArgumentType]
    fit(Phase(PHASE, made, source(), plan), ENGINE, Hooks())
    assert all(torch.equal(before[name], tensor) for name, tensor in made.named_buffers())
    assert all(not torch.equal(weights[name], one) for name, one in made.named_parameters())  # gains and biases among them


def test_statistics_that_are_trained_do_drift():
    made = net()
    before = buffers(made)
    fit(Phase(PHASE, made, source(), PLAN), ENGINE, Hooks())
    assert any(not torch.equal(before[name], tensor) for name, tensor in made.named_buffers())


@pytest.mark.parametrize("count", [1, 2, 5])
def test_statistics_are_re_estimated_as_torch_does(count: int):
    ours, theirs = net(), net()
    shown = [torch.randn(4 + i, 3, 20, 20, generator=torch.Generator().manual_seed(i)) for i in range(count)]
    re_estimate(ours, shown, ENGINE, 0)
    update_bn(shown, theirs)
    for name, tensor in theirs.named_buffers():
        assert torch.allclose(tensor, ours.get_buffer(name), atol=1e-6), name
    assert all(one.momentum == 0.1 for one in ours.modules() if isinstance(one, nn.BatchNorm2d))


def test_after_a_phase_the_statistics_are_those_of_its_training_images():
    made = phase("re-estimated")
    fit(made, ENGINE, Hooks())
    twin = net()
    twin.load_state_dict(made.net.state_dict())
    shown = batches(made, PLAN.epochs)
    update_bn([shown(step)[0] for step in range(PER_EPOCH)], twin)
    for name, tensor in twin.named_buffers():
        assert torch.allclose(tensor, made.net.get_buffer(name), atol=1e-5), name


@pytest.mark.parametrize(
    ("rates", "levels", "shares"),
    [
        ((10, 5, 1), 3, (1, 0.5, 0.1)),
        ((10, 5, 1), 6, (1, 1, 0.5, 0.5, 0.1, 0.1)),
        ((10, 5, 1), 7, (1, 1, 1, 0.5, 0.5, 0.1, 0.1)),
        ((1, 2, 4), 4, (0.25, 0.25, 0.5, 1)),
        ((8, 4, 2, 1), 4, (1, 0.5, 0.25, 0.125)),
    ],
)
def test_rates_are_spread_over_the_depth(rates: tuple[float, ...], levels: int, shares: tuple[float, ...]):
    assert spread(rates, levels) == pytest.approx(shares)


@pytest.mark.parametrize(("rates", "levels"), [((10, 5, 1, 1), 3), ((1, 2, 3, 4), 6), ((1,) * 7, 6)])
def test_a_wrong_count_of_rates_is_refused(rates: tuple[float, ...], levels: int):
    with pytest.raises(BadValue, match="--rates"):
        spread(rates, levels)


def test_each_level_steps_by_its_rate_and_a_tail_by_that_of_the_whole():
    made, plan = net(), PLANS["rates"]
    optimiser = make_optimiser(made, plan)
    set_rate(optimiser, 0.2)
    rate = {id(one): group["lr"] for group in optimiser.param_groups for one in group["params"]}
    found = {name: rate[id(one)] for name, one in made.named_parameters()}
    assert found["head.3.weight"] == pytest.approx(0.2) and found["stages.0.0.weight"] == pytest.approx(0.1)
    assert found["stem.0.weight"] == found["stem.1.bias"] == pytest.approx(0.02)
    tail = nn.ModuleDict({"stages": made.stages, "head": made.head})
    assert shares_of(tail, replace(plan, levels=6))[:2] == (1, 1)
    assert shares_of(nn.Sequential(nn.Linear(2, 2)), replace(plan, layer_decay=0.5))[1] == 1  # a head alone is one level


@pytest.mark.parametrize(("epochs", "opens"), [(1, (0, 0, 0)), (4, (0, 1, 2)), (8, (0, 2, 4)), (40, (0, 10, 20))])
def test_levels_open_from_the_head_backward_over_half_of_the_epochs(epochs: int, opens: tuple[int, ...]):
    assert openings(3, epochs) == opens


def test_what_is_shut_gets_no_gradient_moves_not_and_answers_as_later():
    made, plan = net(), PLANS["gradual"]
    opening, before = Unfreezing(made, plan), buffers(made)
    for epoch, learning in enumerate([{"head"}, {"head", "stages"}, {"head", "stages", "stem"}]):
        made.train()
        opening.at(epoch)
        made.zero_grad()
        made(torch.randn(4, 3, 20, 20)).sum().backward()
        assert {name.split(".")[0] for name, one in made.named_parameters() if one.grad is not None} == learning
        moved = {name.split(".")[0] for name, one in made.named_buffers() if not torch.equal(before[name], one)}
        assert moved == learning - {"head"}
    opening.end()
    assert all(one.requires_grad for one in made.parameters())


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.25])
def test_images_are_scaled_as_torch_scales_them(scale: float):
    images = torch.randn(2, 3, 20, 20)
    assert torch.equal(at_scale(images, scale), F.interpolate(images, size=round(20 * scale), mode="bilinear", antialias=True))
    assert at_scale(images, 1) is images


def test_sizes_depend_on_seed_epoch_and_step_and_all_are_drawn():
    plan = PLANS["scales"]
    drawn = [scale_at(plan, epoch, step) for epoch in range(10) for step in range(10)]
    assert set(drawn) == {0.75, 1, 1.25} and drawn == [scale_at(plan, epoch, step) for epoch in range(10) for step in range(10)]
    assert drawn != [scale_at(replace(plan, seed=6), epoch, step) for epoch in range(10) for step in range(10)]


@pytest.mark.parametrize(("epochs", "high"), [(1, 1), (2, 1), (3, 1), (6, 2), (10, 3)])
def test_the_last_third_is_shown_at_full_size(epochs: int, high: int):
    plan = replace(PLANS["low"], epochs=epochs)
    assert [scale_at(plan, epoch, 0) for epoch in range(epochs)] == [0.8] * (epochs - high) + [1] * high


@pytest.mark.parametrize(
    ("wrong", "flag"),
    [
        ({"rates": (1.0, 2.0)}, "--rates"),
        ({"rates": (1.0, 0.0, 1.0)}, "--rates"),
        ({"rates": (1.0, float("nan"), 1.0)}, "--rates"),
        ({"rates": (3.0, 2.0, 1.0), "layer_decay": 0.7}, "--layer-decay"),
        ({"layer_decay": 0.0}, "--layer-decay"),
        ({"layer_decay": 1.2}, "--layer-decay"),
        ({"scales": ()}, "--scales"),
        ({"scales": (0.1,)}, "--scales"),
        ({"scales": (1.0, float("inf"))}, "--scales"),
        ({"pixels": 0}, "--pixels"),
        ({"pixels": 2.5}, "--pixels"),
        ({"pixels": 160, "finish_pixels": 160}, "--finish-pixels"),
        ({"finish_pixels": 288}, "--finish-pixels"),
    ],
)
def test_what_cannot_be_is_refused_by_its_flag(wrong: dict[str, object], flag: str):
    with pytest.raises(BadValue, match=flag):
        Recipe(**wrong)  # type: ignore[arg-type]
