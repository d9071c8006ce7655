"""Foreign text as text: what a terminal would obey, reorder or not show stands as its escape.

Names of files, classes, layers and tensors, and what other programs say of their faults, come from strangers. Such text goes through here
before a person sees it.

>>> printable("cat\\x1b]0;dog\\x07 \\u202egnp.exe")
'cat\\\\x1b]0;dog\\\\x07 \\\\u202egnp.exe'
>>> told(KeyError("stem"))
"KeyError: 'stem'"
"""

LONGEST = 2000
"""Characters that are shown of what another program says."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")  # letters and marks that show nothing


def printable(text: str, keep: str = "") -> str:
    """`text` with an escape for each control, format, separator (but space), lone surrogate and blank letter that is not in `keep`."""
    hidden = {c for c in set(text) if not c.isprintable() or c in _BLANK} - set(keep)
    return text.translate({ord(c): _escape(c) for c in hidden}) if hidden else text


def told(error: BaseException) -> str:
    """Class and first line of another program's error; an error whose own text fails is told by its class, an end by its exit code."""
    if isinstance(error, SystemExit):
        return f"it ended the program with exit code {_exit_code(error)}"
    try:
        text = next(iter(str(error).strip().splitlines()), "")
    except Exception:  # a stranger's `__str__` may raise anything
        text = ""
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
    return printable(f"{type(error).__name__}: {text or 'no message'}")


def _exit_code(end: SystemExit) -> str:
    """What a shell would see, with the text that Python would print."""
    match end.code:
        case None:
            return "0"
        case int(code):
            return str(code)
        case str(text):
            return f"1 ({text[:LONGEST]!r})"
        case _:
            return "1"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
