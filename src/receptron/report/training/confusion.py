"""The confusion matrix as a picture, and its heaviest mistakes in words."""

from dataclasses import dataclass

from markupsafe import Markup

from receptron.evaluation.records import Evaluation
from receptron.report.svg import Chart, Key, box, label, picture
from receptron.report.words import percent, shortened, things
from receptron.wording import natural

LEVELS_RIGHT = (0.25, 0.5, 0.7, 0.9)  # shares of a row from which the next darker shade is used
LEVELS_WRONG = (0.05, 0.12, 0.25, 0.5)
SHADES = 5
LETTER, CAPITAL = 6.4, 8.6  # units that one letter of a label takes
MOST_LETTERS = 14  # letters of a label
CELLS = ((3, 72), (6, 58), (8, 46), (20, 36), (10**9, 17))  # classes up to which a cell has this size
MOST_CLASSES, FEWER_CLASSES = 60, 40  # of more than 60 classes the 40 with the most mistakes are drawn
MOST_NUMBERS = 20  # classes up to which each cell shows its count


@dataclass(frozen=True)
class Mixup:
    """Images of one class that were taken for another."""

    truth: str
    answer: str
    count: int
    of: int


def confusion(evaluation: Evaluation) -> Chart:
    """Rows are the truth, columns the answer; shades follow the share of the row. Of very many classes, those most mixed up."""
    names = [c.label for c in evaluation.classes]
    right = sum(row[i] for i, row in enumerate(evaluation.confusion))
    text = f"Confusion matrix of {len(names)} classes: {right} of {things(evaluation.count, 'image')} on the diagonal."
    worst = mixups(evaluation, 1)
    if worst:
        text += f" Heaviest mistake: {worst[0].truth} taken for {worst[0].answer}, {worst[0].count} of {worst[0].of}."
    title, kept = "Truth in rows, answer in columns", _kept(evaluation)
    if len(kept) < len(names):
        title += f": the {len(kept)} of {len(names)} classes with the most mistakes"
    rows = [_Row(names[i], sum(evaluation.confusion[i]), tuple(evaluation.confusion[i][j] for j in kept)) for i in kept]
    columns = [names[i] for i in kept]
    legend = (Key("right", "right, by share of the row", SHADES), Key("wrong", "wrong, by share of the row", SHADES))
    numbers = tuple((row.truth, *(str(n) for n in row.counts)) for row in rows)
    return Chart(title, text, _drawing(columns, rows, text), ("Truth", *columns), numbers, legend)


@dataclass(frozen=True)
class _Row:
    truth: str
    total: int  # over all classes, shown or not
    counts: tuple[int, ...]


def _kept(evaluation: Evaluation) -> list[int]:
    """All classes, or of more than can be drawn those with the most mistakes, as people order their names."""
    matrix = evaluation.confusion
    ordered = sorted(range(len(matrix)), key=lambda i: natural(evaluation.classes[i].label))
    if len(matrix) <= MOST_CLASSES:
        return ordered
    asked = [sum(row) - row[i] for i, row in enumerate(matrix)]
    answered = [sum(row[i] for row in matrix) - matrix[i][i] for i in range(len(matrix))]
    worst = sorted(range(len(matrix)), key=lambda i: -asked[i] - answered[i])[:FEWER_CLASSES]
    return [i for i in ordered if i in worst]


def mixups(evaluation: Evaluation, most: int = 6) -> tuple[Mixup, ...]:
    """The most frequent mistakes, heaviest first."""
    names = [c.label for c in evaluation.classes]
    cells = [
        Mixup(names[i], names[j], n, sum(row)) for i, row in enumerate(evaluation.confusion) for j, n in enumerate(row) if i != j and n > 0
    ]
    return tuple(sorted(cells, key=lambda m: (-m.count, -m.count / m.of, m.truth, m.answer))[:most])


def level(share: float, right: bool) -> int:
    """Shade 0 (none) to 5 (darkest)."""
    return 0 if share <= 0 else 1 + sum(share >= edge for edge in (LEVELS_RIGHT if right else LEVELS_WRONG))


def _drawing(names: list[str], rows: list[_Row], text: str) -> Markup:
    at = _layout(names)
    marks: list[Markup] = []
    for i, (name, row) in enumerate(zip(names, rows, strict=True)):
        middle, short = (i + 0.5) * at.cell, shortened(name, MOST_LETTERS)
        marks.append(label(at.left - 8, at.top + middle + 4, short, anchor="end", name="class"))
        lean = 4 if at.slant == 90 else 0
        marks.append(
            label(at.left + middle + lean, at.top - 8, short, anchor="start" if at.slant else "middle", name="class", turn=-at.slant)
        )
        for j, count in enumerate(row.counts):
            cell = _Cell(name, names[j], row.total, len(names) <= MOST_NUMBERS)
            marks += _cell(at.left + j * at.cell, at.top + i * at.cell, at.cell, count, cell)
    extent = at.cell * len(names)
    return picture(
        at.left + extent + at.right, at.top + extent + 4, text, *marks, name="plot matrix few" if len(names) <= 8 else "plot matrix"
    )


@dataclass(frozen=True)
class _Layout:
    cell: int
    slant: int  # degrees by which the columns' labels are turned: none for short ones, upright where cells are narrow
    left: float
    top: float
    right: float


def _layout(names: list[str]) -> _Layout:
    cell = next(size for most, size in CELLS if len(names) <= most)
    length = max(sum(CAPITAL if letter.isupper() else LETTER for letter in shortened(name, MOST_LETTERS)) for name in names)
    slant = 90 if len(names) > MOST_NUMBERS else 0 if length <= cell else 45
    rise = {0: LETTER, 45: length * 0.71, 90: length}[slant]
    return _Layout(cell, slant, length + 12, rise + 20, max(length * 0.71 - cell / 2 + 10, 4) if slant == 45 else 4)


@dataclass(frozen=True)
class _Cell:
    truth: str
    answer: str
    total: int
    numbered: bool


def _cell(x: float, y: float, size: float, count: int, cell: _Cell) -> list[Markup]:
    right = cell.truth == cell.answer
    share = count / cell.total if cell.total else 0.0
    shade = f"{'right' if right else 'wrong'}-{level(share, right)}" if count else "none"
    tip = f"{cell.truth} answered as {cell.answer}: {count} of {cell.total} ({percent(share)})"
    drawn = [box(x + 1, y + 1, size - 2, size - 2, f"cell {shade}", tip if count else "")]
    if cell.numbered and count:
        drawn.append(label(x + size / 2, y + size / 2 + 5, str(count), anchor="middle", name=f"count on-{shade}"))
    return drawn
