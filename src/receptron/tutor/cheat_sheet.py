"""The cheat sheet: key facts with their usual mistakes, each line linked to the derivation of its numbers."""

from dataclasses import dataclass

from receptron.arithmetic import (
    Conv,
    Norm,
    bottleneck,
    chain_sizes,
    compound_scaling,
    constraint,
    field_size,
    flops,
    global_pooling,
    macs,
    output_size,
    parameters,
    same_padding,
    separable,
    stacked,
    statistics,
)
from receptron.arithmetic.derivation import Derivation, solve
from receptron.arithmetic.expression import symbols
from receptron.arithmetic.notation import digits
from receptron.tutor.templates.networks.skip_connections import RESNET


@dataclass(frozen=True)
class SheetLine:
    """A concept, its key fact, the mistake that is usually made, and the derivation that the fact rests on."""

    concept: str
    fact: str
    mistake: str
    derivation: Derivation


@dataclass(frozen=True)
class SheetLineRecord:
    """A line in plain text, its derivation written out."""

    concept: str
    fact: str
    mistake: str
    derivation: str


def lines() -> tuple[SheetLine, ...]:
    """All lines; every number in them comes from the derivation beside it."""
    return (*_sizes(), *_counts(), *_comparisons(), *_depth())


def record() -> tuple[SheetLineRecord, ...]:
    """The plain form for JSON."""
    return tuple(SheetLineRecord(line.concept, line.fact, line.mistake, str(line.derivation)) for line in lines())


def text() -> str:
    """For the terminal: numbered lines, then the derivations under the same numbers."""
    numbered = list(enumerate(lines(), 1))
    top = [f"[{n}] {line.concept}: {line.fact}\n    usual mistake: {line.mistake}" for n, line in numbered]
    return "\n".join([*top, "", "Derivations", *(f"[{n}] {line.derivation}" for n, line in numbered)])


def _shown(derivation: Derivation) -> str:
    value = derivation.value
    return ", ".join(map(_short, value)) if isinstance(value, tuple) else _short(value)


def _short(number: int | float) -> str:
    """Integers in full, ratios to three digits; the derivation has the rest."""
    return digits(number) if isinstance(number, int) else f"{number:.3g}"


def _sizes() -> tuple[SheetLine, ...]:
    plain, dilated = output_size(Conv(7, 2, 3), 224), output_size(Conv(3, 1, 2, 2), 56)
    same, field = same_padding(5, dilation=2), field_size([Conv(3, 2), Conv(3), Conv(3)])
    chain = chain_sizes([Conv(7, 2, 3), Conv(3, 2, 1), Conv(3, 1, 1)], 224)
    return (
        SheetLine("output size", f"⌊(W - K + 2P) / S⌋ + 1; 224 by 7x7, stride 2, padding 3: {_shown(plain)}", "no floor, or no + 1", plain),
        SheetLine(
            "dilation",
            f"K_eff = K + (K - 1)(D - 1); 3x3 with dilation 2 and padding 2 keeps {_shown(dilated)}",
            "⌊K/2⌋ although dilated",
            dilated,
        ),
        SheetLine(
            "same padding",
            f"D(K - 1) in all, shared by both ends; 5x5 with dilation 2: {_shown(same)}",
            "⌊K/2⌋ for even K or with a stride",
            same,
        ),
        SheetLine("a chain", f"each layer gets what the one before gave; 224: {_shown(chain)}", "rounding at the end only", chain),
        SheetLine(
            "receptive field",
            f"r + (k - 1) × strides before; 3x3 (stride 2), 3x3, 3x3: {_shown(field)}",
            "strides of earlier layers forgotten",
            field,
        ),
    )


def _counts() -> tuple[SheetLine, ...]:
    conv, norm, kept = parameters(Conv(3, c_in=64, c_out=128)), parameters(Norm(128)), statistics(Norm(128))
    work, operations = (count(Conv(3, 1, 1, c_in=64, c_out=128, bias=False), 56) for count in (macs, flops))
    return (
        SheetLine("parameters", f"(K² C_in + 1) C_out; 3x3, 64 to 128: {_shown(conv)}", "bias or C_in forgotten", conv),
        SheetLine(
            "BatchNorm learns",
            f"a scale and a shift per channel; 128 channels: {_shown(norm)}",
            "running statistics counted as learnable",
            norm,
        ),
        SheetLine("BatchNorm keeps", f"a mean and a variance per channel, not learnt: {_shown(kept)}", "forgotten in the checkpoint", kept),
        SheetLine(
            "work",
            f"C_out C_in K² H W multiply-accumulates; 3x3, 64 to 128 on 56x56: {_shown(work)}",
            "the input's size instead of the output's",
            work,
        ),
        SheetLine("FLOPs", f"two for each multiply-accumulate: {_shown(operations)}", "MACs printed as FLOPs", operations),
    )


def _comparisons() -> tuple[SheetLine, ...]:
    small, block = stacked(3, 3), bottleneck(256, 64)
    split, pooled = separable(256, 256), global_pooling(512, 7, 1000)
    return (
        SheetLine(
            "3x3 against 7x7",
            f"three 3x3 see 7 pixels with {_shown(small)} of the weights, and two more nonlinearities",
            "'the same' without numbers",
            small,
        ),
        SheetLine(
            "bottleneck",
            f"1x1, 3x3, 1x1: {_shown(block)} of the weights of two 3x3, but a field of 3, not 5",
            "'with the same receptive field'",
            block,
        ),
        SheetLine("depthwise separable", f"1/C_out + 1/K² is left; 256 channels: {_shown(split)}", "the two steps confused", split),
        SheetLine(
            "global average pooling",
            f"no weights; the head has {_shown(pooled)} of the flattened one's",
            "complete invariance claimed",
            pooled,
        ),
    )


def _depth() -> tuple[SheetLine, ...]:
    n, f = symbols("N f")
    step = solve("gradient", (1 + f) ** n, {"f": 0.1, "N": 20}, "twenty blocks of slope 0.1; without shortcuts 0.1^20")
    through = Derivation("gradient through residual blocks", step.value, "", (step,), RESNET)
    limit, grown = constraint(), compound_scaling(1)
    return (
        SheetLine(
            "skip connection",
            f"d(x + F)/dx = I + F'; twenty blocks of slope 0.1: {_shown(through)}",
            "'cannot vanish': the identity's term cannot, the sum can",
            through,
        ),
        SheetLine("compound scaling", f"depth, width, resolution at phi = 1: {_shown(grown)}", "scaling one of them alone", grown),
        SheetLine("its constraint", f"alpha beta² gamma² = {_shown(limit)}, about 2", "width and resolution counted once", limit),
    )
