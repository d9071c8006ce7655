"""Canvases to tensors, against a loop over pixels and against training's own path."""

import numpy as np
import pytest
import torch

from receptron.data.augmentation.policy import Policy
from receptron.data.augmentation.views import augmented
from receptron.data.preprocessing.normalize import centre, prepare
from receptron.errors import BadValue, ImageTooSmall
from receptron.weights.inputs import IMAGENET_MEAN, IMAGENET_STD, InputSpec

SPEC = InputSpec(6, IMAGENET_MEAN, IMAGENET_STD, "bilinear", 0.75)


def canvases(*sizes: tuple[int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def test_every_number_is_the_normalised_pixel_of_the_centre():
    given = canvases((8, 8), (8, 13), (11, 8), (6, 6))
    found = prepare(given, SPEC, 3)
    assert found.shape == (4, 3, 6, 6) and found.dtype == torch.float32
    for n, canvas in enumerate(given):
        top, left = (canvas.shape[0] - 6) // 2, (canvas.shape[1] - 6) // 2
        for c in range(3):
            for y in range(6):
                for x in range(6):
                    expected = (canvas[top + y, left + x, c] / 255 - SPEC.mean[c]) / SPEC.std[c]
                    assert found[n, c, y, x].item() == pytest.approx(expected, abs=2e-6)


def test_a_grey_network_gets_the_mean_of_the_colours():
    given = canvases((8, 8))
    spec = InputSpec(6, (0.3,), (0.2,), "bilinear", 0.75)
    expected = (given[0][1:7, 1:7].mean(2) / 255 - 0.3) / 0.2
    assert np.allclose(prepare(given, spec, 1)[0, 0].numpy(), expected, atol=1e-6)
    assert np.allclose(prepare(given, SPEC, 1), (given[0][1:7, 1:7].mean(2) / 255 - np.mean(SPEC.mean)) / np.mean(SPEC.std), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_training_without_variation_sees_the_same_numbers(channels: int):
    given = canvases((8, 8), (9, 13), (12, 8))
    seen = augmented(given, ["a", "b", "c"], SPEC, Policy(), channels=channels, seed=0, epoch=0)
    assert torch.allclose(prepare(given, SPEC, channels), seen, atol=2e-6)


def test_the_canvas_is_not_changed():
    given = canvases((6, 6))
    before = given[0].copy()
    prepare(given, SPEC, 3)
    assert np.array_equal(given[0], before)


def test_no_canvases_make_an_empty_batch():
    assert prepare([], SPEC, 1).shape == (0, 1, 6, 6)


def test_small_canvases_and_odd_channels_are_refused():
    with pytest.raises(ImageTooSmall, match="5x9 has no centre of 6x6"):
        centre(canvases((9, 5))[0], 6)
    with pytest.raises(BadValue, match="4 channels"):
        prepare(canvases((8, 8)), SPEC, 4)
