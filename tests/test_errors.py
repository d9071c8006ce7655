"""The tree of errors drawn at the top of errors.py, held against its classes."""

import inspect
import re

import pytest

from receptron import errors
from receptron.errors import MissingExtra, ReceptronError, UnknownName

ROW = re.compile(r"^(?P<indent>[│ ├└─]*)(?P<name>[A-Z]\w+)(?:\s{2,}(?P<says>.+?))?(?:\s{2,}exit code (?P<code>\d))?$")


def drawn(text: str) -> dict[str, tuple[str, int | None]]:
    """Name -> (name of its parent, exit code if told) of a tree drawn four columns to a level."""
    above, found = list[str](), dict[str, tuple[str, int | None]]()
    for line in text.splitlines():
        row = ROW.match(line.rstrip())
        if row and (row["indent"] or not found):
            level = len(row["indent"]) // 4
            del above[level:]
            found[row["name"]] = (above[-1] if above else "Exception", int(row["code"]) if row["code"] else None)
            above.append(row["name"])
    return found


def classes() -> dict[str, type[ReceptronError]]:
    return {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, ReceptronError)}


def test_the_drawn_tree_is_the_tree_of_classes():
    assert {name: parent for name, (parent, _) in drawn(errors.__doc__).items()} == {
        name: kind.__bases__[0].__name__ for name, kind in classes().items()
    }


def test_a_class_left_out_or_moved_would_be_found():
    tree = errors.__doc__
    assert "NoImages" not in drawn(tree.replace("NoImages", "noimages"))
    assert drawn(tree.replace("│   ├── BadTable", "├── BadTable").replace("│   └── BadTable", "└── BadTable"))["BadTable"][0] != "DataFault"


def test_the_drawn_exit_codes_are_those_of_the_classes():
    told = {name: code for name, (_, code) in drawn(errors.__doc__).items() if code is not None}
    assert told
    assert told == {name: classes()[name].exit_code for name in told}


@pytest.mark.parametrize("name", sorted(classes()))
def test_every_error_exits_as_misuse_or_failure(name: str):
    kind = classes()[name]
    assert kind.exit_code == (2 if issubclass(kind, errors.Misuse) else 1)


def test_an_error_says_what_why_and_how_to_mend():
    told = str(ReceptronError("it broke.", why="it was thin", mend="make it thicker"))
    assert told == "it broke.\n  Why: it was thin\n  Mend: make it thicker"


def test_a_wrong_name_is_answered_with_the_nearest():
    assert "Did you mean resnet50?" in str(UnknownName("net", "resnet5O", ["resnet50", "vgg16"]))
    assert "use one of: lenet5, vgg16" in str(UnknownName("net", "transformer", ["vgg16", "lenet5"]))


def test_a_missing_extra_names_what_to_install():
    assert "pip install 'receptron[deploy]'" in str(MissingExtra("reading an ONNX file", "onnx", "deploy"))
