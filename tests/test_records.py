"""Whatever JSON is read back ends in the record or in a reason."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest
from msgspec import Meta

from receptron.errors import BadValue, DataFault
from receptron.records import from_json, to_json


@dataclass(frozen=True)
class Inner:
    share: Annotated[float, Meta(ge=0, le=1)]
    name: str = ""

    def __post_init__(self) -> None:
        if self.name == "forbidden":
            raise BadValue("name is forbidden.", why="it must be another", mend="choose one")


@dataclass(frozen=True)
class Outer:
    rows: tuple[Inner, ...]
    table: dict[str, int] = field(default_factory=dict)
    place: Path | None = None


GOOD = to_json(Outer((Inner(0.5, "a"), Inner(1.0)), {"b": 2}, Path("c")))
BAD = {
    "": "truncated",
    "\ufeff" + GOOD: "invalid character",
    GOOD + GOOD: "trailing",
    "[" * 10**6: "array",
    '{"x":' * 10**6: "nested too deeply",
    '{"rows": [], "x": ' + "[" * 10**6: "nested too deeply",
    GOOD.replace("0.5", "1.5"): r"rows\[0\].share is 1.5: expected `float` <= 1",
    GOOD.replace("0.5", "1e999"): r"rows\[0\].share is inf",
    GOOD.replace("0.5", "NaN"): "invalid character",
    GOOD.replace("0.5", '"' + "x" * 10**6 + '"'): r"rows\[0\].share is 'xxx",
    GOOD.replace("0.5", "9" * 5000): r"rows\[0\].share",
    GOOD.replace('"a"', '"forbidden"'): "name is forbidden: it must be another",
    GOOD.replace('"a"', r'"\ud800"'): "truncated|surrogate",
    GOOD.replace('"b": 2', '"b": null'): "expected `int`, got `null`",
}


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_a_damaged_record_ends_in_its_reason(text: str):
    with pytest.raises(DataFault, match=r"here\.json is not a Outer record") as caught:
        from_json(text, Outer, source="here.json")
    assert caught.match(BAD[text]) and len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "data", [b"\xff\xfe", GOOD.encode("utf-16"), GOOD.replace("a", "\u00e4").encode("latin-1"), b"\0", bytes(range(256))]
)
def test_bytes_that_are_no_text_end_in_a_reason(data: bytes):
    with pytest.raises(DataFault):
        from_json(data, Outer)


def test_an_exact_record_has_every_field_once_and_none_besides():
    assert from_json(GOOD, Outer, exact=True) == from_json(GOOD, Outer)
    for text, told in {
        GOOD.replace('"name"', '"surname"', 1): "unknown field 'surname'|no field 'name'",
        GOOD.replace('"place": "c"', '"place": "c", "x": 1'): "unknown field 'x'",
        GOOD.replace('"place": "c"', '"place": "c", "place": "d"'): "'place' stands there twice",
        GOOD.replace('"b": 2', '"b": 2, "b": 3'): "'b' stands there twice",
        '{"rows": []}': "no field 'table'",
    }.items():
        assert isinstance(from_json(text, Outer), Outer)
        with pytest.raises(DataFault, match=told):
            from_json(text, Outer, exact=True)


@pytest.mark.parametrize("kind", [Outer, dict, list, dict[str, Any], float, str])
def test_2000_flipped_and_cut_texts_are_records_or_reasons(kind: type):
    draw, good = random.Random(0), GOOD.encode()
    for _ in range(2000):
        data = bytearray(good[: draw.randrange(1, len(good) + 1)])
        for _ in range(draw.randrange(4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            from_json(bytes(data), kind)
        except DataFault as error:
            assert error.why
