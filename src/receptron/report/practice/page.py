"""The cheat sheet as one page, each line linked to its derivation and back; printed it fills A4 sheets."""

from jinja2 import Environment, PackageLoader, select_autoescape

from receptron.tutor.sheet import lines


def sheet_page() -> str:
    """HTML of the sheet."""
    pages = Environment(loader=PackageLoader("receptron.report", "practice"), autoescape=select_autoescape(default=True))
    return pages.get_template("sheet.html").render(lines=lines())
