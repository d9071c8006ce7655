"""The public names make a reference: every parameter and field told, what comes back, what may be raised, and an example that runs."""

import builtins
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

import receptron
from receptron import analysis, arithmetic, errors, zoo
from receptron.analysis.recording import forward

SECTIONS = ("Args", "Attributes", "Returns", "Raises", "Source", "Example")
_SECTION = re.compile(rf"^({'|'.join(SECTIONS)}):(.*)$")
_ENTRY = re.compile(r"^    (\w+): \S")
_OWN_ERRORS = {name: found for name, found in vars(errors).items() if inspect.isclass(found) and issubclass(found, errors.ReceptronError)}
Described = Callable[..., Any]  # a function, a method or a class


def public() -> Iterator[tuple[str, Described]]:
    """Every public function and class, and the methods of these classes, by the name under which they are reached."""
    for module in (receptron, analysis, arithmetic, zoo):
        for name in module.__all__:
            found = getattr(module, name)
            if inspect.isfunction(found) or inspect.isclass(found):
                yield f"{module.__name__}.{name}", found
                yield from ((f"{module.__name__}.{name}.{own}", method) for own, method in methods(found))


def methods(found: object) -> Iterator[tuple[str, Described]]:
    """Public methods that a class of ours has, from bases of ours too; a property is told like a field, by its own line."""
    if inspect.isclass(found):
        ours = [base for base in found.__mro__ if base.__module__.startswith("receptron.")]
        inherited = {name: method for base in reversed(ours) for name, method in vars(base).items()}
        yield from ((name, method) for name, method in inherited.items() if inspect.isfunction(method) and not name.startswith("_"))


PUBLIC = dict(public())


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


def entries(lines: list[str]) -> list[str]:
    return [match[1] for line in lines if (match := _ENTRY.match(line))]


def raised(text: str) -> list[str]:
    """Errors that a docstring tells of."""
    return entries(sections(text).get("Raises", []))


def faults(found: Described, text: str) -> list[str]:
    """What keeps a docstring from being a page of a reference."""
    parts, wanted = sections(text), expected(found)
    told = entries([*parts.get("Args", []), *parts.get("Attributes", [])])
    wrong = [f"parameter {name}" for name in sorted({*wanted} ^ {*told})]
    wrong += [] if told == wanted or wrong else ["the order of the parameters"]
    wrong += [f"error {name}" for name in raised(text) if not is_error(name)]
    wrong += ["no Returns"] if gives(found) and not any(parts.get("Returns", [])) else []
    example = "\n".join(parts.get("Example", []))
    return wrong + ([] if calls(found, example) else ["no example that calls it"])


def expected(found: Described) -> list[str]:
    """Parameters of a function or method; of a record its fields, of another class what makes one."""
    if is_dataclass(found):
        return [field.name for field in fields(found)]
    return [name for name in inspect.signature(found).parameters if name != "self"]


def gives(found: Described) -> bool:
    return not inspect.isclass(found) and inspect.signature(found).return_annotation not in (None, "None")


def calls(found: Described, example: str) -> bool:
    """Whether an example has it; of a record, which others make, whether there is one at all; `forward` is what calling a module does."""
    if inspect.isclass(found) or found.__name__ == "forward":
        return ">>> " in example
    return any(line.lstrip().startswith((">>> ", "... ")) and f"{found.__name__}(" in line for line in example.splitlines())


def is_error(name: str) -> bool:
    found = _OWN_ERRORS.get(name) or getattr(forward, name, None) or getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_a_page_of_the_reference(name: str):
    found = PUBLIC[name]
    assert faults(found, vars(found).get("__doc__") if inspect.isclass(found) else found.__doc__ or "") == []


@pytest.mark.parametrize("name", _OWN_ERRORS)
def test_an_error_says_in_a_whole_sentence_when_it_is_raised(name: str):
    text = " ".join((vars(_OWN_ERRORS[name]).get("__doc__") or "").split())
    assert re.search(r"\braises? it\b|\bends in it\b|below\.$|raised on purpose", text), "no example of when"


def test_what_is_missing_is_seen():
    function, text = receptron.build, receptron.build.__doc__ or ""
    assert faults(function, text.replace("    classes: ", "    klasses: ")) == ["parameter classes", "parameter klasses"]
    assert faults(function, text.replace("BadValue:", "BadVallue:")) == ["error BadVallue"]
    assert faults(function, text.replace("Returns:", "Gives:")) == ["no Returns"]
    assert faults(function, text.replace(">>> net = build(", ">>> net = make(")) == ["no example that calls it"]


def test_what_is_missing_of_a_record_or_a_method_is_seen():
    text = receptron.Answer.__doc__ or ""
    assert faults(receptron.Answer, text.replace("    fault: ", "    falt: ")) == ["parameter falt", "parameter fault"]
    assert faults(receptron.Answer, text.replace(">>>", "...")) == ["no example that calls it"]
    swapped = "\n".join([*text.splitlines()[:3], *sorted(text.splitlines()[3:9]), *text.splitlines()[9:]])
    assert faults(receptron.Answer, swapped) == ["the order of the parameters"]
    method, told = receptron.Answer.top, receptron.Answer.top.__doc__ or ""
    assert faults(method, told.replace("Args:", "Arguments:")) == ["parameter count"]
    assert faults(method, told.replace(".top(", ".best(")) == ["no example that calls it"]
