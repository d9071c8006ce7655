"""Foreign text as a person may see it, held against Unicode's own categories."""

import sys
import unicodedata

from hostile import NAMES, raw
from receptron.errors import BadValue
from receptron.printable import LONGEST, printable, told
from receptron.records import to_json


def test_no_character_that_a_terminal_obeys_is_left_and_no_other_is_changed():
    for code in range(sys.maxunicode + 1):
        shown = printable(chr(code))
        assert not raw(shown) and "\n" not in shown
        if unicodedata.category(chr(code))[0] in "NP" or chr(code) == " ":
            assert shown == chr(code)


def test_names_in_many_writings_stay_as_they_are():
    for name in ("naïve café", "猫", "कुत्ता", "كلب", "כלב", "e\u0301te\u0301", "🐕", "C:\\new\\table", "[bold]"):
        assert printable(name) == name


def test_what_is_kept_is_kept_and_escaping_twice_is_escaping_once():
    assert printable("a\nb\x1b", "\n") == "a\nb\\x1b"
    assert all(printable(printable(name)) == printable(name) for name in NAMES)


def test_an_error_has_no_line_but_its_own():
    for name in NAMES:
        text = str(BadValue(name, why=name, mend=(name, name)))
        assert text.count("\n") == 3 and not raw(text)


def test_a_foreign_error_is_one_line_however_long_or_broken():
    assert told(ValueError("first\nsecond")) == "ValueError: first"
    assert told(KeyError()) == "KeyError: no message"
    assert len(told(ValueError("x" * 10**6))) < 2 * LONGEST
    assert told(SystemExit(None)) == "it ended the program with exit code 0"


def test_json_holds_every_name_and_shows_none_raw():
    import json

    for name in NAMES:
        text = to_json({name: [name]}, indent=0)
        assert json.loads(text) == {name: [name]} and not raw(text) and "\n" not in text
