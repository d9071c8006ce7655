"""Names as strangers give them, and what of them must never reach a terminal."""

import unicodedata

_PARTS = (
    "\x1b]0;title\x07", "\x1b]8;;http:evil\x1b\\link", "\x1b[2J\x1b[H", "\x1b[31mred", "\x1bPq\x1b\\", "\x1bc", "\x9b31m",
    "\x9d0;t\x9c", "\x90q", "\x85", "\x07bell", "\b\b\bback", "a\rb", "a\nb", "Error: ok\n  Mend: rm", "a\tb", "\x0b\x0c", "\x7f\x7f",
    "\x01\x02\x1f", "\u202egnp.exe", "\u2066x\u2069", "\u202ax\u202c", "\u200f\u200e", "\u061c", "zero\u200bwidth", "\u200dj",
    "\ufeffbom", "\u2028\u2029", "\u00ad", "\u2060", "\U000e0041tag", "\udcff\udc9b", "\udc80x", "\udcfe\x1b[0m", "[/red]", "[bold]b",
    "[link=http:x]y[/link]", ":smile:[/]", "-lead", "'\"quote`$x", "long" * 55, "\u3164\u115f", "\x1b_apc\x1b\\", "\x1b^pm\x1b\\",
)  # fmt: skip
NAMES = tuple(f"{part}{number}" for number, part in enumerate(_PARTS))
"""Good for a file's path too: no NUL, no part above 255 bytes; a lone surrogate is a byte that is no UTF-8."""
_OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def raw(text: str) -> set[str]:
    """Characters of `text` that a terminal would obey or hide; line ends are the program's own."""
    return {c for c in text if c != "\n" and unicodedata.category(c) in _OBEYED}
