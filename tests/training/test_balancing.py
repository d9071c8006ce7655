"""Classes with few images: weights, focal loss and probabilities, against scikit-learn, torchvision and Bayes' rule."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from small import context
from torch.nn import functional as F

from oracles import torchvision
from receptron.evaluation.temperature_scaling import probabilities, sure_temperature
from receptron.training.balancing.balance_choice import asked_balance
from receptron.training.balancing.balanced_gain import balanced_gain
from receptron.training.balancing.class_balance import BETA, ClassBalance, class_balance
from receptron.training.balancing.focal_head import refined
from receptron.training.ladder.linear_probe import fit_head
from receptron.training.loop.objective import Supervised, focal
from receptron.training.loop.recipe import Recipe

COUNTS = [(600, 600, 159), (50, 3), (10, 10, 10), (400, 40, 4, 1)]


def of(counts: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(np.repeat(np.arange(len(counts)), counts))


@pytest.mark.parametrize("counts", COUNTS)
def test_weights_are_those_of_the_papers_with_a_mean_of_one(counts: tuple[int, ...]):
    targets = of(counts)
    effective = np.array([sum(BETA**i for i in range(count)) for count in counts])  # Cui's sum, before its closed form
    for method, expected in (("weights", 1 / effective), ("sampler", 1 / np.array(counts))):
        weights = np.array(class_balance(method, targets, len(counts)).weights)
        assert weights[targets.numpy()].mean() == pytest.approx(1)
        assert weights / weights[0] == pytest.approx(expected / expected[0])
    for method in ("none", "focal"):
        assert class_balance(method, targets, len(counts)).weights == () and class_balance(method, targets, len(counts)).offsets is None


@pytest.mark.parametrize("counts", COUNTS[:2])
@pytest.mark.parametrize("method", ["sampler", "weights"])
def test_a_weighted_head_is_that_of_class_weights_in_scikit_learn(counts: tuple[int, ...], method: str):
    targets, rng = of(counts), np.random.default_rng(0)
    features = torch.from_numpy(rng.normal(size=(len(targets), 1, 5)) + targets.numpy()[:, None, None]).float()
    balance = class_balance(method, targets, len(counts))
    ours = fit_head(features, targets, len(counts), 0.01, balance)
    flat = features[:, 0].numpy()
    middle, spread = flat.mean(0), flat.std(0, ddof=1) + 1e-6
    model = LogisticRegression(C=0.01, max_iter=3000, tol=1e-8, class_weight=dict(enumerate(balance.weights)))
    model.fit((flat - middle) / spread, targets.numpy())
    theirs = model.predict_proba((flat - middle) / spread)
    assert np.allclose(softmax(ours.logits(features[:, 0]), axis=1), theirs, atol=5e-3)
    plain = fit_head(features, targets, len(counts), 0.01)
    assert not np.allclose(softmax(plain.logits(features[:, 0]), axis=1), theirs, atol=5e-2)


@pytest.mark.parametrize("focus", [0.0, 1.0, 2.0, 5.0])
def test_the_focal_loss_is_that_of_torchvision(focus: float):
    sigmoid_focal_loss = torchvision().ops.sigmoid_focal_loss
    torch.manual_seed(0)
    scores, targets = 3 * torch.randn(64), torch.randint(0, 2, (64,))
    theirs = sigmoid_focal_loss(scores, targets.float(), alpha=-1, gamma=focus)
    two = torch.stack([torch.zeros(64), scores], 1)
    assert torch.allclose(focal(two, targets, focus), theirs, atol=1e-5)
    if focus:
        assert not torch.allclose(focal(two, targets, focus + 0.5), theirs, atol=1e-3)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [(), (0.5, 1.5, 3.0)])
def test_without_focus_the_focal_loss_is_cross_entropy(smoothing: float, weights: tuple[float, ...]):
    torch.manual_seed(0)
    scores, hard = torch.randn(20, 3), torch.randint(0, 3, (20,))
    counts = torch.tensor(weights) if weights else None
    for targets in (hard, torch.rand(20, 3).softmax(1)):
        theirs = F.cross_entropy(scores, targets, weight=counts, label_smoothing=smoothing, reduction="none")
        assert torch.allclose(focal(scores, targets, 0.0, smoothing, counts), theirs, atol=1e-5)
        assert torch.allclose(Supervised(smoothing, weights)(torch.nn.Identity(), scores, targets), theirs, atol=1e-6)
    assert not torch.allclose(Supervised(smoothing, weights, 2.0)(torch.nn.Identity(), scores, hard), theirs)


def test_a_head_refined_without_focus_stays_where_logistic_regression_ended():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), (60, 30, 10))
    inputs = (rng.normal(size=(100, 4)) + np.eye(3, 4)[labels]).astype(np.float32)
    model = LogisticRegression(C=0.1, max_iter=3000, tol=1e-10).fit(inputs, labels)
    found = refined(model, inputs, labels, np.ones(100), 0.0)
    said = inputs @ found.coef_.T + found.intercept_
    assert np.allclose(softmax(said, axis=1), model.predict_proba(inputs), atol=1e-4)

    def loss(focus: float, rows: NDArray[np.float64], offsets: NDArray[np.float64]) -> float:
        logs = log_softmax(inputs @ rows.T + offsets, axis=1)[np.arange(100), labels]
        return 0.1 * float((-((1 - np.exp(logs)) ** focus) * logs).sum()) + 0.5 * float((rows**2).sum())

    focused = refined(model, inputs, labels, np.ones(100), 2.0)
    best = loss(2.0, focused.coef_, focused.intercept_)
    assert best < loss(2.0, found.coef_, found.intercept_) - 1e-4
    for _ in range(20):
        assert best <= loss(2.0, focused.coef_ + rng.normal(0, 0.02, focused.coef_.shape), focused.intercept_) + 1e-9


# The gain in balanced accuracy.


@pytest.mark.parametrize("counts", [(60, 20, 10), (80, 9), (30, 30, 30)])
def test_the_gain_is_the_difference_of_balanced_accuracies(counts: tuple[int, ...]):
    truth, rng = of(counts).numpy(), np.random.default_rng(0)
    said = [np.where(rng.random(len(truth)) < share, truth, (truth + 1) % len(counts)) for share in (0.8, 0.6)]
    found = balanced_gain(said[0] == truth, said[1] == truth, truth, None)
    assert found.value == pytest.approx(balanced_accuracy_score(truth, said[0]) - balanced_accuracy_score(truth, said[1]))
    assert found.low < found.value < found.high


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("gain", [0.0, 0.15])
def test_the_interval_holds_the_true_gain_as_often_as_it_says(size: int, gain: float):
    """Answers drawn with known chances; groups of `size` images answer alike. It is wide on purpose: folds share their images."""
    rng, truth = np.random.default_rng(0), of((120, 60, 30)).numpy()
    groups = np.arange(len(truth)) // size if size > 1 else None
    held = 0
    for _ in range(150):
        draws = np.repeat(rng.random((2, len(truth) // size)), size, axis=1)
        found = balanced_gain(draws[0] < 0.6 + gain, draws[1] < 0.6, truth, groups)
        held += found.low <= gain <= found.high
    assert 0.93 <= held / 150 <= 1


def test_few_groups_say_nothing_and_a_single_mended_image_is_no_certainty():
    truth = of((20, 20)).numpy()
    assert balanced_gain(truth == truth, truth == 0, truth, np.arange(40) % 3).unknown
    right = np.arange(40) != 39
    assert balanced_gain(truth == truth, right, truth, None).low < 0


# Probabilities.


@pytest.mark.parametrize("method", ["sampler", "weights"])
@pytest.mark.parametrize("counts", [(800, 150, 50), (600, 600, 159), (900, 30, 30)])
def test_offsets_lead_from_the_balanced_world_back_to_that_of_the_data(method: str, counts: tuple[int, ...]):
    """Bayes' rule with known densities: the posterior by weighted shares, and by the data's own."""
    balance = class_balance(method, of(counts), 3)
    shares, rng = np.array(counts) / sum(counts), np.random.default_rng(0)
    points = rng.normal(0, 2, (200, 2))
    densities = np.stack([multivariate_normal(mean, 1.0).logpdf(points) for mean in ([0, 0], [2, 0], [0, 2])], 1)
    weighed = densities + np.log(shares * np.array(balance.weights))
    own = softmax(densities + np.log(shares), axis=1)
    assert np.allclose(probabilities(weighed, 1.0, balance.offsets), own)
    assert not np.allclose(probabilities(weighed), own, atol=0.05)
    assert np.allclose(probabilities(2.5 * weighed, 2.5, balance.offsets), own), "the temperature comes first"


def off(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Expected calibration error over 15 bins of equal width, by its definition."""
    place = np.minimum((confidence * 15).astype(int), 14)
    return float(sum(abs(confidence[place == i].sum() - right[place == i].sum()) for i in range(15)) / len(right))


@pytest.mark.parametrize("method", ["sampler", "weights"])
def test_a_balanced_head_is_calibrated_for_the_shares_of_the_data(method: str):
    """Imbalanced draws, a head learnt from some and judged on others: no temperature mends what the offsets do."""
    counts, rng = (12000, 2250, 750), np.random.default_rng(1)
    labels = np.tile(of(counts).numpy(), 2)
    points = np.array([[0.0, 0.0], [1.6, 0.0], [0.0, 1.6]])[labels] + rng.normal(size=(len(labels), 2))
    features, targets = torch.from_numpy(points).float()[:, None], torch.from_numpy(labels)
    half = len(labels) // 2
    balance = class_balance(method, targets[:half], 3)
    said = fit_head(features[:half], targets[:half], 3, 0.1, balance).logits(features[half:, 0])
    truth = labels[half:]
    scaled, unaware = sure_temperature(said, truth, offsets=balance.offsets), sure_temperature(said, truth)
    chances, answers = probabilities(said, scaled, balance.offsets), said.argmax(1)
    sure, wrong = (found[np.arange(half), answers] for found in (chances, probabilities(said, unaware)))
    assert off(sure, answers == truth) < 0.015
    assert off(wrong, answers == truth) > off(sure, answers == truth) * (2 if method == "sampler" else 1)
    for number in range(3):  # the mean probability of each class is its share
        assert chances[:, number].mean() == pytest.approx((truth == number).mean(), abs=0.015)
    plain = fit_head(features[:half], targets[:half], 3, 0.1).logits(features[half:, 0])
    assert balanced_accuracy_score(truth, answers) > balanced_accuracy_score(truth, plain.argmax(1)) + 0.03
    band = [off(sure, rng.random(half) < sure) for _ in range(40)]  # of answers that are calibrated perfectly
    assert off(sure, answers == truth) <= 1.5 * max(band)


# What is asked for.


@pytest.mark.parametrize("asked", ["none", "sampler", "weights", "focal", "auto"])
def test_what_is_asked_for_is_recorded_with_its_reason(asked: str):
    place = replace(context(30), recipe=Recipe(balance=asked))
    balance, record = asked_balance(place)
    assert record is not None and record.asked == asked and record.why
    assert balance.method == record.method == ("none" if asked == "auto" else asked)
    assert (list(record.weights) == list(place.classes)) == (asked in ("sampler", "weights"))


def test_nothing_asked_weighs_nothing_and_records_nothing():
    assert asked_balance(context(30)) == (ClassBalance(), None)
