"""Flags that say how images are found and what they belong to: declared once for `audit`, `train` and `evaluate`."""

from typing import Annotated

import typer

_PANEL = "How folders, tables and names are meant"

Layout = Annotated[str, typer.Option(help="What the folders are: auto, classes or splits.", rich_help_panel=_PANEL)]
PathColumn = Annotated[str | None, typer.Option(help="Column that names the files.", rich_help_panel=_PANEL, show_default=False)]
LabelColumn = Annotated[str | None, typer.Option(help="Column of the classes.", rich_help_panel=_PANEL, show_default=False)]
SplitColumn = Annotated[
    str | None, typer.Option(help="Column of train, val and test, or none.", rich_help_panel=_PANEL, show_default=False)
]
FoldColumn = Annotated[
    str | None, typer.Option(help="Column of folds to cross-validate, or none.", rich_help_panel=_PANEL, show_default=False)
]
GroupColumn = Annotated[
    str | None, typer.Option(help="Column of what belongs together, or none.", rich_help_panel=_PANEL, show_default=False)
]
Root = Annotated[
    str | None, typer.Option(help="Folder that a table's paths start from. Default: its own.", rich_help_panel=_PANEL, show_default=False)
]
Suffix = Annotated[
    str, typer.Option(help="Ending of files that a table names without: .jpg, or any.", rich_help_panel=_PANEL, show_default=False)
]
Group = Annotated[
    list[str] | None,
    typer.Option(
        help="What belongs together, by name: an expression such as 'person(\\d+)_', or patient, clip, burst, day. Several times.",
        rich_help_panel=_PANEL, show_default=False,
    ),
]  # fmt: skip
ChannelsAxis = Annotated[
    str, typer.Option(help="Where arrays of bands have them: auto, first (C, H, W) or last (H, W, C).", rich_help_panel=_PANEL)
]
Ungrouped = Annotated[str, typer.Option(help="Images that no --group fits: refuse, or own (each for itself).", rich_help_panel=_PANEL)]
