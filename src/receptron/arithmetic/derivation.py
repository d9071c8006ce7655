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
    """One line of a derivation: target = formula = formula with the numbers in = value.

    Attributes:
        target: The symbol that the step finds.
        formula: How, in symbols.
        numbers: What the formula's symbols stand for.
        value: What comes out.
        note: What the step is about: an axis, a layer.

    Example:
        >>> from receptron.arithmetic import Conv, output_size
        >>> step = output_size(Conv(kernel=7, stride=2, padding=3), 224).steps[0]
        >>> step.target, step.value, step.numbers["K"]
        ('O', 112, 7)
    """

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
        """The whole equation; members that would repeat the one before are left out.

        Args:
            notation: `TEXT`, `LATEX` or `MATHML` of `receptron.arithmetic.notation`.

        Returns:
            The members, joined by the notation's equals sign.

        Example:
            >>> from receptron.arithmetic import Linear, parameters
            >>> parameters(Linear(4, 2)).steps[0].written(TEXT)
            'parameters = C_out × C_in + C_out = 2 × 4 + 2 = 10'
        """
        members = [notation.symbol(self.target)]
        for formula in (self.formula, self.substituted, lift(self.value)):
            text = write(formula, notation)
            if text != members[-1]:
                members.append(text)
        return notation.equals.join(members)


@dataclass(frozen=True)
class Derivation:
    """A number, the steps to it and the source of the formula; `print` shows all of it.

    Attributes:
        quantity: What the number is of, in words.
        value: The number; a tuple where there is one for each axis, layer or answer.
        unit: "px", "MACs", "FLOPs", "bytes", or empty for a plain count or a ratio.
        steps: The steps in order; the last one gives the value, or the value along the last axis.
        source: Where the formula stands.
        remark: What is to be kept in mind beside it.
        between: What stands between the parts of a tuple when it is shown.

    Example:
        >>> from receptron.arithmetic import Linear, macs
        >>> print(macs(Linear(512, 10)))
        multiply-accumulates: 5,120 MACs
          MACs = C_out × C_in = 10 × 512 = 5,120
          source: every output needs ...
    """

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
        r"""The steps as an `aligned` block for display mathematics.

        Returns:
            LaTeX with one row a step, without the dollars around it.

        Example:
            >>> from receptron.arithmetic import Linear, macs
            >>> macs(Linear(512, 10)).latex().splitlines()[0]
            '\\begin{aligned}'
        """
        rows = [_aligned(step) for step in self.steps]
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def mathml(self) -> str:
        """The steps as one `<math>` element that browsers draw themselves.

        Returns:
            MathML with one row a step.

        Example:
            >>> from receptron.arithmetic import Linear, macs
            >>> macs(Linear(512, 10)).mathml()[:5]
            '<math'
        """
        rows = "".join(f"<mtr><mtd>{step.written(MATHML)}</mtd>{_remark(step.note)}</mtr>" for step in self.steps)
        return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mtable columnalign="left">{rows}</mtable></math>'

    def record(self) -> "DerivationRecord":
        """The plain form for JSON.

        Returns:
            The same with formulas as text.

        Example:
            >>> from receptron.arithmetic import Linear, macs
            >>> macs(Linear(512, 10)).record().substituted
            '10 × 512'
        """
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
    """A derivation in plain text, for JSON.

    Attributes:
        quantity: What the number is of, in words.
        value: The number, or one for each axis, layer or answer.
        unit: Its unit; empty for a plain count or a ratio.
        formula: The last step's formula.
        substituted: The last step's formula with the numbers in.
        steps: Every step: target, formula, formula with the numbers in, value, note.
        source: Where the formula stands.
        remark: What is to be kept in mind beside it.

    Example:
        >>> from receptron.arithmetic import Linear, macs
        >>> macs(Linear(512, 10)).record().formula
        'C_out × C_in'
    """

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
