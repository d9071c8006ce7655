"""Flags of `train` that say how the network learns, where a user knows better than the ladder."""

from typing import Annotated

import typer

_PANEL = "How the network learns"

Epochs = Annotated[int | None, typer.Option(help="Times that each phase sees every image.", rich_help_panel=_PANEL, show_default=False)]
Rate = Annotated[float | None, typer.Option(help="Highest learning rate.", rich_help_panel=_PANEL, show_default=False)]
Optimiser = Annotated[str | None, typer.Option(help="sgd or adamw.", rich_help_panel=_PANEL, show_default=False)]
Decay = Annotated[float | None, typer.Option(help="Weight decay; norms and biases are spared.", rich_help_panel=_PANEL, show_default=False)]
Smoothing = Annotated[float | None, typer.Option(help="Label smoothing, 0 to 1.", rich_help_panel=_PANEL, show_default=False)]
