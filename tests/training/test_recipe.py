"""What a user sets of training reaches every phase, and nothing else changes."""

import ast
from dataclasses import replace
from typing import Any

import pytest

import receptron
from receptron.errors import BadValue, UnknownName
from receptron.jobs.options import Extras
from receptron.jobs.training.python_call import python_call
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.recipe import Recipe

PLAN = Hyperparameters(8, 32, 0.1, layer_decay=0.7, seed=3)


def test_an_empty_recipe_changes_nothing_and_has_no_settings() -> None:
    assert Recipe().applied(PLAN) == PLAN
    assert Recipe().settings == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 3),
        ("rate", 0.5),
        ("decay", 0.0),
        ("smoothing", 0.0),
        ("optimiser", "adamw"),
        ("schedule", "constant"),
        ("warmup", 0.3),
        ("clip", 1.0),
        ("ema", 0.99),
        ("patience", 3),
    ],
)
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
        {"epochs": 2.5},
        {"rate": "finds"},
        {"ema": 1.0},
        {"ema": 0.3},
        {"patience": 0},
        {"patience": 1.5},
        {"warmup": 1.0},
        {"clip": 0.0},
        {"dropout": 1.0},
        {"head": "hidden"},
        {"head": "hidden:0"},
        {"head": "hidden:-4"},
        {"head": "hidden:4x"},
        {"head": "deep:4"},
        {"head": 256},
    ],
)
def test_what_cannot_be_is_refused_by_its_flag(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadValue, match=f"--{next(iter(wrong)).replace('_', '-')} "):
        Recipe(**wrong)


def test_an_optimiser_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownName, match="adamw"):
        Recipe(optimiser="adam")


@pytest.mark.parametrize(
    ("wrong", "near"), [({"schedule": "cosin"}, "cosine"), ({"balance": "sample"}, "sampler"), ({"balance": 3}, "auto, focal")]
)
def test_names_that_are_not_there_are_told(wrong: dict[str, Any], near: str):
    with pytest.raises(UnknownName, match=near):
        Recipe(**wrong)


def test_one_cycle_rises_over_the_share_of_torch_unless_told():
    assert Recipe(schedule="one-cycle").applied(PLAN).warmup == 0.3
    assert Recipe(schedule="one-cycle", warmup=0.1).applied(PLAN).warmup == 0.1
    assert Recipe(schedule="cosine").applied(PLAN).warmup == PLAN.warmup


def test_a_rate_that_is_to_be_found_leaves_the_plan_as_it_is():
    assert Recipe(rate="find").applied(PLAN) == PLAN and Recipe(rate="find").settings == {"rate": "find"}


@pytest.mark.parametrize("given", [{"rate": 0.02}, {"ema": 0.999, "head": "hidden:64"}, {"rate": "find", "balance": "auto", "patience": 3}])
def test_the_call_that_is_told_makes_the_same_recipe_again(given: dict[str, Any]):
    recipe = Recipe(**given)
    call = ast.parse(recipe.call, mode="eval").body
    assert isinstance(call, ast.Call) and ast.unparse(call.func) == "receptron.Recipe"
    assert receptron.Recipe(**{str(one.arg): ast.literal_eval(one.value) for one in call.keywords}) == recipe
    told = python_call({"path": "photos", "time": "10m"}, Extras(recipe=recipe))
    assert told == f"receptron.train('photos', extras=receptron.Extras(recipe={recipe.call}))"
