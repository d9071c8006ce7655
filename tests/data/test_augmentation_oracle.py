"""Every operation of augmentation against torchvision's, on drawn images and parameters; the twin of each, a little wrong, must differ."""

import importlib
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from oracles import torchvision
from receptron.data.augmentation import automatic, color_jitter, cutting, erasing, mixing, tone, warping
from receptron.data.augmentation.blurring import gaussian_blur
from receptron.data.augmentation.policy import Policy

torchvision()
v2 = importlib.import_module("torchvision.transforms.v2")
F = v2.functional
CLOSE = 2e-5
SEEDS = range(4)
SIZES = ((3, 24, 24), (3, 31, 20), (1, 17, 28))


def drawn(seed: int, size: tuple[int, int, int] = (3, 24, 24), count: int = 5) -> Tensor:
    """Smooth float images in 0..1 with some grey, some flat and some saturated places."""
    torch.manual_seed(seed)
    images = torch.nn.functional.interpolate(torch.rand(count, size[0], 6, 6), size[1:], mode="bicubic").clamp(0, 1)
    images[0, :, :4] = images[0, :1, :4]  # grey
    images[1, :, :, :3] = 1.0
    images[2] = 0.25
    return images


def factors(seed: int, low: float, high: float, count: int = 5) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).uniform(low, high, count)).float()


Ours = Callable[[Tensor, Tensor], Tensor]
Theirs = Callable[[Tensor, float], Tensor]
BY_NUMBER: dict[str, tuple[Ours, Theirs, float, float]] = {
    "brightness": (color_jitter.brightness, F.adjust_brightness, 0.2, 1.9),
    "contrast": (color_jitter.contrast, F.adjust_contrast, 0.2, 1.9),
    "saturation": (color_jitter.saturation, F.adjust_saturation, 0.0, 1.9),
    "hue": (color_jitter.hue, F.adjust_hue, -0.5, 0.5),
    "sharpness": (tone.sharpness, F.adjust_sharpness, 0.0, 1.9),
    "solarize": (tone.solarize, F.solarize, 0.1, 0.9),
    "blur": (lambda images, s: gaussian_blur(images, s, 6), lambda image, s: F.gaussian_blur(image, [13, 13], [s, s]), 0.1, 2.0),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", BY_NUMBER)
def test_an_operation_with_a_number_is_torchvisions(name: str, seed: int, size: tuple[int, int, int]):
    ours, theirs, low, high = BY_NUMBER[name]
    images, numbers = drawn(seed, size), factors(seed, low, high)
    before = images.clone()
    found = ours(images, numbers)
    expected = torch.stack([theirs(image, number) for image, number in zip(images, numbers.tolist(), strict=True)])
    assert torch.allclose(found, expected, atol=CLOSE)
    assert torch.equal(images, before), "the images that were given are not changed"
    colourless = size[0] == 1 and name in ("saturation", "hue")
    wrong = ours(images, numbers + 0.04)
    assert colourless or not torch.allclose(wrong, expected, atol=CLOSE), "a slightly other number must show"


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_operations_without_a_number_are_torchvisions(seed: int, size: tuple[int, int, int]):
    images = drawn(seed, size) * 0.7 + 0.1
    assert torch.allclose(tone.autocontrast(images), F.autocontrast(images), atol=CLOSE)
    assert torch.allclose(tone.equalize(images), F.equalize(images), atol=CLOSE)
    assert not torch.allclose(tone.equalize(images), F.equalize(images.roll(1, 3) * 0.9), atol=CLOSE)
    bits = [1, 2, 4, 7, 8]
    expected = torch.stack([F.posterize(image, count) for image, count in zip(images, bits, strict=True)])
    assert torch.allclose(tone.posterize(images, torch.tensor(bits)), expected, atol=CLOSE)
    assert not torch.allclose(tone.posterize(images, torch.tensor(bits) - 1), expected, atol=CLOSE)


@pytest.mark.parametrize("seed", SEEDS)
def test_equalize_of_bytes_is_pillows(seed: int):
    from PIL import ImageOps

    pixels = (drawn(seed)[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    theirs = np.asarray(ImageOps.equalize(Image.fromarray(pixels)))
    ours = tone.equalize(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255)
    assert np.array_equal((ours[0].permute(1, 2, 0) * 255).round().numpy().astype(np.uint8), theirs)


def inside(matrices: np.ndarray, size: tuple[int, int, int], count: int) -> Tensor:
    """Where a view shows the image and not what lies outside, which torchvision fills with black."""
    return (warping.warp(torch.ones(count, 1, *size[1:]), matrices, border=False) > 0.9999).expand(-1, size[0], -1, -1)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_an_affine_move_is_torchvisions(seed: int, size: tuple[int, int, int]):
    rng, images = np.random.default_rng(seed), drawn(seed, size)
    degrees, scale = rng.uniform(-60, 60, 5), rng.uniform(0.6, 1.5, 5)
    shift, shear = rng.uniform(-4, 4, (5, 2)), rng.uniform(-25, 25, (5, 2))
    expected = torch.stack(
        [
            F.affine(image, a, list(t), s, list(k), interpolation=v2.InterpolationMode.BILINEAR)
            for image, a, t, s, k in zip(images, degrees, shift, scale, shear, strict=True)
        ]
    )
    matrices = warping.affine(degrees, shift, scale, shear, size[1:])
    assert torch.allclose(warping.warp(images, matrices, border=False), expected, atol=2e-4)
    seen = inside(matrices, size, 5)
    assert seen.float().mean() > 0.3
    assert torch.allclose(warping.warp(images, matrices)[seen], expected[seen], atol=2e-4)
    for wrong in (
        warping.affine(-degrees, shift, scale, shear, size[1:]),
        warping.affine(degrees, shift[:, ::-1], scale, shear, size[1:]),
        warping.affine(degrees, shift, 1 / scale, shear, size[1:]),
        warping.affine(degrees, shift, scale, shear[:, ::-1], size[1:]),
    ):
        assert not torch.allclose(warping.warp(images, wrong, border=False), expected, atol=2e-2)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_tilt_is_torchvisions(seed: int, size: tuple[int, int, int]):
    rng, images, (_, height, width) = np.random.default_rng(seed), drawn(seed, size), size
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]])
    ends = corners + rng.integers(-5, 6, (5, 4, 2))
    expected = torch.stack(
        [
            F.perspective(image, corners.tolist(), end.tolist(), interpolation=v2.InterpolationMode.BILINEAR)
            for image, end in zip(images, ends, strict=True)
        ]
    )
    matrices = warping.perspective(np.broadcast_to(corners, ends.shape).astype(float), ends.astype(float))
    assert torch.allclose(warping.warp(images, matrices, border=False), expected, atol=5e-4)
    wrong = warping.perspective(ends.astype(float), np.broadcast_to(corners, ends.shape).astype(float))
    assert not torch.allclose(warping.warp(images, wrong, border=False), expected, atol=2e-2)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_matrices_are_one_after_the_other(seed: int):
    """What a policy composes into one interpolation is what torchvision does in two, but for the second smoothing."""
    torch.manual_seed(seed)
    images = torch.nn.functional.interpolate(torch.rand(3, 3, 3, 3), (64, 64), mode="bicubic", align_corners=True)
    rng, none = np.random.default_rng(seed), np.zeros((3, 2))
    turn = warping.affine(rng.uniform(-20, 20, 3), none, np.ones(3), none, (64, 64))
    shift = warping.affine(np.zeros(3), rng.uniform(-9, 9, (3, 2)), np.ones(3), none, (64, 64))
    both, steps = warping.warp(images, turn @ shift), warping.warp(warping.warp(images, turn), shift)
    assert torch.allclose(both[..., 16:48, 16:48], steps[..., 16:48, 16:48], atol=5e-3)
    assert not torch.allclose(warping.warp(images, shift @ turn)[..., 16:48, 16:48], steps[..., 16:48, 16:48], atol=5e-3)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_crop_is_torchvisions(seed: int, *, mirror: bool):
    rng = np.random.default_rng(seed)
    canvas = (drawn(seed, (3, 60, 47))[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    top, left, tall, wide = int(rng.integers(0, 20)), int(rng.integers(0, 15)), int(rng.integers(20, 40)), int(rng.integers(20, 32))
    image = torch.from_numpy(canvas).permute(2, 0, 1)
    theirs = F.resized_crop(image, top, left, tall, wide, [24, 24], antialias=True)
    theirs = F.horizontal_flip(theirs) if mirror else theirs
    ours = cutting.resized_crop(canvas, (top, left, tall, wide), 24, mirror=mirror)
    assert torch.equal(ours, theirs)
    assert not torch.equal(cutting.resized_crop(canvas, (top, left, wide, tall), 24, mirror=mirror), theirs)
    assert not torch.equal(cutting.resized_crop(canvas, (top, left, tall, wide), 24, mirror=not mirror), theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_erased_rectangle_is_torchvisions(seed: int):
    rng, images = np.random.default_rng(seed), drawn(seed) - 0.5
    windows = [(*rng.integers(0, 8, 2).tolist(), *rng.integers(3, 16, 2).tolist()) for _ in images]
    expected = torch.stack([F.erase(image, *window, torch.zeros(1)) for image, window in zip(images, windows, strict=True)])
    assert torch.equal(erasing.erase(images.clone(), windows), expected)
    swapped = [(left, top, wide, tall) for top, left, tall, wide in windows]
    assert not torch.equal(erasing.erase(images.clone(), swapped), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_mixup_and_its_labels_are_torchvisions(seed: int):
    images, labels, share = drawn(seed), torch.tensor([0, 2, 1, 3, 3]), 0.1 + 0.2 * seed
    theirs = v2.MixUp(num_classes=4)
    params = {"lam": share, "labels": labels, "batch_size": 5}
    partners = np.roll(np.arange(5), 1)
    mixes = mixing.Mixes(partners, np.full(5, share), [None] * 5)
    assert torch.allclose(mixing.mixed(images, images[partners], mixes), theirs.transform(images, params), atol=1e-6)
    soft = mixing.soft_targets(labels, labels[partners], mixes, 4)
    assert torch.allclose(soft, theirs.transform(labels, params), atol=1e-6) and torch.allclose(soft.sum(1), torch.ones(5))
    swapped = mixing.Mixes(partners, 1 - mixes.shares, mixes.windows)
    assert seed == 2 or not torch.allclose(mixing.soft_targets(labels, labels[partners], swapped, 4), soft)


@pytest.mark.parametrize("size", [(24, 24), (31, 20)])
@pytest.mark.parametrize("seed", SEEDS)
def test_cutmix_and_its_labels_are_torchvisions(seed: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch):
    """The window from the same share and centre, what is pasted, and the share of the labels after the cut at the border."""
    images, labels = drawn(seed, (3, *size)), torch.tensor([0, 2, 1, 3, 3])
    row = np.random.default_rng(seed).uniform(size=5)
    mixes = mixing.drawn_mixes(Policy(cutmix=1.0), np.repeat(row[None], 5, 0), 5, size)
    theirs = v2.CutMix(num_classes=4)
    monkeypatch.setattr(theirs._dist, "sample", lambda _: torch.tensor(row[2]), raising=False)  # Beta(1, 1) is uniform
    centre = iter([int(row[3] * size[1]), int(row[4] * size[0])])
    monkeypatch.setattr(torch, "randint", lambda *_, **__: torch.tensor([next(centre)]))
    params = theirs.make_params([images]) | {"labels": labels, "batch_size": 5}
    partners = np.roll(np.arange(5), 1)
    mixes = mixing.Mixes(partners, mixes.shares, mixes.windows)
    x1, y1, x2, y2 = params["box"]
    assert mixes.windows == [(y1, x1, y2 - y1, x2 - x1)] * 5
    assert torch.equal(mixing.mixed(images, images[partners], mixes), theirs.transform(images, params))
    assert torch.allclose(mixing.soft_targets(labels, labels[partners], mixes, 4), theirs.transform(labels, params), atol=1e-6)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_shares_of_mixup_follow_their_beta_distribution(alpha: float):
    rows = np.random.default_rng(0).uniform(size=(4000, 5))
    shares = mixing.drawn_mixes(Policy(mixup=alpha), rows, 10, (8, 8)).shares
    from scipy.stats import kstest

    assert kstest(shares, "beta", (alpha, alpha)).pvalue > 0.01
    assert kstest(shares, "beta", (2 * alpha, 2 * alpha)).pvalue < 1e-4


_SPACES = {"randaugment": v2.RandAugment, "trivialaugment": v2.TrivialAugmentWide}
_NAMES = {"colour": "Color"}


@pytest.mark.parametrize("method", _SPACES)
def test_strengths_are_those_of_torchvisions_table(method: str):
    space = _SPACES[method]._AUGMENTATION_SPACE
    assert [o.name.replace(" ", "").replace("colour", "color") for o in automatic.OPERATIONS] == [name.lower() for name in space]
    for operation, (strengths, signed) in zip(automatic.OPERATIONS, space.values(), strict=True):
        table = strengths(31, 224, 224)
        assert operation.signed == signed
        if table is None:
            assert operation.randaugment == operation.trivialaugment == 0
            continue
        full = getattr(operation, method)
        ours = np.array([full * bin / 30 for bin in range(31)])
        if "translate" in operation.name:
            ours = ours * 224
        if operation.name == "posterize":
            ours = 8 - np.round(ours)
        if operation.name == "solarize":
            ours = 1 - ours
        assert np.allclose(ours, table.numpy(), atol=1e-4), operation.name


@pytest.mark.parametrize("operation", automatic.OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_of_the_table_is_torchvisions(operation: automatic.RandomOperation):
    images, full = drawn(7, (3, 32, 32)), operation.randaugment
    strengths = full * np.array([0.3, 0.6, 1.0, 0.1, 0.8]) * (np.array([1, -1, 1, -1, 1]) if operation.signed else 1)
    found = operation.apply(images, strengths)
    kind = {"colour": "Color", "autocontrast": "AutoContrast"}.get(operation.name) or operation.name.title().replace(" ", "")
    for image, ours, strength in zip(images, found, strengths, strict=True):
        theirs = v2.RandAugment()
        number = 8 - round(strength) if kind == "Posterize" else 1 - strength if kind == "Solarize" else strength
        if kind.startswith("Translate"):
            number = strength * 32
        if kind.startswith("Shear"):  # they shear about the corner, ours about the centre, as the papers' authors leave open
            angles = [math.degrees(math.atan(strength)), 0.0] if kind.endswith("X") else [0.0, math.degrees(math.atan(strength))]
            expected = F.affine(image, 0.0, [0, 0], 1.0, angles, interpolation=v2.InterpolationMode.BILINEAR)
        else:
            number = -number if kind == "Rotate" else number  # they turn the other way round; the sign is drawn
            expected = theirs._apply_image_or_video_transform(image, kind, number, v2.InterpolationMode.BILINEAR, {})
        shown = slice(None)
        if operation.name.split()[0] in ("shear", "translate", "rotate"):
            seen = operation.apply(torch.ones(1, 3, 32, 32), np.array([strength]))[0]
            assert seen.min() > 0.99, "outside lies the border, not black"
            filled = torch.ones_like(image)
            mask = (
                F.affine(filled, 0.0, [0, 0], 1.0, angles, interpolation=v2.InterpolationMode.BILINEAR)
                if kind.startswith("Shear")
                else theirs._apply_image_or_video_transform(filled, kind, number, v2.InterpolationMode.BILINEAR, {})
            )
            shown = mask > 0.9999
        assert torch.allclose(ours[shown], expected[shown], atol=2e-4)
