"""The tree of blocks and boxes of a tape, before anything has a place.

A module that calls no other is a box; what its forward does itself stands beside it: additions, concatenations, products, splits.
Normalisations, activations and changes of shape are stacked under what they follow. Blocks that would hold one box are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from receptron.analysis.cost.macs import works_of
from receptron.analysis.form import LayerForm, form_of, role_of
from receptron.analysis.layers import Layer, rows_of
from receptron.analysis.tape import Call, Tape
from receptron.report.network.graph.flow import Flow, is_join
from receptron.report.network.graph.record import GraphItem, Stripe

LIGHT = frozenset({"norm", "activation", "shape"})
"""Roles that are stacked under what they follow."""
MOST_STRIPES = 8
FEW = 4  # boxes in a row that need no block of their own
MANY = 24  # boxes of a module that calls no other, which are its own affair
MOST_ITEMS = 240  # in one block; more are parted in the order in which they ran
WORDS = {
    "cat": "concat", "add": "+ add", "sub": "− subtract", "mul": "× multiply", "div": "÷ divide", "_softmax": "softmax",
    "overwritten": "write into", "_unsafe_view": "reshape", "view": "reshape", "t": "transpose", "split_with_sizes": "split",
    "max_pool2d_with_indices": "max_pool2d", "_adaptive_avg_pool2d": "adaptive_avg_pool2d", "addmm": "linear", "mm": "matmul",
    "bmm": "matmul", "native_layer_norm": "layer_norm", "native_group_norm": "group_norm", "unsafe_split": "split",
    "unsafe_chunk": "chunk",
}  # fmt: skip
"""What operators are called in a drawing, where torch's own word is not the usual one."""


def tree_of(tape: Tape, layers: Sequence[Layer]) -> tuple[GraphItem, ...]:
    """The items of the network itself, with its inputs first and its outputs last."""
    return _Tree(tape, layers).whole()


@dataclass(frozen=True)
class _Step:
    """What a scope does next: one call of its own, or a module that it calls."""

    first: int
    last: int
    scope: int | None


class _Tree:
    def __init__(self, tape: Tape, layers: Sequence[Layer]) -> None:
        self.tape, self.flow = tape, Flow(tape)
        self.rows = dict(zip(rows_of(tape), layers, strict=True))
        works = works_of(tape)
        self.macs = [works[i].macs if i in works else 0 for i in range(len(tape.forward))]
        self.steps = self._steps()
        self.batch = tape.values[tape.inputs[0]].shape[:1] if tape.inputs else ()
        self.sources = -2

    def whole(self) -> tuple[GraphItem, ...]:
        inputs = [self._end(value, "input", n, (), (value,)) for n, value in enumerate(self.tape.inputs)]
        given = dict.fromkeys(map(self.flow.value, self.tape.outputs))
        inner = _parted(self._items(0))
        outputs = [self._end(v, "output", n, (v,), ()) for n, v in enumerate(given) if v in self.flow.made]
        busiest = max([stripe.share for item in inner for stripe in _stripes(item)], default=0) or 1
        return _finished((*inputs, *inner, *outputs), "", busiest)

    def _end(self, value: int, word: str, n: int, takes: tuple[int, ...], gives: tuple[int, ...]) -> GraphItem:
        size, title = self._size(value), f"{word} {n + 1}" if n else word
        return GraphItem((Stripe(title, size, "", size, "end", f"{title}\n{size}, {self.tape.values[value].dtype}", ""),), takes, gives)

    def _steps(self) -> dict[int, list[_Step]]:
        """What each scope does, in order."""
        steps: dict[int, list[_Step]] = {}
        for i, scope in enumerate(self.tape.module_calls[1:], 1):
            last = scope.last if scope.last >= 0 else len(self.tape.forward)
            steps.setdefault(scope.parent, []).append(_Step(scope.first, last, i))
        for i, call in enumerate(self.tape.forward):
            if self.flow.nodes[i]:
                steps.setdefault(call.scope, []).append(_Step(i, i + 1, None))
        return {scope: sorted(own, key=lambda step: (step.first, step.last)) for scope, own in steps.items()}

    def _items(self, scope: int) -> list[GraphItem]:
        """Boxes and blocks of what a scope does."""
        found: list[GraphItem] = []
        for step in self.steps.get(scope, []):
            if step.scope is None:
                found += self._operation(step.first)
            else:
                found += self._module(step)
        return _stacked(found)

    def _module(self, step: _Step) -> list[GraphItem]:
        told_calls = [i for i in range(step.first, step.last) if self.flow.nodes[i]]
        if step.scope is None or not told_calls:
            return []
        if self._is_box(step.scope, told_calls):
            return self._box(step, told_calls)
        call = self.tape.module_calls[step.scope]
        inner = self._items(step.scope)
        own = any(each.scope is None for each in self.steps[step.scope])
        alone = all(each.scope is None for each in self.steps[step.scope])
        if _is_needless(inner, own) or call.parent == 0:
            return inner
        takes, gives = self.flow.takes(step.first, step.last), self.flow.gives(step.first, step.last)
        takes = tuple(dict.fromkeys(takes))
        head = self._stripe(step, LayerForm(), "block", gives)
        return [GraphItem((head,), tuple(dict.fromkeys(takes)), gives, tuple(_parted(inner)), shut=alone and len(inner) > MANY)]

    def _is_box(self, scope: int, told_calls: list[int]) -> bool:
        """Whether a module calls no other, and reckons once; one that does more by itself is a block, and so is the network."""
        if any(step.scope is not None for step in self.steps[scope]) or self.tape.module_calls[scope].parent == 0:
            return False
        calls = [self.tape.forward[i] for i in told_calls]
        products = sum(role_of(call) in ("convolution", "product") for call in calls)
        joins = sum(len(set(self.flow.nodes[i])) > 1 for i in told_calls)
        return len(calls) < 3 or (products < 2 and not joins)

    def _box(self, step: _Step, told_calls: list[int]) -> list[GraphItem]:
        calls = self.tape.forward[step.first : step.last]
        takes, gives = self.flow.takes(step.first, step.last), self.flow.gives(step.first, step.last)
        form, role = self._form(calls), ""
        brought: list[GraphItem] = []
        if len(told_calls) == 1:
            call = self.tape.forward[told_calls[0]]
            takes, brought = self._with_sources(call, takes)
            role = "join" if is_join(call, takes) else ""
        stripe = self._stripe(step, form, role or form.role, gives)
        return [*brought, GraphItem((stripe,), takes, gives)]

    def _operation(self, i: int) -> list[GraphItem]:
        call = self.tape.forward[i]
        takes, brought = self._with_sources(call, self.flow.nodes[i])
        gives, form = self.flow.gives(i, i + 1), self._form([call])
        role = "join" if is_join(call, takes) else "split" if len(call.outputs) > 1 and form.role == "shape" else form.role
        word = WORDS.get(call.op, call.op.strip("_"))
        size = self._size(call.outputs[0]) if call.outputs else ""
        fact = form.words or ", ".join(_operand(self.tape, v) for v in self._owned(call) if role == "activation")
        lines = [f"{word} in {self.tape.path(call) or 'the network itself'}", self._flowing(takes, call.outputs)]
        lines += [f"with {', '.join(_operand(self.tape, v) for v in self._owned(call))}"] if self._owned(call) else []
        lines += [form.words] if form.words else []
        lines += [f"{self.macs[i]:,} MACs"] if self.macs[i] else []
        stripe = Stripe(word, "", fact, size, role, "\n".join(lines), self.tape.path(call), float(self.macs[i]))
        return [*brought, GraphItem((stripe,), takes, gives)]

    def _with_sources(self, call: Call, takes: tuple[int, ...]) -> tuple[tuple[int, ...], list[GraphItem]]:
        """What a concatenation takes, with an item for each tensor in it that does not depend on the input."""
        if role_of(call) != "shape" or not is_join(call, ()) or call.op == "overwritten":
            return takes, []
        every: list[int] = []
        brought: list[GraphItem] = []
        for value in call.inputs:
            if self.flow.value(value) in self.flow.made:
                every.append(self.flow.value(value))
                continue
            self.sources -= 1
            every.append(self.sources)
            title, size = _operand(self.tape, value), self._size(value)
            stripe = Stripe(title, size, "", size, "source", f"{title}\n{size}", "")
            brought.append(GraphItem((stripe,), (), (self.sources,)))
        return tuple(every), brought

    def _owned(self, call: Call) -> list[int]:
        return [v for v in call.inputs if self.flow.value(v) not in self.flow.made]

    def _form(self, calls: Sequence[Call]) -> LayerForm:
        try:
            return form_of(self.tape, calls)
        except (TypeError, ValueError, LookupError):  # a call of a shape that no view knows has no numbers in the drawing
            return LayerForm(next((role_of(call) for call in calls), "other"))

    def _stripe(self, step: _Step, form: LayerForm, role: str, gives: tuple[int, ...]) -> Stripe:
        """What the box of a module says."""
        scope = step.scope or 0
        call, layer = self.tape.module_calls[scope], self.rows.get(scope)
        lines = [f"{call.path or 'the network'} ({call.kind})", self._flowing(call.inputs, call.outputs)]
        if layer is not None:
            lines += [f"{layer.parameters:,} parameters, {layer.macs:,} MACs", *layer.working]
        shown = self._size((call.outputs or gives)[0]) if call.outputs or gives else ""
        return Stripe(
            "", call.kind, form.words, shown, role, "\n".join(lines), call.path,
            float(sum(self.macs[step.first : step.last])) if role != "block" else 0.0,
        )  # fmt: skip

    def _flowing(self, before: Sequence[int], after: Sequence[int]) -> str:
        ins, outs = (" and ".join(self._size(v) for v in values[:6] if v >= 0) for values in (before, after))
        return f"{ins} to {outs}"

    def _size(self, value: int) -> str:
        """Extents without the batch, where it is the input's and one."""
        shape = self.tape.values[value].shape
        kept = shape[1:] if len(shape) > 1 and shape[:1] == self.batch == (1,) else shape
        return "×".join(map(str, kept)) or "a number"


def _operand(tape: Tape, value: int) -> str:
    """What a tensor that does not depend on the input is called: its own name, or that of the parameter that it was made from."""
    made = {out: call for call in tape.forward for out in call.outputs} if not tape.values[value].name else {}
    for _ in range(8):
        if tape.values[value].name or value not in made or not made[value].inputs:
            break
        value = made[value].inputs[0]
    return tape.values[value].name or ("a constant" if value not in made else made[value].op)


def _finished(items: Sequence[GraphItem], frame: str, busiest: float) -> tuple[GraphItem, ...]:
    """Modules by the part of their path that the block around them does not say, and work as a share of the busiest box's."""
    return tuple(
        replace(
            item,
            stripes=tuple(
                replace(s, title=s.title or s.path.removeprefix(f"{frame}.") or s.kind, share=s.share / busiest) for s in item.stripes
            ),
            inside=item.inside and _finished(item.inside, item.stripes[0].path or frame, busiest),
        )
        for item in items
    )


def _stripes(item: GraphItem) -> Iterator[Stripe]:
    if item.inside is None:
        yield from item.stripes
    for each in item.inside or ():
        yield from _stripes(each)


def _stacked(items: list[GraphItem]) -> list[GraphItem]:
    """Light items go under what they alone follow, and which they alone follow."""
    readers: dict[int, int] = {}
    for item in items:
        for value in item.takes:
            readers[value] = readers.get(value, 0) + 1
    heads: dict[int, int] = {}  # value that ends a stack: its place
    found: list[GraphItem | None] = []
    for item in items:
        place = heads.get(item.takes[0]) if len(item.takes) == 1 and readers[item.takes[0]] == 1 else None
        head = None if place is None else found[place]
        light = item.inside is None and all(stripe.role in LIGHT for stripe in item.stripes)
        if head is not None and place is not None and light and len(head.stripes) + len(item.stripes) <= MOST_STRIPES:
            found[place] = None
            item = replace(item, stripes=head.stripes + item.stripes, takes=head.takes)
        found.append(item)
        if item.inside is None and len(item.gives) == 1 and item.stripes[0].role not in ("source", "end", "split"):
            heads[item.gives[0]] = len(found) - 1
    return [item for item in found if item is not None]


def _is_needless(inner: list[GraphItem], own: bool) -> bool:
    """Whether a block says nothing that what is in it does not: one item, a short row, or nothing but blocks of blocks."""
    if len(inner) < 2:
        return True
    if own or any(len(item.takes) > 1 for item in inner):
        return False
    blocks = sum(item.inside is not None for item in inner)
    towers = all(item.inside is not None and any(each.inside is not None for each in item.inside) for item in inner)
    return (blocks < 2 and len(inner) <= FEW) or towers


def _parted(items: list[GraphItem]) -> list[GraphItem]:
    """More items than a block may have are parted into blocks, in the order in which they ran."""
    if len(items) <= MOST_ITEMS:
        return items
    parts: list[GraphItem] = []
    size = max(MOST_ITEMS // 4, -(-len(items) // MOST_ITEMS))
    for start in range(0, len(items), size):
        inner = items[start : start + size]
        made = {v for item in inner for v in item.gives}
        elsewhere = {v for item in (*items[:start], *items[start + size :]) for v in item.takes}
        within = {v for item in inner for v in item.takes}
        takes = tuple(dict.fromkeys(v for item in inner for v in item.takes if v not in made))
        gives = tuple(dict.fromkeys(v for item in inner for v in item.gives if v in elsewhere or v not in within))
        title, hint = f"part {len(parts) + 1}", f"boxes {start + 1} to {start + len(inner)} of {len(items)}"
        parts.append(GraphItem((Stripe(title, "", "", "", "block", hint, ""),), takes, gives, tuple(inner)))
    return _parted(parts)
