"""The facts of a local weights file: from NAME.toml beside it or from flags, never guessed."""

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

import msgspec

from receptron.errors import BadValue, CheckpointMismatch, UnknownName
from receptron.records import reason, short
from receptron.weights.inputs import InputSpec, Interpolation
from receptron.weights.pretrained import KEY_MAPS

_MOST = 1 << 16  # bytes
EXAMPLE = """\
net = "mobilenet_v2"         # its name in `receptron zoo`
keys = "torchvision"         # whose parameter names: receptron, torchvision, timm
licence = "Apache-2.0"       # optional
[input]
pixels = 224
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
interpolation = "bilinear"
crop = 0.875                 # pixels / shorter side after resizing"""
_LIKE_THIS = ("write it like this:", *EXAMPLE.splitlines())


@dataclass(frozen=True)
class Sidecar:
    """What is said about a weights file; None: not said.

    Args:
        net: Name in the zoo.
        keys: Whose parameter names the file uses, one of `KEY_MAPS`.
        pixels: px of the side of the square that the network sees.
        mean: Mean of each channel, on the 0..1 scale.
        std: Standard deviation of each channel, on the 0..1 scale.
        interpolation: "nearest", "box", "bilinear", "bicubic" or "lanczos".
        crop: `pixels` over the shorter side after resizing, 0 to 1.
        licence: Of the weights.
        sha256: Of the file, in hexadecimal; its beginning will do.

    Example:
        >>> Sidecar(net="resnet50", keys="timm").missing()
        ['pixels', 'mean', 'std', 'interpolation', 'crop']
    """

    net: str | None = None
    keys: str | None = None
    pixels: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    interpolation: str | None = None
    crop: float | None = None
    licence: str | None = None
    sha256: str | None = None

    def or_else(self, other: "Sidecar") -> "Sidecar":
        """These facts, and another's where these say nothing.

        Args:
            other: What fills the gaps.

        Returns:
            A new record.

        Example:
            >>> Sidecar(net="resnet50").or_else(Sidecar(net="vgg16", pixels=224)).net
            'resnet50'
        """
        said = {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}
        return replace(other, **said)

    def missing(self) -> list[str]:
        """Facts that a file cannot be used without and that nobody said.

        Returns:
            Their names.

        Example:
            >>> Sidecar().missing()[:2]
            ['net', 'keys']
        """
        return [name for name in ("net", "keys", "pixels", "mean", "std", "interpolation", "crop") if getattr(self, name) is None]


def check_unsaid(said: Sidecar) -> None:
    """Raises: BadValue for facts of a file where no file is given that they could be about; they would be passed over."""
    flags = [f"--weights-{f.name}" for f in fields(said) if f.name != "net" and getattr(said, f.name) is not None]
    if flags:
        why = "it says what a file of weights expects, and no file is given; published weights and models know that themselves"
        raise BadValue(f"{flags[0]} would be passed over.", why=why, mend="give the file: --weights FILE; or leave it out")


def sidecar_of(path: Path) -> Path:
    """Where the facts of a weights file lie: weights.pt -> weights.toml."""
    return path.with_suffix(".toml")


def facts_of(path: Path, said: Sidecar) -> Sidecar:
    """All facts of the weights file at `path`: those `said` by the caller first, then its sidecar's.

    Raises: CheckpointMismatch where both say what the file is, and not the same; BadValue, UnknownName.
    """
    sidecar = sidecar_of(path)
    facts = said
    if sidecar.is_file():
        written = read_sidecar(sidecar)
        check_agreement(path, written, said)
        facts = said.or_else(written)
    if missing := facts.missing():
        flags = ", ".join(f"--weights-{name}" if name != "net" else "--net" for name in missing)
        raise BadValue(
            f"{path.name} says nothing about {', '.join(missing)}.",
            why=f"a file of weights holds numbers only, and what it expects of an image is never guessed; looked for {sidecar}",
            mend=(f"give {flags}, or write {sidecar.name} beside it, for example:", *EXAMPLE.splitlines()),
        )
    if facts.keys not in KEY_MAPS:
        raise UnknownName("key map", str(facts.keys), KEY_MAPS)
    return facts


def check_agreement(path: Path, written: Sidecar, said: Sidecar) -> None:
    """What an image must be like may be said anew, but not what the file is: nets of the same shapes would take it, and answer worse.

    Raises: CheckpointMismatch.
    """
    for name in ("net", "keys", "sha256"):
        theirs, ours = getattr(written, name), getattr(said, name)
        if theirs is None or ours is None or _agree(name, theirs, ours):
            continue
        raise CheckpointMismatch(
            f"{path.name} is said to be two things: {name} is {short(theirs)} in {sidecar_of(path).name}, and {short(ours)} was asked for.",
            why="tensors of one net often fit another, which pads or normalises otherwise: it would run, and answer worse",
            mend=f"ask for {short(theirs)} if that is what the file is, otherwise correct {name} in {sidecar_of(path)}",
        )


def _agree(name: str, theirs: str, ours: str) -> bool:
    if name != "sha256":
        return theirs == ours
    return theirs.lower().startswith(ours.lower()) or ours.lower().startswith(theirs.lower())


def inputs_of(facts: Sidecar, path: Path) -> InputSpec:
    """What is said about the image, as one record. Raises: BadValue naming the weights file at `path`."""
    pixels, mean, std, crop = facts.pixels or 0, facts.mean or (), facts.std or (), facts.crop or 0.0
    try:
        return InputSpec(pixels, mean, std, cast(Interpolation, facts.interpolation), crop)
    except BadValue as error:
        raise BadValue(f"{path.name} cannot be used: {error.what}", why=error.why, mend=error.mend) from error


def read_sidecar(path: Path) -> Sidecar:
    """What a TOML file says. Raises: BadValue naming the file and the field."""
    try:
        table = tomllib.loads(_text(path))
    except (ValueError, RecursionError, OSError) as error:  # a number of 5,000 digits is a plain ValueError
        raise BadValue(f"{path} is not TOML.", why=reason(error), mend=_LIKE_THIS) from error
    inner = table.pop("input", {})
    flat: dict[str, Any] = {**table, **inner} if isinstance(inner, dict) else {**table, "input": inner}
    known = {f.name for f in fields(Sidecar)}
    if odd := sorted(flat.keys() - known):
        raise BadValue(
            f"{path} has the field {short(odd[0])}.",
            why=f"known fields: {', '.join(sorted(known))}",
            mend=_LIKE_THIS,
        )
    try:
        return msgspec.convert(flat, Sidecar)
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        raise BadValue(f"{path} has a value of the wrong kind.", why=reason(error), mend=_LIKE_THIS) from error


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise ValueError(f"it has more than {_MOST:,} bytes")
    return data.decode()
