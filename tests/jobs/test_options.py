"""Settings of the main job are checked at the door, by type before range, in words that fit what came."""

from fractions import Fraction

import pytest

from receptron.errors import BadValue
from receptron.jobs.options import check_seed


@pytest.mark.parametrize("seed", [0, 7, 2**63 - 1])
def test_a_whole_number_is_a_seed(seed: int):
    assert check_seed(seed) == seed


@pytest.mark.parametrize(
    "seed, kind", [("a", "str"), ("7", "str"), (1.0, "float"), (None, "NoneType"), (True, "bool"), (Fraction(3), "Fraction")]
)
def test_what_is_no_whole_number_is_told_by_its_type(seed: object, kind: str):
    with pytest.raises(BadValue, match="seed is") as caught:
        check_seed(seed)  # type: ignore[arg-type]
    assert caught.value.why == f"it is a {kind}" and caught.value.mend == "give int"
    assert "range" not in str(caught.value) and "smaller" not in str(caught.value)


@pytest.mark.parametrize("seed, mend", [(-1, "without a minus"), (-(2**70), "without a minus"), (2**63, "smaller"), (10**30, "smaller")])
def test_a_number_out_of_range_is_told_which_way(seed: int, mend: str):
    with pytest.raises(BadValue, match="out of range") as caught:
        check_seed(seed)
    assert mend in caught.value.mend
