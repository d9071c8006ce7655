"""Views of canvases: each depends on (seed, epoch, name) alone, stays within its policy, and is what Pillow's own steps would make."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from PIL import Image

from receptron.data.augmentation import color_jitter, warping
from receptron.data.augmentation.policy import MEDICAL_WHY, POLICIES, Policy, fitted, rows
from receptron.data.augmentation.views import COLOR, COLUMNS, WARP, augmented
from receptron.data.preprocessing.normalize import prepare
from receptron.data.stateless_random import uniforms
from receptron.weights.inputs import InputSpec

SPEC = InputSpec(24, (0.5, 0.4, 0.3), (0.2, 0.25, 0.3), "bilinear", 0.8)
STILL = Policy()
RAW = InputSpec(24, (0.0,), (1.0,), "bilinear", 0.8)
EVERYTHING = Policy(
    area=(0.3, 1.0), aspect=4 / 3, flip=True, rotation=12.0, translation=0.1, scale=0.12, shear=8.0, perspective=0.3, brightness=0.2,
    contrast=0.2, saturation=0.3, hue=0.1, blur=0.5, automatic="randaugment", erasing=0.5,
)  # fmt: skip
TRIVIAL = replace(EVERYTHING, automatic="trivialaugment")


def canvases(count: int = 9, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = [(30, 30 + 5 * (i % 4)) if i % 2 else (30 + 5 * (i % 4), 30) for i in range(count)]
    coarse = [Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)) for _ in shapes]
    return [np.asarray(image.resize(shape[::-1], Image.Resampling.BICUBIC)) for image, shape in zip(coarse, shapes, strict=True)]


NAMES = [f"{i}.png" for i in range(9)]


def views(policy: Policy = EVERYTHING, *, seed: int = 0, epoch: int = 0, spec: InputSpec = SPEC, channels: int = 3) -> torch.Tensor:
    return augmented(canvases(), NAMES, spec, policy, channels=channels, seed=seed, epoch=epoch)


@pytest.mark.parametrize("policy", [EVERYTHING, TRIVIAL, *POLICIES.values()], ids=["everything", "trivial", *POLICIES])
def test_a_view_depends_on_seed_epoch_and_name_alone(policy: Policy):
    together, rows = views(policy), [7, 2, 5]
    some = augmented([canvases()[i] for i in rows], [NAMES[i] for i in rows], SPEC, policy, channels=3, seed=0, epoch=0)
    assert torch.equal(some, together[rows])
    alone = augmented(canvases()[4:5], NAMES[4:5], SPEC, policy, channels=3, seed=0, epoch=0)
    assert torch.equal(alone, together[4:5])
    torch.manual_seed(99), np.random.seed(99)
    assert torch.equal(views(policy), together)


@pytest.mark.parametrize("change", [{"seed": 1}, {"epoch": 1}])
def test_another_seed_or_epoch_shows_every_image_differently(change: dict[str, int]):
    first, second = views(), views(**change)
    assert all(not torch.allclose(a, b, atol=1e-2) for a, b in zip(first, second, strict=True))


def test_another_name_shows_the_same_pixels_differently():
    same = [canvases()[0]] * 2
    a, b = augmented(same, ["a", "b"], SPEC, EVERYTHING, channels=3, seed=0, epoch=0)
    assert not torch.allclose(a, b, atol=1e-2)


@pytest.mark.parametrize("policy", [EVERYTHING, TRIVIAL, POLICIES["standard"]], ids=["everything", "trivial", "standard"])
def test_the_same_views_whatever_the_number_of_threads_and_the_batch(policy: Policy):
    """At a size at which torch divides its work."""
    spec, before = replace(SPEC, pixels=200), torch.get_num_threads()
    large = [np.asarray(Image.fromarray(canvas).resize((260, 230))) for canvas in canvases()]
    made = list[torch.Tensor]()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            made.append(augmented(large, NAMES, spec, policy, channels=3, seed=0, epoch=0))
            alone = [augmented([c], [n], spec, policy, channels=3, seed=0, epoch=0) for c, n in zip(large, NAMES, strict=True)]
            assert torch.equal(torch.cat(alone), made[-1])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(made[0], made[1]) and torch.equal(made[0], made[2])


def test_a_policy_without_changes_is_what_prediction_sees():
    for channels, spec in ((3, SPEC), (1, replace(SPEC, mean=(0.4,), std=(0.3,)))):
        plain = prepare(canvases(), spec, channels)
        assert torch.allclose(views(STILL, spec=spec, channels=channels), plain, atol=1e-6)


def test_a_cut_is_what_pillow_cuts_mirrors_and_resizes():
    policy = Policy(area=(0.3, 1.0), aspect=4 / 3, flip=True)
    made, drawn = views(policy, spec=RAW), uniforms(NAMES, 0, 0, COLUMNS)
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
    policy = Policy(area=(0.25, 0.8), aspect=1.5)
    made = augmented([canvas] * 300, names, InputSpec(32, (0.0,), (1.0,), "bilinear", 1.0), policy, channels=3, seed=0, epoch=0) * 255
    wide = (made[:, 0, 16, -1] - made[:, 0, 16, 0]) * 32 / 31
    tall = (made[:, 1, -1, 16] - made[:, 1, 0, 16]) * 32 / 31
    assert made.min() >= 0
    area, ratio = (wide * tall) / 200**2, wide / tall
    assert 0.23 < area.min() < 0.30 and 0.75 < area.max() < 0.83
    assert 1 / 1.55 < ratio.min() < 0.75 and 1.35 < ratio.max() < 1.55
    assert made[:, 0, 16, 0].min() < 10 and made[:, 0, 16, -1].max() > 240 and made[:, 1, -1, 16].max() > 190


def test_brightness_and_contrast_of_a_view_are_those_that_were_drawn():
    plain, lit, drawn = views(STILL, spec=RAW), views(Policy(brightness=0.3, contrast=0.2), spec=RAW), uniforms(NAMES, 0, 0, COLUMNS)
    either = torch.from_numpy(2 * drawn[:, COLOR] - 1).float()
    expected = color_jitter.contrast(color_jitter.brightness(plain, 1 + 0.3 * either[:, 0]), 1 + 0.2 * either[:, 1])
    assert torch.equal(lit, expected) and not torch.allclose(lit, plain, atol=1e-2)


def test_a_rotation_alone_is_pillows():
    policy, smooth = Policy(rotation=30.0), [np.asarray(Image.fromarray(c).resize((24, 24), Image.Resampling.BICUBIC)) for c in canvases()]
    made = augmented(smooth, NAMES, RAW, policy, channels=3, seed=0, epoch=0)
    degrees = 30 * (2 * uniforms(NAMES, 0, 0, COLUMNS)[:, WARP.start] - 1)
    inner = np.hypot(*(np.mgrid[0:24, 0:24] - 11.5)) < 9
    for sign, right in ((-1, True), (1, False)):  # Pillow counts against the clock
        theirs = [np.asarray(Image.fromarray(c).rotate(sign * t, Image.Resampling.BILINEAR)) for c, t in zip(smooth, degrees, strict=True)]
        apart = abs(made.permute(0, 2, 3, 1).numpy() * 255 - np.stack(theirs))[:, inner].max()
        assert (apart <= 2) == right


@pytest.mark.parametrize(("field", "place"), [("translation", 3), ("scale", 2)])
def test_translation_and_scale_move_a_spot_by_what_they_say(field: str, place: int):
    """A bright spot right of the centre, followed by its centre of mass."""
    y, x = np.mgrid[0:96, 0:96]
    spot = (255 * np.exp(-((x - 63.5) ** 2 + (y - 47.5) ** 2) / 18)).astype(np.uint8)
    canvas, spec = np.stack([spot] * 3, 2), InputSpec(96, (0.0,), (1.0,), "bilinear", 1.0)
    made = augmented([canvas] * 9, NAMES, spec, Policy(**{field: 0.1}), channels=1, seed=0, epoch=0)[:, 0].numpy()
    at = (made * x).sum((1, 2)) / made.sum((1, 2)) - 47.5
    either = 2 * uniforms(NAMES, 0, 0, COLUMNS)[:, WARP][:, place] - 1
    expected = 16 + 9.6 * either if field == "translation" else 16 * (1 + 0.1 * either)
    assert np.allclose(at, expected, atol=0.3)


def test_corners_of_a_tilted_view_move_inwards_by_up_to_what_the_policy_says():
    """A white canvas on black ground: the share that is left of it in each corner."""
    drawn = np.random.default_rng(0).uniform(size=(50, 13))
    ones, policy = torch.ones(50, 1, 60, 60), Policy(perspective=0.4)
    seen = warping.warp(ones, warping.drawn_warp(policy, drawn, (60, 60)), border=False)
    assert bool((seen[:, :, 12:48, 12:48] > 0.99).all()), "no corner moves by more than 0.4 of 30 px"
    assert (seen[:, 0, 0, 0] < 0.5).float().mean() > 0.8
    assert bool((warping.warp(ones, warping.drawn_warp(Policy(), drawn, (60, 60)), border=False) > 0.999).all())


def test_blurred_and_erased_views_are_as_many_as_the_policy_says():
    canvas, names, spec = (
        np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8),
        [str(i) for i in range(300)],
        replace(SPEC, pixels=112),
    )
    plain = prepare([canvas], spec, 3)[0]
    for policy, share in ((Policy(blur=0.3), 0.3), (Policy(erasing=0.25), 0.25)):
        made = augmented([canvas] * 300, names, spec, policy, channels=3, seed=1, epoch=2)
        changed = (made - plain).abs().amax((1, 2, 3)) > 1e-4
        assert abs(float(changed.float().mean()) - share) < 0.08


@pytest.mark.parametrize(
    ("policy", "ends"), [(Policy(erasing=1.0), (0.02, 0.2)), (Policy(erasing=1.0, erased=(0.25, 0.25), erased_aspect=1.0), (0.25, 0.25))]
)
def test_erased_rectangles_have_the_area_that_the_policy_says_and_hold_the_mean(policy: Policy, ends: tuple[float, float]):
    names = [str(i) for i in range(200)]
    made = augmented([canvases()[0]] * 200, names, SPEC, policy, channels=3, seed=1, epoch=2)
    area = (made == 0).all(1).float().mean((1, 2))
    assert ends[0] - 0.02 < area.min() and area.max() < ends[1] + 0.03
    if ends[0] == ends[1]:
        for image in (made == 0).all(1):  # Cutout: a square
            assert image.any(0).sum() == image.any(1).sum() == 12


def test_grey_pictures_are_never_mirrored_and_small_ones_are_not_cut():
    assert not fitted("auto", 224, 3, grey=True).policy.flip and fitted("auto", 224, 3, grey=False).policy.flip
    assert fitted("auto", 224, 1, grey=True).policy.area == POLICIES["light"].area and fitted("auto", 32, 1, grey=True).policy.area == (
        1,
        1,
    )
    assert fitted("auto", 32, 3, grey=True).policy.warps and not fitted("auto", 224, 3, grey=False).policy.warps


@pytest.mark.parametrize("name", [name for name, policy in POLICIES.items() if policy.flip])
def test_what_of_a_policy_is_not_applied_is_told(name: str):
    assert fitted(name, 224, 3, grey=False).left_out == () and fitted(name, 224, 3, grey=False).policy == POLICIES[name]
    grey = fitted(name, 224, 1, grey=True)
    assert "mirroring is left out" in grey.left_out[0] and not grey.policy.flip and not grey.policy.hue and not grey.policy.saturation
    told = " ".join(grey.left_out)
    assert ("hue" in told) == bool(POLICIES[name].hue) and (POLICIES[name].automatic in told or not POLICIES[name].automatic)


def test_medical_changes_nothing_that_changes_the_meaning():
    medical = POLICIES["medical"]
    assert all(getattr(medical, field) == getattr(Policy(), field) for field in MEDICAL_WHY)
    changed = {field.name for field in fields(Policy) if getattr(medical, field.name) != getattr(Policy(), field.name)}
    assert changed == {"rotation", "translation", "scale", "brightness", "contrast"}
    spare = {"aspect", "shear", "magnitude", "erased", "erased_aspect"}  # what goes with others, or is a shape that "shear" would change
    assert {field.name for field in fields(Policy)} == changed | set(MEDICAL_WHY) | spare
    assert not medical.cuts and not medical.mixes and medical.rotation <= 10 and medical.scale <= 0.1


def test_what_a_policy_changes_is_told_with_its_range():
    assert rows(Policy()) == ()
    told = dict(rows(POLICIES["strong"]))
    assert told["operations drawn from a table"] == "RandAugment, 2 of magnitude 9 of 30" and told["Mixup, alpha"] == "0.2"
    for name, policy in POLICIES.items():
        changed = [f.name for f in fields(Policy) if getattr(policy, f.name) != getattr(Policy(), f.name)]
        assert len(rows(policy)) == len(changed), f"{name}: each change is told once"


def test_an_unwritable_canvas_is_cut_without_a_warning():
    canvas = canvases()[0].copy()
    canvas.flags.writeable = False
    assert augmented([canvas], ["a"], SPEC, EVERYTHING, channels=3, seed=0, epoch=0).shape == (1, 3, 24, 24)
