"""Chains of windows: read from a line of text, run backwards to the sizes that fit them exactly.

>>> [layer.kernel for layer in parse("conv 3, conv 3 s2, pool 2 s2")]
[3, 3, 2]
"""

import re
from collections.abc import Sequence

from receptron.arithmetic.derivation import Derivation, Step, solve
from receptron.arithmetic.expression import symbols
from receptron.arithmetic.layers import AXES, PADDINGS, Axes, Conv, Padding, Pool, Window, axis, parse_axes, stride_of
from receptron.arithmetic.padding import SOURCE
from receptron.arithmetic.sizes import chain_sizes, describe
from receptron.errors import BadValue, ImageTooSmall

W, S, P, O, K_EFF, P_BEFORE = symbols("W S P O K_eff P_before")
BACKWARDS = (O - 1) * S + K_EFF - 2 * P
GRAMMAR = "KIND KERNEL [sSTRIDE] [pPADDING] [dDILATION] [xREPEATS], with KIND conv or pool: 'conv 3 s2 p1, pool 2 s2, conv 3 p1 x4'"
_WORD = re.compile(r"(?P<letter>[spdx])(?P<value>\d+(?:x\d+)*|[a-z]+)")


def parse(text: str) -> tuple[Window, ...]:
    """Layers that a line of text names, in order.

    Args:
        text: Layers with commas between them, each as `GRAMMAR` says: "conv 3 s2 p1, pool 2 s2, conv 3 p1 x4".

    Returns:
        Convolutions and poolings; one that says x4 stands there four times.

    Raises:
        BadValue: For a word that cannot be read, and where no layer is named.

    Example:
        >>> len(parse("conv 7 s2 p3, pool 3 s2 p1, conv 3 p1 x4"))
        6
    """
    items = [item.split() for item in text.split(",") if item.strip()]
    if not items:
        raise BadValue("the chain names no layer.", mend=f"write {GRAMMAR}")
    return tuple(layer for words in items for layer in _layers(words))


def smallest_size(chain: Sequence[Window]) -> Derivation:
    """Least input size for which every layer of a chain gives at least one pixel.

    Args:
        chain: Layers from the input on.

    Returns:
        px of a square input, or of one axis.

    Raises:
        BadValue: If no input below 100,000 pixels fits.

    Source: Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

    Example:
        >>> smallest_size(parse("conv 3, pool 2, conv 3")).value
        8
    """
    for size in range(1, 100_000):
        try:
            chain_sizes(chain, size)
        except ImageTooSmall:
            continue
        step = Step("W_min", symbols("W_min")[0], {"W_min": size}, size, "one pixel less and a layer has nothing to give")
        return Derivation("smallest input", size, "px", (step,), SOURCE)
    raise BadValue("no input below 100,000 pixels fits this chain.", mend="check its kernels and paddings")


def legal_sizes(chain: Sequence[Window], largest: int = 512) -> Derivation:
    """Input sizes for which no layer of a chain drops a pixel; they lie one total stride apart.

    Each comes from running W = (O - 1) S + K_eff - 2P backwards from an output of 1, 2, 3 ... pixels.

    Args:
        chain: Layers from the input on, at least one.
        largest: px up to which sizes are looked for.

    Returns:
        The sizes in px, smallest first.

    Raises:
        BadValue: For no layer, for "same" padding, which never drops a pixel, and where no size fits.

    Source: Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

    Example:
        >>> legal_sizes(parse("conv 3 s2, conv 3 s2"), largest=20).value
        (7, 11, 15, 19)
    """
    if not chain:
        raise BadValue("the chain has no layer.", mend="name at least one convolution or pooling")
    if any(isinstance(layer.padding, str) and layer.padding == "same" for layer in chain):
        raise BadValue("'same' padding changes with the size and never drops a pixel.", mend="give the padding as a number")
    sizes: list[int] = []
    shown: tuple[Step, ...] = ()
    outputs = 1
    while True:
        steps = _backwards(chain, outputs)
        size = int(steps[-1].value)
        if size > largest:
            break
        if all(step.value >= 1 for step in steps):
            sizes.append(size)
            shown = shown or steps
        outputs += 1
    if not sizes:
        raise BadValue(f"no size up to {largest} fits this chain exactly.", mend="look further with a larger limit")
    return Derivation(
        "sizes that fit exactly", tuple(sizes), "px", shown, SOURCE, "Steps for the smallest; the others lie one total stride apart.", ", "
    )


def _backwards(chain: Sequence[Window], outputs: int) -> tuple[Step, ...]:
    steps: list[Step] = []
    for layer in reversed(chain):
        kernel, dilation = axis(layer.kernel, 0), axis(layer.dilation, 0)
        numbers = {"O": outputs, "S": axis(stride_of(layer), 0), "K_eff": kernel + (kernel - 1) * (dilation - 1)}
        if layer.padding == "causal":
            numbers["P_before"] = dilation * (kernel - 1)
            formula = (O - 1) * S + K_EFF - P_BEFORE
        else:
            formula, numbers["P"] = BACKWARDS, _each_side(layer)
        steps.append(solve("W", formula, numbers, describe(layer)))
        outputs = int(steps[-1].value)
    return tuple(steps)


def _each_side(layer: Window) -> int:
    if isinstance(layer.padding, str):
        return axis(layer.dilation, 0) * (axis(layer.kernel, 0) - 1) if layer.padding == "full" else 0
    return axis(layer.padding, 0)


def _layers(words: list[str]) -> list[Window]:
    kind = words[0].lower()
    if kind not in ("conv", "pool", "max", "average"):
        raise _unreadable(words, words[0])
    if len(words) < 2 or not AXES.fullmatch(words[1]):
        raise _unreadable(words, words[1] if len(words) > 1 else words[0])
    options = _options(words)
    repeats = options.pop("x", 1)
    padding = options.get("p", 0)
    kernel, stride, dilation = parse_axes(words[1]), _number(options, "s"), _number(options, "d") or 1
    if kind == "conv":
        layer = Conv(kernel, stride or 1, padding, dilation)
    else:
        layer = Pool(kernel, stride, padding, dilation, kind="average" if kind == "average" else "max")
    return [layer] * (repeats if isinstance(repeats, int) else 1)


def _options(words: list[str]) -> dict[str, Padding]:
    options: dict[str, Padding] = {}
    for word in words[2:]:
        found = _WORD.fullmatch(word.lower())
        named = found is not None and found["letter"] == "p" and found["value"] in PADDINGS
        if found is None or not (AXES.fullmatch(found["value"]) or named):
            raise _unreadable(words, word)
        options[found["letter"]] = found["value"] if named else parse_axes(found["value"])
    return options


def _number(options: dict[str, Padding], letter: str) -> Axes | None:
    value = options.get(letter)
    return None if value is None or isinstance(value, str) else value


def _unreadable(words: list[str], word: str) -> BadValue:
    return BadValue(f"cannot read {word!r} in the layer {' '.join(words)!r}.", mend=f"write {GRAMMAR}")
