"""Policies of augmentation as data: how far the views of an image may stray from it, and what is left out for which images, and why."""

from dataclasses import dataclass, replace
from typing import Literal

Automatic = Literal["", "randaugment", "trivialaugment"]


@dataclass(frozen=True)
class Policy:
    """How far views stray from the image; the numbers are ends of uniform ranges, and 0 or (1, 1) is no change."""

    area: tuple[float, float] = (1.0, 1.0)  # share of the picture that the cut shows (random resized crop)
    aspect: float = 1.0  # width / height of the cut lies in [1 / aspect, aspect], log-uniform
    flip: bool = False  # mirror left to right, every second time
    rotation: float = 0.0  # degrees either way
    translation: float = 0.0  # share of the side either way
    scale: float = 0.0  # share either way
    shear: float = 0.0  # degrees either way
    perspective: float = 0.0  # each corner moves inwards by up to this share of half the side
    brightness: float = 0.0  # factor 1 - b to 1 + b, and so the next two
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0  # share of the colour circle either way, at most 0.5
    blur: float = 0.0  # share of the views that are blurred, sigma 0.1 to 2 px on 224 px and as much less on less
    automatic: Automatic = ""  # operations drawn from a table: RandAugment, or TrivialAugment
    magnitude: int = 9  # of RandAugment's operations, of 30
    erasing: float = 0.0  # share of the views with a rectangle of nothing (random erasing)
    erased: tuple[float, float] = (0.02, 0.2)  # its share of the area; the ends equal and an aspect of 1: Cutout
    erased_aspect: float = 3.3
    mixup: float = 0.0  # alpha of Mixup's Beta distribution; beside CutMix each takes every second image
    cutmix: float = 0.0  # alpha of CutMix's

    @property
    def cuts(self) -> bool:
        """Whether views show a part of the canvas or its mirror image; if not, they are its centre."""
        return self.flip or self.aspect != 1.0 or self.area != (1.0, 1.0)

    @property
    def warps(self) -> bool:
        """Whether views are moved in the plane or tilted, which costs an interpolation."""
        return any((self.rotation, self.translation, self.scale, self.shear, self.perspective))

    @property
    def mixes(self) -> bool:
        """Whether images are mixed in pairs, and their labels with them."""
        return bool(self.mixup or self.cutmix)

    @property
    def varies(self) -> bool:
        """Whether a view is ever anything but the centre of its image."""
        return replace(self, mixup=0.0, cutmix=0.0) != Policy()


# Random resized crop and mirror (Szegedy et al. 2015, section 6), milder than for ImageNet because few images are given.
_LIGHT = Policy(area=(0.35, 1.0), aspect=4 / 3, flip=True, brightness=0.2, contrast=0.2)

POLICIES = {
    "none": Policy(),
    "light": _LIGHT,
    "standard": replace(
        _LIGHT, area=(0.25, 1.0), rotation=10.0, perspective=0.15, brightness=0.3, contrast=0.3, saturation=0.3, hue=0.03, blur=0.1
    ),
    "strong": replace(_LIGHT, area=(0.2, 1.0), automatic="randaugment", erasing=0.25, mixup=0.2, cutmix=1.0),
    "randaugment": replace(_LIGHT, automatic="randaugment"),
    "trivialaugment": replace(_LIGHT, automatic="trivialaugment"),
    # What another patient, another tube voltage or another position on the table would change, and nothing more; see MEDICAL_WHY.
    "medical": Policy(rotation=7.0, translation=0.04, scale=0.08, brightness=0.1, contrast=0.1),
    # Pictures with a fixed orientation, such as digits: small affine changes (Simard et al. 2003) and no mirror image.
    "small": Policy(rotation=12.0, translation=0.1, scale=0.12, shear=8.0),
}
AUTO = "auto"
SMALL = 64  # px of the network's input, below which "auto" takes "small" and not "light"

MEDICAL_WHY = {
    "flip": "a heart on the right is another finding, and side marks would be mirrored",
    "area": "a cut may lose the finding that the label names",
    "perspective": "sizes and angles are measured, and a tilt changes them",
    "hue": "the colour of a stain or a lesion is its diagnosis",
    "saturation": "the colour of a stain or a lesion is its diagnosis",
    "blur": "fine findings, such as microcalcifications, are the first to vanish",
    "automatic": "it solarizes, inverts tones and shears, which no patient does",
    "erasing": "it may cover the finding that the label names",
    "mixup": "half of a finding is no finding of half the degree",
    "cutmix": "it pastes a piece of another patient",
}
_COLOUR = ("saturation", "hue")
_TONES = ("brightness", "contrast", *_COLOUR, "automatic")


@dataclass(frozen=True)
class FittedPolicy:
    """A policy as it is applied to the images at hand, and what of it is not, each with the reason."""

    name: str
    policy: Policy
    left_out: tuple[str, ...]


def fitted(name: str, pixels: int, channels: int, *, grey: bool, bands: bool = False) -> FittedPolicy:
    """The policy called `name` for images of `pixels` px; "auto" takes "small" below 64 px and otherwise "light".

    Grey images keep their side, because writing and anatomy have a left and a right; saturation and hue need colours, and bands in units of
    their own have no tones at all.

    >>> found = fitted("standard", 224, 1, grey=True)
    >>> found.policy.flip, found.policy.hue, found.policy.rotation
    (False, 0.0, 10.0)
    """
    chosen = name if name != AUTO else "light" if pixels >= SMALL else "small"
    policy, left_out = POLICIES[chosen], list[str]()
    if grey and policy.flip:
        policy = replace(policy, flip=False)
        left_out.append("mirroring is left out: all images are grey, and writing and anatomy have a left and a right")
    if bands:
        tones = [field for field in _TONES if getattr(policy, field)]
        policy = replace(policy, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0, automatic="")
        if tones:
            told = ", ".join("operations on tones" if field == "automatic" else field for field in tones)
            left_out.append(f"{told}: left out, as bands have units of their own, and no tones or colours")
    if (grey or channels != 3) and any(getattr(policy, field) for field in _COLOUR):
        policy = replace(policy, saturation=0.0, hue=0.0)
        why = "all images are grey" if grey else f"the network takes {channels} channels, not red, green and blue"
        left_out.append(f"saturation and hue are left out: {why}")
    if (grey or channels != 3) and policy.automatic:
        left_out.append(f"colour, one of the operations of {policy.automatic}, does nothing here: there are no colours")
    return FittedPolicy(chosen, policy, tuple(left_out))


_FIELDS: dict[str, str] = {
    "area": "random resized crop, share of the picture",
    "aspect": "width / height of the cut",
    "flip": "mirror left to right",
    "rotation": "rotation, degrees",
    "translation": "translation, share of the side",
    "scale": "scale",
    "shear": "shear, degrees",
    "perspective": "perspective, corners inwards by a share of half the side",
    "brightness": "brightness, factor",
    "contrast": "contrast, factor",
    "saturation": "saturation, factor",
    "hue": "hue, share of the colour circle",
    "blur": "Gaussian blur, share of the views",
    "automatic": "operations drawn from a table",
    "erasing": "random erasing, share of the views",
    "mixup": "Mixup, alpha",
    "cutmix": "CutMix, alpha",
}


def in_words(field: str) -> str:
    """What a field of a policy changes."""
    return _FIELDS[field].split(",")[0]


def rows(policy: Policy) -> tuple[tuple[str, str], ...]:
    """What a policy changes and how far, in words, in the order in which it is applied.

    >>> rows(Policy(rotation=7.0, contrast=0.1))
    (('rotation, degrees', '-7 to 7'), ('contrast, factor', '0.9 to 1.1'))
    """
    still = Policy()
    return tuple((text, _range(field, policy)) for field, text in _FIELDS.items() if getattr(policy, field) != getattr(still, field))


def _range(field: str, policy: Policy) -> str:
    value: object = getattr(policy, field)
    if field == "automatic":
        return f"RandAugment, 2 of magnitude {policy.magnitude} of 30" if value == "randaugment" else "TrivialAugment"
    if isinstance(value, tuple):
        return f"{value[0]:g} to {value[1]:g}"
    if isinstance(value, bool):
        return "every second view"
    number = float(str(value))
    if field == "aspect":
        return f"{1 / number:.2f} to {number:.2f}"
    if field in ("scale", "brightness", "contrast", "saturation"):
        return f"{1 - number:g} to {1 + number:g}"
    if field in ("perspective", "blur", "erasing"):
        return f"up to {number:g}" if field == "perspective" else f"{number:.0%}"
    return f"{number:g}" if field in ("mixup", "cutmix") else f"-{number:g} to {number:g}"
