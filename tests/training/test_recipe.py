"""What a user sets of training reaches every phase, and nothing else changes."""

from dataclasses import replace
from typing import Any

import pytest

from receptron.errors import BadValue, UnknownName
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.recipe import Recipe

PLAN = Hyperparameters(8, 32, 0.1, layer_decay=0.7, seed=3)


def test_an_empty_recipe_changes_nothing_and_has_no_settings() -> None:
    assert Recipe().applied(PLAN) == PLAN
    assert Recipe().settings == {}


@pytest.mark.parametrize(("field", "value"), [("epochs", 3), ("rate", 0.5), ("decay", 0.0), ("smoothing", 0.0), ("optimiser", "adamw")])
def test_what_is_set_replaces_that_alone_and_is_told(field: str, value: Any) -> None:
    changes = {field: value}
    assert Recipe(**changes).applied(PLAN) == replace(PLAN, **changes)
    assert Recipe(**changes).settings == {field: str(value) if isinstance(value, str) else f"{value:g}"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"rate": 0.0},
        {"rate": float("nan")},
        {"rate": float("inf")},
        {"decay": -1.0},
        {"smoothing": 1.0},
        {"rate": "much"},
        {"epochs": True},
    ],
)
def test_what_cannot_be_is_refused_by_its_flag(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadValue, match=f"--{next(iter(wrong))} "):
        Recipe(**wrong)


def test_an_optimiser_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownName, match="adamw"):
        Recipe(optimiser="adam")
