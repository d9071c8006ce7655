"""The linear head against scikit-learn's own pipeline, and what cross-validation may and may not see."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from receptron.blocks.chain import chain
from receptron.training.ladder import linear_probe
from receptron.training.ladder.linear_probe import choose_head, fit_head


def blobs(count: int = 120, classes: int = 3, views: int = 1, width: int = 10, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Features (count, views, width) around one centre per class, on scales from 0.01 to 100."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % classes
    centres, scale = rng.normal(0, 1, (classes, width)), 10.0 ** rng.uniform(-2, 2, width)
    rows = centres[targets][:, None] + rng.normal(0, 1.2, (count, 1, width)) + rng.normal(0, 0.2, (count, views, width))
    return torch.from_numpy(rows * scale + 5 * scale).float(), torch.from_numpy(targets)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch):
    """Both sides of a comparison go to the end of the descent."""
    own = linear_probe.LogisticRegression
    monkeypatch.setattr(linear_probe, "LogisticRegression", lambda **given: own(**{**given, "tol": 1e-8, "max_iter": 5000}))


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("strength", [1e-3, 0.1, 1.0])
def test_the_head_is_sklearns_on_standardised_features(classes: int, strength: float):
    features, targets = blobs(classes=classes)
    ours = fit_head(features, targets, classes, strength)
    rows, unbiased = features[:, 0].double().numpy(), len(features) / (len(features) - 1)
    # scikit-learn divides by the biased deviation, we by the unbiased: its penalty must be as much the stronger.
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=strength / unbiased, tol=1e-8, max_iter=5000)).fit(rows, targets.numpy())
    assert np.allclose(torch.from_numpy(ours.logits(features[:, 0])).softmax(1), theirs.predict_proba(rows), atol=5e-4)


@pytest.mark.usefixtures("patient")
def test_the_views_of_an_image_count_as_one_image():
    """As four rows that share one image's weight, which is the same as a penalty four times as strong."""
    features, targets = blobs(views=4)
    ours = fit_head(features, targets, 3, 0.1)
    middle, spread = features[:, 0].mean(0), features[:, 0].std(0) + 1e-6
    rows = ((features - middle) / spread).reshape(-1, 10).numpy()
    model = LogisticRegression(C=0.1 / 4, tol=1e-8, max_iter=5000).fit(rows, np.repeat(targets.numpy(), 4))
    assert np.allclose(torch.from_numpy(ours.logits(features[:, 2])).softmax(1), model.predict_proba(rows[2::4]), atol=2e-4)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_a_head_that_saw_one_class_names_it(label: int):
    """A fold of few groups may leave one class to learn from."""
    features, _ = blobs()
    head = fit_head(features, torch.full((len(features),), label), 3, 0.1)
    assert (head.logits(features[:, 0]).argmax(1) == label).all() and np.isfinite(head.logits(features[:, 0])).all()


def test_put_into_a_layer_it_gives_its_own_scores():
    features, targets = blobs()
    ours, layer = fit_head(features, targets, 3, 0.1), nn.Linear(10, 3)
    ours.put_into(chain(head=chain(fc=layer)))
    with torch.no_grad():
        assert np.allclose(layer(features[:, 0]).numpy(), ours.logits(features[:, 0]), atol=1e-4)
    assert layer.weight.requires_grad


def test_a_class_without_images_is_never_the_answer():
    features, targets = blobs()
    kept = targets != 1
    logits = fit_head(features[kept], targets[kept], 3, 0.1).logits(features[:, 0])
    assert logits.shape == (120, 3) and not (logits.argmax(1) == 1).any()


FOLDS = [np.arange(120)[i::5] for i in range(5)]


def test_out_of_fold_answers_come_from_heads_that_never_saw_the_image():
    features, targets = blobs()
    chosen = choose_head(features, targets, 3, FOLDS)
    for fold, own in zip(FOLDS, chosen.folds, strict=True):
        rest = np.setdiff1d(np.arange(120), fold)
        again = fit_head(features[rest], targets[rest], 3, chosen.head.strength)
        assert np.allclose(again.logits(features[fold, 0]), chosen.logits[fold])
        assert torch.equal(again.weight, own.weight)
    assert not np.allclose(chosen.head.logits(features[:, 0]), chosen.logits, atol=1e-3)


def test_labels_without_meaning_are_not_learnt():
    """The mutated twin of honest folds: on noise, heads judged on what they saw look clever, out of fold they guess."""
    noise = torch.randn(120, 1, 60, generator=torch.Generator().manual_seed(0))
    targets = torch.randint(0, 3, (120,), generator=torch.Generator().manual_seed(1))
    chosen = choose_head(noise, targets, 3, FOLDS)
    honest = (chosen.logits.argmax(1) == targets.numpy()).mean()
    seen = (fit_head(noise, targets, 3, 1.0).logits(noise[:, 0]).argmax(1) == targets.numpy()).mean()
    assert honest < 0.48 and seen > 0.8


def test_the_strength_is_the_one_of_least_loss_out_of_fold():
    features, targets = blobs(seed=4)
    losses = {}
    for strength in linear_probe.STRENGTHS:
        logits = np.zeros((120, 3))
        for fold in FOLDS:
            rest = np.setdiff1d(np.arange(120), fold)
            logits[fold] = fit_head(features[rest, :1], targets[rest], 3, strength).logits(features[fold, 0])
        losses[strength] = float(nn.functional.cross_entropy(torch.from_numpy(logits), targets))
    chosen = choose_head(features, targets, 3, FOLDS).head.strength
    assert chosen == min(losses, key=losses.__getitem__)
    assert chosen not in (linear_probe.STRENGTHS[0],), "a table whose edge always wins would choose nothing"
