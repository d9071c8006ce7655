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
import re
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from receptron.errors import DataFault, ReceptronError

T = TypeVar("T")
_SHOWN = 60  # characters of a value in a message
_PLACE = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)  # of msgspec's "Expected `int`, got `str` - at `$.classes[0].support`"
_STEP = re.compile(r"\w+")


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


def from_json(text: str | bytes, kind: type[T], *, source: str = "the JSON text", exact: bool = False) -> T:
    """The record of type `kind` that `text` holds; `exact`: with every field once and none besides, but one that is null may be left out.

    Raises: DataFault naming `source`, the field, its value and what it may be, whatever the text is.
    """
    try:
        record = msgspec.json.decode(text, type=kind, dec_hook=_rich)
        if exact:
            _check_fields(json.loads(text, object_pairs_hook=_once), msgspec.to_builtins(record, enc_hook=_plain), "the record")
        return record
    except (msgspec.MsgspecError, ValueError, RecursionError, ReceptronError) as error:
        raise DataFault(
            f"{source} is not a {kind.__name__} record.",
            why=reason(error, text),
            mend="restore the file, or make it anew with this version",
        ) from error


def reason(error: Exception, text: str | bytes = b"") -> str:
    """Why a record could not be made, in one line: the field first, with its value where `text` is JSON that can be searched for it."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, ReceptronError):  # a record that checks itself
        return f"{error.what.removesuffix('.')}: {error.why}" if error.why else error.what
    told = _PLACE.fullmatch(str(error))
    if told is None:
        return str(error)
    wanted, place = told[1][:1].lower() + told[1][1:], told[2]
    return f"{place}{_value(text, place)}: {wanted}"


def _value(text: str | bytes, place: str) -> str:
    """What stands at evaluation.classes[0].support, where that is no longer text than a message can hold."""
    try:
        found: Any = json.loads(text)
        for step in cast(list[str], _STEP.findall(place)):
            found = found[int(step) if isinstance(found, list) else step]
        return "" if isinstance(found, (dict, list)) else f" is {short(found)}"
    except (ValueError, RecursionError, LookupError, TypeError):
        return ""


def short(value: object) -> str:
    """A value in a message, its middle left out where it is long."""
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN // 2]}...{shown[-_SHOWN // 4 :]}"


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in fields if names.count(name) > 1)
        raise ValueError(f"the field {short(twice)} stands there twice")
    return fields


def _check_fields(found: object, record: object, place: str) -> None:
    """Raises: ValueError for a field that `found` has and `record` has not, or the other way round."""
    if isinstance(found, dict) and isinstance(record, dict):
        given, known = cast(dict[str, object], found), cast(dict[str, object], record)
        if odd := sorted(given.keys() ^ {name for name, value in known.items() if name in given or value is not None}):
            raise ValueError(f"{place} has {'an unknown' if odd[0] in given else 'no'} field {short(odd[0])}")
        for name, value in given.items():
            _check_fields(value, known[name], name)
    elif isinstance(found, list) and isinstance(record, (list, tuple)):
        inner = cast(list[object], found)
        if inner and isinstance(inner[0], (dict, list)):  # rows of numbers have no fields
            for value, known_value in zip(inner, cast(list[object], record), strict=True):
                _check_fields(value, known_value, place)


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
