"""Flags of `train` that say how the network learns, where a user knows better than the ladder."""

from typing import Annotated

import typer

from receptron.errors import BadValue

_PANEL = "How the network learns"

Epochs = Annotated[int | None, typer.Option(help="Times that each phase sees every image.", rich_help_panel=_PANEL, show_default=False)]
Rate = Annotated[
    str | None, typer.Option(help="Highest learning rate, or find: by a range test.", rich_help_panel=_PANEL, show_default=False)
]
Optimiser = Annotated[str | None, typer.Option(help="sgd or adamw.", rich_help_panel=_PANEL, show_default=False)]
Decay = Annotated[float | None, typer.Option(help="Weight decay; norms and biases are spared.", rich_help_panel=_PANEL, show_default=False)]
Smoothing = Annotated[float | None, typer.Option(help="Label smoothing, 0 to 1.", rich_help_panel=_PANEL, show_default=False)]
Schedule = Annotated[
    str | None, typer.Option(help="How the rate goes: cosine, one-cycle or constant.", rich_help_panel=_PANEL, show_default=False)
]
Warmup = Annotated[
    float | None, typer.Option(help="Share of the steps over which the rate rises.", rich_help_panel=_PANEL, show_default=False)
]
Clip = Annotated[float | None, typer.Option(help="Largest norm of the gradient.", rich_help_panel=_PANEL, show_default=False)]
Ema = Annotated[
    float | None, typer.Option(help="Keep averaged weights with this decay, such as 0.999.", rich_help_panel=_PANEL, show_default=False)
]
Patience = Annotated[
    int | None,
    typer.Option(help="End a phase after so many epochs without better accuracy.", rich_help_panel=_PANEL, show_default=False),
]
DropPath = Annotated[
    float | None, typer.Option(help="Leave residual branches out, up to this probability.", rich_help_panel=_PANEL, show_default=False)
]
Head = Annotated[str | None, typer.Option(help="linear, or hidden:256 for a hidden layer.", rich_help_panel=_PANEL, show_default=False)]
Dropout = Annotated[
    float | None, typer.Option(help="Share of what the class layer sees that is left out.", rich_help_panel=_PANEL, show_default=False)
]
Balance = Annotated[
    str | None,
    typer.Option(help="Weigh rare classes: none, sampler, weights, focal or auto.", rich_help_panel=_PANEL, show_default=False),
]

Unfreeze = Annotated[
    str | None,
    typer.Option(help="ladder, or all layers after the head: gradual or all at once.", rich_help_panel=_PANEL, show_default=False),
]
Rates = Annotated[
    str | None, typer.Option(help="Rates of head, middle, early: 10,5,1; or one a stage.", rich_help_panel=_PANEL, show_default=False)
]
LayerDecay = Annotated[
    float | None, typer.Option(help="Each stage learns at this share of the next one's rate.", rich_help_panel=_PANEL, show_default=False)
]
BatchNorm = Annotated[
    str | None,
    typer.Option("--batchnorm", help="trained, frozen or re-estimated statistics.", rich_help_panel=_PANEL, show_default=False),
]
Scales = Annotated[
    str | None, typer.Option(help="Sizes to train at, as shares of the side: 0.75,1,1.25.", rich_help_panel=_PANEL, show_default=False)
]
Pixels = Annotated[int | None, typer.Option(help="Side of the images.", rich_help_panel=_PANEL, show_default=False)]
FinishPixels = Annotated[
    int | None, typer.Option(help="Side in the last third of the epochs, and after.", rich_help_panel=_PANEL, show_default=False)
]


def listed(flag: str, text: str | None) -> tuple[float, ...] | None:
    """Numbers between commas. Raises: BadValue.

    >>> listed("rates", "10,5,1")
    (10.0, 5.0, 1.0)
    """
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise BadValue(f"--{flag} {text} is no list of numbers.", mend="write numbers between commas, as 10,5,1") from None


def rate(text: str | None) -> float | str | None:
    """A number, or "find". Raises: BadValue.

    >>> rate("0.02"), rate("find")
    (0.02, 'find')
    """
    if text is None or text == "find":
        return text
    try:
        return float(text)
    except ValueError:
        raise BadValue(f"--rate {text} is no rate.", mend="give a number such as 0.02, or find") from None
