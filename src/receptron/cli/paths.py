"""Options and arguments that are paths: text until it was looked at, as `Path("")` is the folder one stands in."""

from pathlib import Path

from receptron.given_path import check_given


def path(text: str | Path) -> Path:
    """What typer makes of a path; defaults come as paths already. Raises: BadValue if it is empty."""
    return check_given(text)
