"""Names of files and classes as cells of a table that a spreadsheet may open."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is run by spreadsheets: OWASP, CSV Injection


def safe_cell(text: str) -> str:
    """The text without NUL, and with an apostrophe before what a spreadsheet would run as a formula.

    >>> safe_cell("=1+1"), safe_cell("rose")
    ("'=1+1", 'rose')
    """
    plain = text.replace("\0", "")
    return f"'{plain}" if plain.startswith(_FORMULA) else plain
