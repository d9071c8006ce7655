"""Views of canvases: each depends on (seed, epoch, name) alone, stays within its recipe, and is what Pillow's own steps would make."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from receptron.data.preprocessing.augmentation import PHOTO, SMALL, Recipe, augmented, recipe_for
from receptron.data.preprocessing.normalize import prepare
from receptron.data.stateless_random import uniforms
from receptron.weights.inputs import InputSpec

SPEC = InputSpec(24, (0.5, 0.4, 0.3), (0.2, 0.25, 0.3), "bilinear", 0.8)
STILL = Recipe()
RAW = InputSpec(24, (0.0,), (1.0,), "bilinear", 0.8)
EVERYTHING = Recipe((0.3, 1.0), 4 / 3, True, 0.2, 12.0, 0.1, 0.12, 8.0)


def canvases(count: int = 9, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = [(30, 30 + 5 * (i % 4)) if i % 2 else (30 + 5 * (i % 4), 30) for i in range(count)]
    coarse = [Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)) for _ in shapes]
    return [np.asarray(image.resize(shape[::-1], Image.Resampling.BICUBIC)) for image, shape in zip(coarse, shapes, strict=True)]


NAMES = [f"{i}.png" for i in range(9)]


def views(recipe: Recipe = EVERYTHING, *, seed: int = 0, epoch: int = 0, spec: InputSpec = SPEC, channels: int = 3) -> torch.Tensor:
    return augmented(canvases(), NAMES, spec, recipe, channels=channels, seed=seed, epoch=epoch)


@pytest.mark.parametrize("recipe", [EVERYTHING, PHOTO, SMALL], ids=["everything", "photo", "small"])
def test_a_view_depends_on_seed_epoch_and_name_alone(recipe: Recipe):
    together, rows = views(recipe), [7, 2, 5]
    some = augmented([canvases()[i] for i in rows], [NAMES[i] for i in rows], SPEC, recipe, channels=3, seed=0, epoch=0)
    assert torch.equal(some, together[rows])
    alone = augmented(canvases()[4:5], NAMES[4:5], SPEC, recipe, channels=3, seed=0, epoch=0)
    assert torch.equal(alone, together[4:5])
    torch.manual_seed(99), np.random.seed(99)
    assert torch.equal(views(recipe), together)


@pytest.mark.parametrize("change", [{"seed": 1}, {"epoch": 1}])
def test_another_seed_or_epoch_shows_every_image_differently(change: dict[str, int]):
    first, second = views(), views(**change)
    assert all(not torch.allclose(a, b, atol=1e-2) for a, b in zip(first, second, strict=True))


def test_another_name_shows_the_same_pixels_differently():
    same = [canvases()[0]] * 2
    a, b = augmented(same, ["a", "b"], SPEC, EVERYTHING, channels=3, seed=0, epoch=0)
    assert not torch.allclose(a, b, atol=1e-2)


def test_the_same_views_whatever_the_number_of_threads():
    before, many = torch.get_num_threads(), views()
    torch.set_num_threads(1)
    try:
        assert torch.equal(views(), many)
    finally:
        torch.set_num_threads(before)


def test_a_recipe_without_changes_is_what_prediction_sees():
    for channels, spec in ((3, SPEC), (1, replace(SPEC, mean=(0.4,), std=(0.3,)))):
        plain = prepare(canvases(), spec, channels)
        assert torch.allclose(views(STILL, spec=spec, channels=channels), plain, atol=1e-6)


def test_a_cut_is_what_pillow_cuts_mirrors_and_resizes():
    recipe = Recipe(area=(0.3, 1.0), aspect=4 / 3, flip=True)
    made, drawn = views(recipe, spec=RAW), uniforms(NAMES, 0, 0, 13)
    flips = 0
    for canvas, view, row in zip(canvases(), made, drawn, strict=True):
        height, width = canvas.shape[:2]
        area, ratio = (0.3 + 0.7 * row[0]) * min(height, width) ** 2, (4 / 3) ** (2 * row[1] - 1)
        tall, wide = min(height, round((area / ratio) ** 0.5)), min(width, round((area * ratio) ** 0.5))
        top, left = int(row[2] * (height - tall + 1)), int(row[3] * (width - wide + 1))
        part = Image.fromarray(canvas[top : top + tall, left : left + wide]).resize((24, 24), Image.Resampling.BILINEAR)
        if row[4] < 0.5:
            part, flips = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT), flips + 1
        assert abs(view.permute(1, 2, 0).numpy() * 255 - np.asarray(part)).max() <= 1.01  # one grey level of rounding
    assert 0 < flips < len(NAMES)


def test_cuts_stay_inside_and_keep_the_area_they_say():
    """A canvas that tells its coordinates: what the view shows is where it was cut."""
    y, x = np.mgrid[0:200, 0:250]
    canvas = np.stack([x, y, np.zeros_like(x)], 2).astype(np.uint8)
    names = [str(i) for i in range(300)]
    recipe = Recipe(area=(0.25, 0.8), aspect=1.5)
    made = augmented([canvas] * 300, names, InputSpec(32, (0.0,), (1.0,), "bilinear", 1.0), recipe, channels=3, seed=0, epoch=0) * 255
    wide = (made[:, 0, 16, -1] - made[:, 0, 16, 0]) * 32 / 31
    tall = (made[:, 1, -1, 16] - made[:, 1, 0, 16]) * 32 / 31
    assert made.min() >= 0
    area, ratio = (wide * tall) / 200**2, wide / tall
    assert 0.23 < area.min() < 0.30 and 0.75 < area.max() < 0.83
    assert 1 / 1.55 < ratio.min() < 0.75 and 1.35 < ratio.max() < 1.55
    assert made[:, 0, 16, 0].min() < 10 and made[:, 0, 16, -1].max() > 240 and made[:, 1, -1, 16].max() > 190


def test_light_scales_contrast_about_the_mean_and_moves_it():
    recipe = Recipe(light=0.3)
    plain, lit, drawn = views(STILL, spec=RAW).numpy(), views(recipe, spec=RAW).numpy(), uniforms(NAMES, 0, 0, 13)
    contrast, brightness = 1 + 0.3 * (2 * drawn[:, 11] - 1), 1 + 0.3 * (2 * drawn[:, 12] - 1)
    assert np.allclose(lit.mean((1, 2, 3)), plain.mean((1, 2, 3)) * brightness, atol=1e-5)
    assert np.allclose(lit.std((1, 2, 3)), plain.std((1, 2, 3)) * contrast, atol=1e-5)


def test_a_turn_alone_is_pillows_rotation():
    recipe, smooth = Recipe(turn=30.0), [np.asarray(Image.fromarray(c).resize((24, 24), Image.Resampling.BICUBIC)) for c in canvases()]
    made = augmented(smooth, NAMES, RAW, recipe, channels=3, seed=0, epoch=0)
    turns = 30 * (2 * uniforms(NAMES, 0, 0, 13)[:, 5] - 1)
    inner = np.hypot(*(np.mgrid[0:24, 0:24] - 11.5)) < 9
    for sign in (1, -1):
        theirs = [np.asarray(Image.fromarray(c).rotate(sign * t, Image.Resampling.BILINEAR)) for c, t in zip(smooth, turns, strict=True)]
        apart = abs(made.permute(0, 2, 3, 1).numpy() * 255 - np.stack(theirs))[:, inner].max()
        if apart <= 2:
            return
    pytest.fail(f"neither way round is it a rotation: {apart}")


@pytest.mark.parametrize(("field", "place"), [("shift", 9), ("zoom", 7)])
def test_shift_and_zoom_move_a_spot_by_what_they_say(field: str, place: int):
    """A bright spot right of the centre, followed by its centre of mass."""
    y, x = np.mgrid[0:96, 0:96]
    spot = (255 * np.exp(-((x - 63.5) ** 2 + (y - 47.5) ** 2) / 18)).astype(np.uint8)
    canvas, spec = np.stack([spot] * 3, 2), InputSpec(96, (0.0,), (1.0,), "bilinear", 1.0)
    made = augmented([canvas] * 9, NAMES, spec, Recipe(**{field: 0.1}), channels=1, seed=0, epoch=0)[:, 0].numpy()
    at = (made * x).sum((1, 2)) / made.sum((1, 2)) - 47.5
    either = 2 * uniforms(NAMES, 0, 0, 13)[:, place] - 1
    expected = 16 - 9.6 * either if field == "shift" else 16 * (1 + 0.1 * either)
    assert np.allclose(at, expected, atol=0.3)


def test_grey_pictures_are_never_mirrored_and_small_ones_are_not_cut():
    assert not recipe_for(224, grey=True).flip and recipe_for(224, grey=False).flip
    assert recipe_for(224, grey=True).area == PHOTO.area and recipe_for(32, grey=True).area == (1.0, 1.0)
    assert recipe_for(32, grey=True).warps and not recipe_for(224, grey=False).warps


def test_an_unwritable_canvas_is_cut_without_a_warning():
    canvas = canvases()[0].copy()
    canvas.flags.writeable = False
    assert augmented([canvas], ["a"], SPEC, EVERYTHING, channels=3, seed=0, epoch=0).shape == (1, 3, 24, 24)
