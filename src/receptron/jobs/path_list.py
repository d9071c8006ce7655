"""A list of paths as bytes, of a file or of stdin: one path a line, in the encoding that its mark says, or separated by NUL."""

import codecs
import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from receptron.data.dataset.discovery import ENDINGS
from receptron.data.reading.file_header import sniff
from receptron.errors import BadValue

_MARKS = (  # those of UTF-32 first: one of them begins like that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MEND = "write it in UTF-8, as with PowerShell's `| Out-File -Encoding utf8 list.txt`, or separate names by NUL"

MOST = 64_000_000  # bytes of a list: a million paths
LONGEST = 32_768  # characters that a path may have on any system
_LOOKED_AT, _LINES = 65536, 3  # bytes; lines that must be paths


@dataclass(frozen=True)
class ListedPath:
    """One line of a list: a file or a folder, never a pattern."""

    text: str
    line: int  # from 1

    @property
    def fault(self) -> str:
        """Why it can name nothing; empty if it can."""
        if len(self.text) > LONGEST:
            return f"a line of {len(self.text):,} characters, longer than any path"
        return "" if self.text.strip() else "a blank line"


def listed(data: bytes) -> list[ListedPath]:
    """The paths of a list; bytes that are no UTF-8 stay as they are, for names of files may be any.

    A blank line is a path that names nothing, unless no other follows it.
    Raises: BadValue for bytes that are not what their mark says, and for UTF-16 without one.

    >>> [path.text for path in listed("a.jpg\\r\\nb.jpg\\r\\n".encode("utf-16"))]
    ['a.jpg', 'b.jpg']
    """
    if len(data) > MOST:
        raise BadValue(
            f"the list of paths is over {MOST:,} bytes long.", why="a list is one path a line", mend="give it in parts, or name folders"
        )
    parts = _lines(data)
    while parts and not parts[-1].strip():
        parts.pop()
    return [ListedPath(part, number) for number, part in enumerate(parts, start=1)]


def is_list(file: Path) -> bool:
    """Whether a file holds paths, one a line, instead of a picture: its first lines name files, or end as images do."""
    try:
        if not file.is_file():  # a pipe would wait for its writer
            return False
        with file.open("rb") as opened:
            start = opened.read(_LOOKED_AT)
        names = [] if sniff(start) else list(islice((path.text.strip() for path in listed(start) if path.text.strip()), _LINES))
    except (OSError, BadValue):
        return False
    return bool(names) and all(Path(name).suffix.lower() in ENDINGS or os.path.lexists(name) for name in names)


def _lines(data: bytes) -> list[str]:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    if not encoding and _is_wide(data):
        raise BadValue("the list of paths looks like UTF-16 without its mark.", why="over a quarter of its bytes are NUL", mend=_MEND)
    if not encoding and b"\0" in data:
        return [part.decode(errors="surrogateescape") for part in data.split(b"\0")]
    try:
        text = data.decode(encoding) if encoding else data.removeprefix(codecs.BOM_UTF8).decode(errors="surrogateescape")
    except UnicodeDecodeError as error:
        raise BadValue(f"the list of paths is no {error.encoding.upper()}, as its mark says.", why=error.reason, mend=_MEND) from error
    return [line.removesuffix("\r") for line in text.split("\n")]


def _is_wide(data: bytes) -> bool:
    """Whether over a quarter of the bytes are NUL: names separated by NUL would have less than three bytes in the mean."""
    return len(data) >= 4 and data.count(0) > len(data) / 4
