"""Typed records to JSON and back: every command makes a frozen dataclass first, and prints or draws from it.

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class Size:
...     height: int
...     width: int
>>> from_json(to_json(Size(2, 3)), Size)
Size(height=2, width=3)
"""

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from receptron.errors import DataFault

T = TypeVar("T")


def to_json(record: object, *, indent: int = 2) -> str:
    """JSON text of a record; paths become strings, tuples become lists, keys keep their order.

    What does not print (controls, lone surrogates of a file's name) stands as JSON's own escape.
    """
    try:
        text = msgspec.json.format(msgspec.json.encode(record, enc_hook=_plain), indent=indent).decode()
    except UnicodeEncodeError:  # a lone surrogate: msgspec writes UTF-8 only
        text = json.dumps(msgspec.to_builtins(record, enc_hook=_plain, str_keys=True), ensure_ascii=False, indent=indent or None)
    return text.translate({ord(c): escape(c) for c in set(text) if c != "\n" and not c.isprintable()})


def escape(character: str) -> str:
    """JSON's escape of one character."""
    return json.dumps(character)[1:-1] if ord(character) != 0x7F else "\\u007f"


def from_json(text: str | bytes, kind: type[T], *, source: str = "the JSON text") -> T:
    """The record of type `kind` that `text` holds.

    Raises: DataFault naming `source`, the field and what was wrong with it.
    """
    try:
        return msgspec.json.decode(text, type=kind, dec_hook=_rich)
    except (msgspec.DecodeError, ValueError) as error:
        raise DataFault(
            f"{source} is not a {kind.__name__} record.", why=str(error), mend="restore the file, or make it anew with this version"
        ) from error


def _plain(value: object) -> object:
    if isinstance(value, Path | str):  # a subclass of str, such as torch.__version__, is no plain string to msgspec
        return str(value)
    item = getattr(value, "item", None)  # numpy and torch scalars
    if callable(item):
        return item()
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def _rich(kind: type[Any], value: object) -> object:
    if issubclass(kind, Path):
        return kind(str(value))
    raise NotImplementedError(f"{kind.__name__} cannot be read from JSON")
