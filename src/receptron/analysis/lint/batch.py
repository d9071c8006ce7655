"""Views that make rows of what is left over of an image."""

from collections.abc import Iterable

from receptron.analysis.lint.context import Advice, Subject
from receptron.analysis.tape import Call
from receptron.analysis.tape.operators import ELEMENTWISE, NORMALISED
from receptron.analysis.tape.views import PRODUCTS
from receptron.wording import counted

_VIEWS = ("view", "_unsafe_view", "reshape", "_reshape_copy", "view_copy")


def view_mixes_images(subject: Subject) -> Iterable[Advice]:
    """A view to (-1, features) of maps with another number of features: one image becomes several rows, and nothing fails.

    Rows of tokens keep the last axis as it is, and are put together again; neither is meant.
    """
    tape = subject.tape
    batches = {tape.values[value].shape[:1] for value in tape.inputs}
    answered = {tape.values[value].shape[:1] for value in tape.outputs}
    for call in tape.forward:
        if call.op not in _VIEWS or not call.inputs or not call.outputs:
            continue
        before, after = tape.values[call.inputs[0]].shape, tape.values[call.outputs[0]].shape
        if len(before) < 3 or len(after) != 2 or after[1] == before[-1]:
            continue
        mixed = before[:1] in batches and after[:1] not in batches
        if mixed and after[:1] in answered and _is_multiplied(subject, call):
            features = tape.values[call.inputs[0]].numel // before[0]
            rows = f"{counted(after[0], 'row')} of {after[1]:,} numbers"
            seen = f"a view makes {rows} of {counted(before[0], 'image')} of {'x'.join(map(str, before[1:]))}: so many answers come out"
            cure = f"flatten each image (x.flatten(1)) and give the layer behind it {features:,} inputs, or pool the map to the size meant"
            yield Advice("view_mixes_images", tape.path(call), seen, cure, 1.0)


def _is_multiplied(subject: Subject, view: Call) -> bool:
    """Whether a layer's weights meet its rows, maybe after functions that take number by number."""
    waiting, seen = list(view.outputs), set(view.outputs)
    while waiting:
        for user in subject.users.get(waiting.pop(), ()):
            if user.op in PRODUCTS:
                return True
            if user.op in ELEMENTWISE or user.op in NORMALISED:
                fresh = set(user.outputs) - seen
                seen |= fresh
                waiting += fresh
    return False
