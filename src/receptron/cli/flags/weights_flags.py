"""Flags that say what a local file of weights expects, where no sidecar does: declared once for `train` and `evaluate`."""

from typing import TYPE_CHECKING, Annotated

import typer

from receptron.errors import BadValue

if TYPE_CHECKING:
    from receptron.weights.sidecar import Sidecar

_PANEL = "Local weights without a sidecar file"

Keys = Annotated[
    str | None,
    typer.Option(help="Whose parameter names: receptron, torchvision, timm, lukemelas.", rich_help_panel=_PANEL, show_default=False),
]
Pixels = Annotated[int | None, typer.Option(help="Side of the input, px.", rich_help_panel=_PANEL, show_default=False)]
Mean = Annotated[str | None, typer.Option(help="Mean per channel, 0..1: 0.5,0.5,0.5.", rich_help_panel=_PANEL, show_default=False)]
Std = Annotated[str | None, typer.Option(help="Deviation per channel, 0..1.", rich_help_panel=_PANEL, show_default=False)]
Interpolation = Annotated[str | None, typer.Option(help="bilinear, bicubic, ...", rich_help_panel=_PANEL, show_default=False)]
Crop = Annotated[float | None, typer.Option(help="Input side / resized shorter side.", rich_help_panel=_PANEL, show_default=False)]


def facts(
    net: str | None, keys: str | None, pixels: int | None, mean: str | None, std: str | None, interpolation: str | None, crop: float | None
) -> "Sidecar":
    """What was typed, as one record. Raises: BadValue."""
    from receptron.weights.sidecar import Sidecar

    return Sidecar(net, keys, pixels, _numbers("--weights-mean", mean), _numbers("--weights-std", std), interpolation, crop)


def _numbers(flag: str, text: str | None) -> tuple[float, ...] | None:
    """Numbers of a list such as 0.5,0.5,0.5. Raises: BadValue."""
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise BadValue(f"{flag} {text} is not a list of numbers.", mend=f"write it like {flag} 0.5,0.5,0.5") from error
