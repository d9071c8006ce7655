"""Design problems: the learner writes layers, arithmetic judges every line and the whole against its budget.

A line is `conv 3 s2 p1 c64`, with `g` for groups; `depthwise 3 p1` (one filter per channel), `pool 2`, `average 2`, `gap`, `linear 10`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from receptron.arithmetic import Conv, Linear, Pool, field_size, macs, output_size, parameters, parse
from receptron.arithmetic.derivation import whole
from receptron.arithmetic.layers import Window
from receptron.errors import BadValue, ReceptronError

GRAMMAR = "conv KERNEL [sSTRIDE] [pPADDING] [dDILATION] [gGROUPS] cCHANNELS | depthwise 3 p1 | pool 2 | average 2 | gap | linear OUTPUTS"
_CHANNELS = re.compile(r"c(\d+)")
_GROUPS = re.compile(r"g(\d+)")


@dataclass(frozen=True)
class DesignBudget:
    """Most parameters and multiply-accumulates, least receptive field in pixels; None does not count."""

    parameters: int | None = None
    macs: int | None = None
    field: int | None = None


@dataclass(frozen=True)
class DesignBrief:
    """What is to be designed: from an input (channels, side) to a map (channels, side); `solution` is one way."""

    name: str
    text: str
    before: tuple[int, int]
    after: tuple[int, int]
    budget: DesignBudget
    layers: int
    solution: tuple[str, ...]


@dataclass(frozen=True)
class JudgedLine:
    """One line judged: map after it (channels, side), its parameters and multiply-accumulates, field so far, or what is wrong with it."""

    text: str
    after: tuple[int, int] = (0, 0)
    parameters: int = 0
    macs: int = 0
    field: int | None = 1
    fault: str = ""


@dataclass(frozen=True)
class DesignDemand:
    """One demand on the whole, and whether it is met."""

    text: str
    met: bool


@dataclass(frozen=True)
class DesignJudgement:
    """All lines and all demands; `passed` if no line is at fault and every demand is met."""

    lines: tuple[JudgedLine, ...]
    demands: tuple[DesignDemand, ...]

    @property
    def passed(self) -> bool:
        """Whether the design does what was asked."""
        return all(demand.met for demand in self.demands) and not any(line.fault for line in self.lines)


def judge(brief: DesignBrief, texts: Sequence[str]) -> DesignJudgement:
    """Every line in turn; after a faulty line nothing more can be said."""
    lines: list[JudgedLine] = []
    shape, chain = brief.before, list[Window]()
    for text in texts:
        try:
            lines.append(_judged(text, shape, chain))
        except ReceptronError as error:
            lines.append(JudgedLine(text, fault=str(error)))
            break
        shape = lines[-1].after
    return DesignJudgement(tuple(lines), _demands(brief, lines))


def brief(difficulty: int, seed: int) -> DesignBrief:
    """A design problem that can be solved: its target and budget come from a network that meets them."""
    if difficulty not in (1, 2, 3):
        raise BadValue(f"difficulty is {difficulty}.", mend="give 1, 2 or 3")
    random = Random(f"design {difficulty} {seed}")
    before = 3, random.choice((32, 64, 96, 128)[: difficulty + 1])
    solution = _network(random, difficulty)
    free = DesignBrief("", "", before, before, DesignBudget(), len(solution), solution)
    lines = judge(free, solution).lines
    slack = {1: 1.5, 2: 1.15, 3: 1.02}[difficulty]
    total_parameters, total_macs = sum(line.parameters for line in lines), sum(line.macs for line in lines)
    budget = DesignBudget(
        int(total_parameters * slack), int(total_macs * slack) if difficulty > 1 else None, lines[-1].field if difficulty > 1 else None
    )
    made = replace(free, name=f"design-{difficulty}-{seed}", after=lines[-1].after, budget=budget)
    return replace(made, text=_said(made))


def _network(random: Random, difficulty: int) -> tuple[str, ...]:
    width = random.choice((16, 24, 32))
    rows = [f"conv 3 s2 p1 c{width}"]
    for _ in range(difficulty + 1):
        step = random.choice((1, 2)) if len(rows) < 3 else 1
        width = width * 2 if step == 2 else width
        if difficulty == 3:
            rows += [f"depthwise 3 s{step} p1", f"conv 1 c{width}"]
        else:
            rows.append(f"conv 3 s{step} p1 c{width}")
    return tuple(rows)


def _said(made: DesignBrief) -> str:
    budget = made.budget
    parts = [f"at most {budget.parameters:,} parameters"]
    parts += [f"at most {budget.macs:,} multiply-accumulates"] if budget.macs is not None else []
    parts += [f"a receptive field of {budget.field} px or more"] if budget.field is not None else []
    (c, w), (c2, w2) = made.before, made.after
    return f"Take {w}x{w}x{c} to {w2}x{w2}x{c2} in at most {made.layers} layers with {', '.join(parts)}. Biases count."


def _demands(made: DesignBrief, lines: list[JudgedLine]) -> tuple[DesignDemand, ...]:
    last = lines[-1] if lines else JudgedLine("", after=made.before)
    budget, (c, w) = made.budget, made.after
    used = sum(line.parameters for line in lines), sum(line.macs for line in lines)
    demands = [
        DesignDemand(f"output {last.after[1]}x{last.after[1]}x{last.after[0]}, asked {w}x{w}x{c}", last.after == made.after),
        DesignDemand(f"{len(lines)} layers of at most {made.layers}", len(lines) <= made.layers),
    ]
    for name, count, limit in (("parameters", used[0], budget.parameters), ("multiply-accumulates", used[1], budget.macs)):
        if limit is not None:
            demands.append(DesignDemand(f"{count:,} {name} of at most {limit:,}", count <= limit))
    if budget.field is not None:
        seen = "the whole map" if last.field is None else f"{last.field} px"
        demands.append(DesignDemand(f"receptive field {seen}, asked {budget.field} px", last.field is None or last.field >= budget.field))
    return tuple(demands)


def _judged(text: str, shape: tuple[int, int], chain: list[Window]) -> JudgedLine:
    words = text.lower().split()
    if not words:
        raise BadValue("an empty line is no layer.", mend=f"write {GRAMMAR}")
    channels, pixels = shape
    match words[0]:
        case "gap" if len(words) == 1:
            return JudgedLine(text, (channels, 1), field=None)
        case "linear" if len(words) == 2 and words[1].isdigit():
            layer = Linear(channels * pixels**2, int(words[1]))
            return JudgedLine(text, (layer.c_out, 1), whole(parameters(layer)), whole(macs(layer)), None)
        case "conv" | "depthwise" | "pool" | "max" | "average":
            return _window(text, words, shape, chain)
        case _:
            raise BadValue(f"cannot read {text!r}.", mend=f"write {GRAMMAR}")


def _window(text: str, words: list[str], shape: tuple[int, int], chain: list[Window]) -> JudgedLine:
    channels, pixels = shape
    layer = _layer(words, channels)
    size = whole(output_size(layer, pixels))
    chain.append(layer)
    out = layer.c_out if isinstance(layer, Conv) else channels
    return JudgedLine(text, (out, size), whole(parameters(layer)), whole(macs(layer, pixels)), whole(field_size(chain)))


def _layer(words: list[str], channels: int) -> Window:
    """One line as a layer. Raises: BadValue."""
    out = [int(found[1]) for word in words if (found := _CHANNELS.fullmatch(word))]
    groups = [int(found[1]) for word in words if (found := _GROUPS.fullmatch(word))]
    rest = [word for word in words[1:] if not _CHANNELS.fullmatch(word) and not _GROUPS.fullmatch(word)]
    kind = "conv" if words[0] == "depthwise" else words[0]
    read = parse(" ".join([kind, *rest]))
    if len(read) != 1 or len(out) > 1 or len(groups) > 1:
        raise BadValue(f"{' '.join(words)!r} is not one layer.", mend=f"write {GRAMMAR}")
    layer = read[0]
    if isinstance(layer, Pool):
        return replace(layer, channels=channels)
    if words[0] == "depthwise":
        return replace(layer, c_in=channels, c_out=channels, groups=channels)
    if not out:
        raise BadValue(f"{' '.join(words)!r} does not say its output channels.", mend="add them, as in c64")
    return replace(layer, c_in=channels, c_out=out[0], groups=groups[0] if groups else 1)
