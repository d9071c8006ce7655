"""Majority class and nearest neighbour against scikit-learn's."""

import numpy as np
import torch
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from receptron.evaluation import baselines
from receptron.training.ladder.baseline_rungs import baseline_rungs

RNG = np.random.default_rng(0)
TARGETS = torch.from_numpy(np.arange(90) % 3)
FEATURES = torch.from_numpy(RNG.normal(0, 1, (90, 8)) + 0.8 * np.eye(3, 8)[TARGETS.numpy()] * 2).float()


def test_majority_is_sklearns_dummy():
    for drawn in range(5):
        labels = np.random.default_rng(drawn).choice(4, 50, p=[0.1, 0.2, 0.3, 0.4])
        theirs = DummyClassifier(strategy="most_frequent").fit(np.zeros((50, 1)), labels).predict([[0]])[0]
        assert baselines.majority(torch.from_numpy(labels), 4) == theirs
    assert baselines.majority(torch.tensor([2, 1, 1, 2]), 3) == 1


def test_nearest_is_sklearns_by_cosine():
    asked = torch.from_numpy(RNG.normal(0, 1, (2500, 8))).float()
    theirs = KNeighborsClassifier(1, metric="cosine", algorithm="brute").fit(FEATURES.numpy(), TARGETS.numpy()).predict(asked.numpy())
    assert np.array_equal(baselines.nearest(FEATURES, TARGETS, asked), theirs)
    assert baselines.nearest(FEATURES, TARGETS, asked[:0]).shape == (0,)


def test_out_of_fold_no_image_is_its_own_neighbour():
    place = RNG.permutation(90) % 4
    folds = [np.flatnonzero(place == fold) for fold in range(4)]
    model = KNeighborsClassifier(1, metric="cosine", algorithm="brute")
    theirs = cross_val_predict(model, FEATURES.numpy(), TARGETS.numpy(), cv=PredefinedSplit(place))
    ours = baselines.nearest_out_of_fold(FEATURES, TARGETS, folds)
    assert np.array_equal(ours, theirs) and (ours != TARGETS.numpy()).any()


def test_rungs_tell_share_and_gain():
    common, near = np.arange(30) < 10, np.arange(30) < 24
    first, second = baseline_rungs(common, near, None, 2.5)
    assert first.accuracy and first.accuracy.value == 1 / 3 and first.gain is None
    assert second.accuracy and second.accuracy.value == 0.8 and second.gain and abs(second.gain.value - 14 / 30) < 1e-12
    assert second.seconds == 2.5 and first.taken and second.taken
