"""Tables whose words stay whole: columns share the width of a terminal, a pipe gets what they need, every cell is printable."""

from collections.abc import Collection, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from receptron.printable import printable

Cell = str | Sequence[str]
"""One line, or several."""
GAP = "  "


class Table:
    """Rows under headings; columns in `right` are flush right, those in `firm` and on the right are never wrapped."""

    def __init__(self, *headings: str, title: str = "", right: Collection[int] = (), firm: Collection[int] = ()) -> None:
        self.title, self.right, self.firm = title, right, {*right, *firm}
        self.headings = [_text(heading) for heading in headings]
        self.rows: list[list[Text]] = []

    def add(self, *cells: Cell) -> None:
        """One more row, a cell per column."""
        self.rows.append([_text(cell) for cell in cells])

    def lines(self, console: Console, room: int | None) -> list[Text]:
        """The table as lines of at most `room` columns where words allow, as wide as it likes without `room`."""
        head = [] if not any(heading.plain for heading in self.headings) else [[_bold(heading) for heading in self.headings]]
        rows = [*head, *self.rows]
        widths = self._widths(rows, room)
        body = [line for row in rows for line in self._laid_out(row, widths, console)]
        return [*([Text(printable(self.title), "italic")] if self.title else []), *body]

    def _widths(self, rows: list[list[Text]], room: int | None) -> list[int]:
        columns = list(zip(*rows, strict=True))
        natural = [max(_widest(cell.plain.splitlines()) for cell in column) for column in columns]
        if room is None:
            return natural
        least = [
            width if i in self.firm else max(_widest(cell.plain.split()) for cell in column)
            for i, (column, width) in enumerate(zip(columns, natural, strict=True))
        ]
        return shared(natural, least, room - len(GAP) * (len(columns) - 1))

    def _laid_out(self, row: list[Text], widths: list[int], console: Console) -> list[Text]:
        cells = [list(cell.wrap(console, max(width, 1), overflow="fold")) for cell, width in zip(row, widths, strict=True)]
        lines: list[Text] = []
        for number in range(max(map(len, cells))):
            parts = [cell[number] if number < len(cell) else Text() for cell in cells]
            lines.append(Text(GAP).join(self._padded(i, part, widths[i]) for i, part in enumerate(parts)))
            lines[-1].rstrip()
        return lines

    def _padded(self, column: int, part: Text, width: int) -> Text:
        room = " " * max(0, width - part.cell_len)
        return Text.assemble(room, part) if column in self.right else Text.assemble(part, room)


def shared(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that together fit `room`: the widest columns give way first, none below its `least`, which may be too much together."""
    for cap in range(max(natural, default=0), 0, -1):
        widths = [max(low, min(width, cap)) for width, low in zip(natural, least, strict=True)]
        if sum(widths) <= room:
            return widths
    return list(least)


def _text(cell: Cell) -> Text:
    return Text(printable(cell) if isinstance(cell, str) else "\n".join(map(printable, cell)))


def _bold(heading: Text) -> Text:
    return Text(heading.plain, "bold")


def _widest(parts: Sequence[str]) -> int:
    return max(map(cell_len, parts), default=0)
