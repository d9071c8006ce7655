"""The public functions make a reference: every parameter told, what comes back, what may be raised, and an example that runs."""

import builtins
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

import receptron
from receptron import analysis, arithmetic, errors, zoo
from receptron.analysis.recording import forward

SECTIONS = ("Args", "Returns", "Raises", "Source", "Example")
_SECTION = re.compile(rf"^({'|'.join(SECTIONS)}):(.*)$")
_ENTRY = re.compile(r"^    (\w+): \S")
FUNCTIONS = {
    f"{module.__name__}.{name}": found
    for module in (receptron, analysis, arithmetic, zoo)
    for name in module.__all__
    if inspect.isfunction(found := getattr(module, name))
}


def sections(text: str) -> dict[str, list[str]]:
    """The lines of each section of a docstring; what comes before the first has the name ""."""
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in inspect.cleandoc(text).splitlines():
        if match := _SECTION.match(line):
            name = match[1]
            found[name] = [match[2].strip()] if match[2].strip() else []
        else:
            found[name].append(line)
    return found


def faults(function: Callable[..., Any], text: str) -> list[str]:
    """What keeps a docstring from being a page of a reference."""
    parts, wanted = sections(text), list(inspect.signature(function).parameters)
    told = [m[1] for line in parts.get("Args", []) if (m := _ENTRY.match(line))]
    found = [f"parameter {name}" for name in sorted({*wanted} ^ {*told})]
    found += [] if told == wanted or found else ["the order of the parameters"]
    raised = [m[1] for line in parts.get("Raises", []) if (m := _ENTRY.match(line))]
    found += [f"error {name}" for name in raised if not is_error(name)]
    found += [f"no {name}" for name in ("Returns", "Example") if not any(parts.get(name, []))]
    found += [] if any(">>> " in line and function.__name__ in line for line in parts.get("Example", [])) else ["no example that calls it"]
    return found


def is_error(name: str) -> bool:
    found = getattr(errors, name, None) or getattr(forward, name, None) or getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_is_a_page_of_the_reference(name: str):
    function = FUNCTIONS[name]
    assert faults(function, function.__doc__ or "") == []


def test_what_is_missing_is_seen():
    function, text = receptron.build, receptron.build.__doc__ or ""
    assert faults(function, text.replace("    classes: ", "    klasses: ")) == ["parameter classes", "parameter klasses"]
    assert faults(function, text.replace("BadValue:", "BadVallue:")) == ["error BadVallue"]
    assert faults(function, text.replace("Returns:", "Gives:")) == ["no Returns"]
    assert faults(function, text.replace(">>> net = build(", ">>> net = make(")) == ["no example that calls it"]
