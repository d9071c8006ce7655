"""The cheat sheet as one page, each line linked to its derivation and back; printed it fills A4 sheets."""

from markupsafe import Markup

from receptron.report.frame import framed
from receptron.tutor.cheat_sheet import lines


def sheet_page() -> str:
    """HTML of the sheet."""
    return framed("practice/sheet.html.j2", {"lines": lines()}, {"mathml": Markup}, ["practice/sheet.css"])
