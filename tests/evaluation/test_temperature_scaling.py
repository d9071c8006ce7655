"""Temperature, calibration error and bins against torch's own optimiser and planted truths."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch.nn.functional import cross_entropy

from receptron.evaluation import temperature_scaling


def drawn(count: int, classes: int, seed: int, sharpness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from softmax(true logits); what is handed out are those logits times `sharpness`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, classes)) * 2
    labels = np.array([rng.choice(classes, p=p) for p in softmax(logits, axis=1)])
    return logits * sharpness, labels


def error_by_loop(confidence: np.ndarray, correct: np.ndarray, bins: int = 15) -> float:
    total = 0.0
    for i in range(bins):
        inside = [j for j, c in enumerate(confidence) if i / bins <= c < (i + 1) / bins or (i == bins - 1 and c == 1)]
        if inside:
            total += len(inside) * abs(np.mean(correct[inside]) - np.mean(confidence[inside]))
    return total / len(confidence)


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 3.0])
def test_a_planted_temperature_is_recovered(sharpness: float):
    logits, labels = drawn(4000, 6, 1, sharpness)
    assert temperature_scaling.temperature(logits, labels) == pytest.approx(sharpness, rel=0.06)


def test_the_temperature_agrees_with_gradient_descent_on_the_smoothed_loss():
    logits, labels = drawn(60, 4, 2, 2.5)
    z, log_t = torch.tensor(logits), torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_t], max_iter=200, tolerance_grad=1e-12, tolerance_change=1e-14, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = cross_entropy(z / log_t.exp(), torch.tensor(labels), label_smoothing=4 / 3 / (60 + 2))
        loss.backward()
        return loss

    optimiser.step(closure)
    assert temperature_scaling.temperature(logits, labels) == pytest.approx(log_t.exp().item(), rel=1e-5)


def test_twenty_right_answers_do_not_make_it_certain():
    logits, labels = np.eye(3)[np.arange(20) % 3] * 4.0, np.arange(20) % 3
    found = temperature_scaling.temperature(logits, labels)
    assert temperature_scaling.probabilities(logits, found).max() == pytest.approx(21 / 22, abs=1e-6)


def test_no_images_and_one_class_leave_the_temperature_alone():
    assert temperature_scaling.temperature(np.empty((0, 3)), []) == 1.0
    assert temperature_scaling.temperature(np.ones((5, 1)), np.zeros(5)) == 1.0


def test_the_error_agrees_with_a_loop():
    logits, labels = drawn(500, 5, 3, 2.0)
    chances = temperature_scaling.probabilities(logits)
    confidence, correct = chances.max(1), chances.argmax(1) == labels
    ours = temperature_scaling.calibration_error(confidence, correct).value
    assert ours == pytest.approx(error_by_loop(confidence, correct), abs=1e-12)


def test_bins_hold_every_answer_once():
    confidence = np.r_[np.linspace(0, 1, 200), 1.0, 1.0]
    correct = np.arange(202) % 3 == 0
    bins = temperature_scaling.reliability(confidence, correct)
    assert len(bins) == 15 and sum(b.count for b in bins) == 202
    assert bins[0].low == 0 and bins[-1].high == 1 and all(a.high == b.low for a, b in pairwise(bins))
    assert all(b.low <= b.confidence <= b.high for b in bins)
    assert sum(b.count * abs(b.accuracy - b.confidence) for b in bins) / 202 == pytest.approx(error_by_loop(confidence, correct))


def test_the_interval_of_the_error_covers_zero_for_calibrated_answers():
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        confidence = rng.uniform(0.4, 1, 240)
        covered += temperature_scaling.calibration_error(confidence, rng.random(240) < confidence).low <= 0.01
    assert covered >= 56


def test_the_interval_of_the_error_covers_a_planted_gap():
    covered, truth = 0, 0.15
    for seed in range(60):
        rng = np.random.default_rng(seed)
        confidence = rng.uniform(0.6, 1, 240)
        found = temperature_scaling.calibration_error(confidence, rng.random(240) < confidence - truth)
        covered += found.low <= truth <= found.high
    assert covered >= 56


def test_five_right_answers_prove_no_calibration():
    found = temperature_scaling.calibration_error(np.full(5, 0.99), np.ones(5))
    assert found.value == pytest.approx(0.01) and found.high > 0.3


@pytest.mark.parametrize("sharpness", [0.3, 4.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_temperature_that_surely_helps_is_the_fitted_one(sharpness: float, seed: int):
    logits, labels = drawn(300, 4, seed, sharpness)
    found = temperature_scaling.sure_temperature(logits, labels)
    assert found == temperature_scaling.temperature(logits, labels) == pytest.approx(sharpness, rel=0.4)


@pytest.mark.parametrize("count", [5, 12, 25, 60])
@pytest.mark.parametrize("sharpness", [0.7, 1.0, 1.4])
def test_on_a_handful_of_images_it_rarely_makes_answers_worse(count: int, sharpness: float):
    """Judged on 2,000 other images, against always scaling."""
    worse = always = 0
    for seed in range(20):
        logits, labels = drawn(count + 2000, 3, seed, sharpness)
        errors = [
            error_by_loop(chances.max(1), chances.argmax(1) == labels[count:])
            for chances in (
                temperature_scaling.probabilities(logits[count:], t)
                for t in (
                    1.0,
                    temperature_scaling.sure_temperature(logits[:count], labels[:count]),
                    temperature_scaling.temperature(logits[:count], labels[:count]),
                )
            )
        ]
        worse, always = worse + (errors[1] > errors[0] + 0.005), always + (errors[2] > errors[0] + 0.005)
    assert worse <= 1
    assert sharpness != 1.0 or always >= 8, "the mutated twin: scaling whatever the gain"


@pytest.mark.parametrize("count", [1, 4, 20])
def test_few_right_answers_make_no_network_surer(count: int):
    logits, labels = np.eye(3)[np.arange(count) % 3] * 2.5, np.arange(count) % 3
    assert temperature_scaling.sure_temperature(logits, labels) == 1.0


def test_a_gain_that_one_group_brought_is_not_sure():
    logits, labels = drawn(200, 3, 0, 1.0)
    logits[:60] *= 6.0
    assert temperature_scaling.sure_temperature(logits, labels) > 1.2
    assert temperature_scaling.sure_temperature(logits, labels, np.r_[np.zeros(60), np.arange(1, 141)]) == 1.0
    assert temperature_scaling.sure_temperature(logits, labels, np.arange(200) % 3) == 1.0, "three groups are too few"


def test_the_interval_of_the_error_covers_the_truth_where_images_come_in_groups():
    covered = plain = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(12), 15)
        confidence, shift = rng.uniform(0.6, 0.9, 180), np.where(rng.random(12) < 0.5, -0.2, 0.1)[groups]
        correct = rng.random(180) < confidence + shift
        told = [temperature_scaling.calibration_error(confidence, correct, g) for g in (groups, None)]
        covered, plain = covered + (told[0].low <= 0.05 <= told[0].high), plain + (told[1].low <= 0.05 <= told[1].high)
    assert covered >= 93 > plain
