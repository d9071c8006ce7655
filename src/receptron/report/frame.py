"""The one frame of every HTML page: colours, policy, generator; its styles and script stand in the page and are allowed by their hash."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import cast

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from receptron.errors import BadValue
from receptron.given_path import check_plain
from receptron.report.svg import harmless

GENERATOR = b'<meta name="generator" content="Receptron'
HEAD = 1024
"""Bytes at a file's beginning among which our generator tag stands."""


def framed(template: str, values: Mapping[str, object], filters: Mapping[str, Callable[..., object]], assets: Sequence[str] = ()) -> str:
    """A page from a template that extends frame.html.j2; `assets` are the styles and scripts that it has beyond the frame's own."""
    names = ("frame.css", "frame.js", *assets)
    style, script = ("\n".join(asset(name) for name in names if name.endswith(ending)) for ending in (".css", ".js"))
    frame = {"style": Markup(style), "script": Markup(script), "policy": policy(style, script)}
    text = environment(filters).get_template(template).render({**values, **frame})
    return text.encode("utf-8", "replace").decode()  # a name that is no Unicode comes as lone surrogates, which no page can hold


def environment(filters: Mapping[str, Callable[..., object]]) -> Environment:
    """Templates of this folder, where every value is escaped and none may be missing."""
    made = Environment(
        loader=FunctionLoader(asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    made.filters.update({**filters, "data": data})
    return made


def _shown(value: object) -> object:
    """Text that strangers may have written, with escapes for what would reorder or hide what stands beside it."""
    return harmless(value) if isinstance(value, str) else value


def _shown_all(value: object) -> object:
    """`_shown` of every text in what JSON can hold."""
    match value:
        case dict():
            return {_shown(name): _shown_all(part) for name, part in cast(dict[str, object], value).items()}
        case list() | tuple():
            return [_shown_all(part) for part in cast(Sequence[object], value)]
        case _:
            return _shown(value)


def policy(style: str, script: str) -> str:
    """Content security policy: the page's own style and script, pictures inside the page, nothing else; whatever a name tries to be."""
    allowed = f"img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def data(value: object) -> Markup:
    """JSON for a data block of the page, which no text in it can end."""
    return Markup(json.dumps(_shown_all(value)).replace("<", "\\u003c"))


def is_ours(path: Path) -> bool:
    """Whether a file is a page that Receptron made."""
    try:
        with check_plain(path).open("rb") as file:
            return GENERATOR in file.read(HEAD)
    except (OSError, BadValue):
        return False


def check_replaceable(path: Path | None, *, overwrite: bool = False) -> None:
    """Hold, before any work, that a page may be written to `path`. Raises: BadValue if something that is no page of ours lies there."""
    if path is None or not (check_plain(path).exists() or path.is_symlink()) or is_ours(path):
        return
    if path.is_dir():
        raise BadValue(f"{path} is a folder.", why="a page is one file", mend=f"give a file name: {path}/page.html")
    if not overwrite:
        raise BadValue(
            f"{path} is there already, and is no page of Receptron.",
            why="writing the page would replace it",
            mend="give another name, or replace it: --overwrite",
        )


@cache
def asset(name: str) -> str:
    """A file of this folder, by its path there."""
    return files("receptron.report").joinpath(name).read_text(encoding="utf-8")


def _digest(source: str) -> str:
    """How a content security policy names the one inline text that it allows."""
    return "sha256-" + b64encode(sha256(source.encode()).digest()).decode()
