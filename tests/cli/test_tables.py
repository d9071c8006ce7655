"""Tables on a terminal of any width: words and numbers whole, the widest columns first to give way."""

import random

import pytest
from rich.console import Console

from hostile import NAMES, raw
from receptron.cli.output.tables import GAP, Table, shared

PROSE = "two 3x3 see what one 5x5 sees, with fewer weights and one more rectifier"
PATH = "stages.0.0.body.conv1.conv"


def drawn(room: int | None) -> list[str]:
    table = Table("net", "what it added", "parameters", right=(2,), title="Nets")
    table.add(PATH, PROSE, "11,689,512")
    table.add("vgg16", PROSE, "138,357,544")
    return [line.plain for line in table.lines(Console(width=20), room)]


@pytest.mark.parametrize("room", [None, 200, 80, 60, 40, 10, 1])
def test_words_are_whole_at_every_width(room: int | None):
    told = " ".join(drawn(room)).split()
    assert all(told.count(word) >= 2 * PROSE.split().count(word) for word in PROSE.split())
    assert PATH in told and "11,689,512" in told and "138,357,544" in told


def test_a_table_keeps_to_its_room_where_words_allow_and_takes_what_it_needs_without():
    assert all(len(line) <= 70 for line in drawn(70))
    assert any(PROSE in line for line in drawn(None)) and len(drawn(None)) == 4
    assert max(map(len, drawn(1))) == len(PATH) + len("rectifier") + len("138,357,544") + 2 * len(GAP)


def test_the_widest_give_way_first_and_none_below_its_least():
    chance = random.Random(0)
    for _ in range(300):
        natural = [chance.randint(1, 40) for _ in range(chance.randint(1, 5))]
        least = [chance.randint(1, width) for width in natural]
        room = chance.randint(1, 150)
        widths = shared(natural, least, room)
        assert all(low <= width <= most for low, width, most in zip(least, widths, natural, strict=True))
        assert sum(widths) <= max(room, sum(least))
        cut = [width for width, most in zip(widths, natural, strict=True) if width < most]
        for width, low in zip(widths, least, strict=True):
            assert not cut or width <= max(low, max(cut)), "a column is wider than one that was cut, and could be narrower"


def test_wide_characters_and_several_lines_stay_in_their_columns():
    table = Table("class", "share", right=(1,))
    table.add(["猫", "a"], ["9.0 %", "10.0 %"])
    assert [line.plain for line in table.lines(Console(), None)] == ["class   share", "猫      9.0 %", "a      10.0 %"]


def test_cells_headings_and_titles_are_printable():
    table = Table(*NAMES, title=NAMES[0])
    table.add(*NAMES)
    table.add(*([name, name] for name in NAMES))
    lines = [line.plain for line in table.lines(Console(), None)]
    assert len(lines) == 5 and not raw("".join(lines)) and "\n" not in "".join(lines)
