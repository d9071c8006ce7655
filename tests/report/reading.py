"""Reads a page as a browser would, without one: elements, attributes, text, and what is wrong with them."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "hr", "input", "link", "circle", "rect", "line", "path"}
VECTOR = {"circle", "rect", "line", "path"}


@dataclass
class Element:
    """One start tag, where it stood, and the text right inside it."""

    name: str
    attributes: dict[str, str]
    line: int
    text: str = ""


@dataclass
class Page(HTMLParser):
    """All elements of a page in order; `faults` are tags that do not pair."""

    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"line {self.getpos()[0]}: an attribute twice in <{tag}>")
        element = Element(tag, {name: value or "" for name, value in attrs}, self.getpos()[0])
        self.elements.append(element)
        if tag not in VOID or tag in VECTOR:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in VECTOR or tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].name != tag:
            self.faults.append(f"line {self.getpos()[0]}: </{tag}> closes {self.open[-1].name if self.open else 'nothing'}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open:
            self.open[-1].text += data

    def all(self, name: str) -> list[Element]:
        return [e for e in self.elements if e.name == name]

    def words(self) -> str:
        """Everything a reader sees, spaces made one."""
        return " ".join(" ".join(e.text for e in self.elements if e.name not in ("style", "script")).split())


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    page.faults += [f"<{e.name}> of line {e.line} is never closed" for e in page.open]
    return page


def outward(page: Page) -> list[str]:
    """Every reference that leaves the page."""
    found: list[str] = []
    for element in page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster", "background"):
            value = element.attributes.get(name)
            if value is not None and not value.startswith(("data:image/webp;base64,", "#")):
                found.append(f"<{element.name} {name}={value[:60]!r}>")
        if element.name in ("link", "iframe", "object", "embed", "base"):
            found.append(f"<{element.name}>")
        if element.name in ("style", "script"):
            found += re.findall(r"https?://\S+|url\([^)]*\)|@import\b[^;]*|\bfetch\(|XMLHttpRequest|\bimport\(", element.text)
    return found


def live(page: Page) -> list[str]:
    """Every place where text could run or restyle: handlers, inline styles, scripts beyond the page's own."""
    found = [f"<{e.name} {a}>" for e in page.elements for a in e.attributes if a.startswith("on") or a == "style"]
    scripts, styles = len(page.all("script")), len(page.all("style"))
    return found + ([f"{scripts} scripts"] if scripts != 1 else []) + ([f"{styles} styles"] if styles != 1 else [])
