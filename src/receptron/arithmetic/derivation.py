"""A number and the steps that gave it: what the command line prints, pages draw and practice grades.

>>> from receptron.arithmetic.layers import Conv
>>> from receptron.arithmetic.sizes import output_size
>>> print(output_size(Conv(kernel=7, stride=2, padding=3), 224))
output size: 112 px
  O = ⌊(W - K + 2P) / S⌋ + 1 = ⌊(224 - 7 + 2 × 3) / 2⌋ + 1 = 112
  source: Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285
"""

from collections.abc import Mapping
from dataclasses import dataclass

from receptron.arithmetic.expression import Expression, Value, lift
from receptron.arithmetic.notation import LATEX, MATHML, TEXT, Notation, digits, write
from receptron.errors import UnknownName

Answer = Value | tuple[Value, ...]


@dataclass(frozen=True)
class Step:
    """target = formula = formula with the numbers in = value; `note` says what it is about (an axis, a layer)."""

    target: str
    formula: Expression
    numbers: Mapping[str, Value]
    value: Value
    note: str = ""

    @property
    def substituted(self) -> Expression:
        """The formula with its numbers in."""
        return self.formula.filled(self.numbers)

    def written(self, notation: Notation) -> str:
        """The whole equation; members that would repeat the one before are left out."""
        members = [notation.symbol(self.target)]
        for formula in (self.formula, self.substituted, lift(self.value)):
            text = write(formula, notation)
            if text != members[-1]:
                members.append(text)
        return notation.equals.join(members)


@dataclass(frozen=True)
class Derivation:
    """`value` (per axis a tuple) with its unit, the steps to it and the source of the formula."""

    quantity: str
    value: Answer
    unit: str
    steps: tuple[Step, ...]
    source: str
    remark: str = ""
    between: str = " x "

    @property
    def formula(self) -> str:
        """The formula of the last step, in plain text."""
        return write(self.steps[-1].formula, TEXT)

    @property
    def substituted(self) -> str:
        """The last step's formula with the numbers in, in plain text."""
        return write(self.steps[-1].substituted, TEXT)

    def __str__(self) -> str:
        lines = [f"{self.quantity}: {shown(self.value, self.between)} {self.unit}".rstrip()]
        lines += [f"  {step.written(TEXT)}" + (f"   ({step.note})" if step.note else "") for step in self.steps]
        if self.remark:
            lines.append(f"  {self.remark}")
        return "\n".join([*lines, f"  source: {self.source}"])

    def latex(self) -> str:
        """The steps as an `aligned` block for display mathematics."""
        rows = [_aligned(step) for step in self.steps]
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def mathml(self) -> str:
        """The steps as one `<math>` element that browsers draw themselves."""
        rows = "".join(f"<mtr><mtd>{step.written(MATHML)}</mtd>{_remark(step.note)}</mtr>" for step in self.steps)
        return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mtable columnalign="left">{rows}</mtable></math>'

    def record(self) -> "DerivationRecord":
        """The plain form for JSON."""
        steps = tuple(
            StepRecord(s.target, write(s.formula, TEXT), write(s.substituted, TEXT), s.value, s.note) for s in self.steps
        )  # fmt: skip
        return DerivationRecord(self.quantity, self.value, self.unit, self.formula, self.substituted, steps, self.source, self.remark)


@dataclass(frozen=True)
class StepRecord:
    """A step in plain text."""

    target: str
    formula: str
    substituted: str
    value: Value
    note: str


@dataclass(frozen=True)
class DerivationRecord:
    """A derivation in plain text, for JSON."""

    quantity: str
    value: Answer
    unit: str
    formula: str
    substituted: str
    steps: tuple[StepRecord, ...]
    source: str
    remark: str


def solve(target: str, formula: Expression, numbers: Mapping[str, Value], note: str = "") -> Step:
    """Evaluate `formula` and keep how."""
    return Step(target, formula, dict(numbers), formula.value(numbers), note)


def written(derivation: Derivation, notation: str) -> str:
    """The derivation in `notation`: text, latex or mathml. Raises: UnknownName for another."""
    forms = {"text": derivation.__str__, "latex": derivation.latex, "mathml": derivation.mathml}
    if notation not in forms:
        raise UnknownName("notation", notation, forms)
    return forms[notation]()


def shown(value: Answer, between: str = " x ") -> str:
    """An answer for people: axes joined by x, lists by what their derivation says."""
    return between.join(digits(v) for v in value) if isinstance(value, tuple) else digits(value)


def whole(derivation: Derivation) -> int:
    """The value of a derivation that is one integer, for use in the next one."""
    if not isinstance(derivation.value, int):
        raise TypeError(f"{derivation.quantity} is {derivation.value}, not one integer")
    return derivation.value


def _aligned(step: Step) -> str:
    head, rest = step.written(LATEX).split(" = ", 1)
    return f"{head} &= {rest}" + (f" && \\text{{{step.note}}}" if step.note else "")


def _remark(note: str) -> str:
    return f"<mtd><mtext>{_escaped(note)}</mtext></mtd>" if note else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
