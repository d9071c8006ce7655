"""`receptron calc`: one number and its working, from closed forms alone."""

from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli.output import screen

if TYPE_CHECKING:
    from receptron.arithmetic import Derivation

app = typer.Typer(help="Compute sizes, parameters, costs and receptive fields, with the working.", no_args_is_help=True)

Size = Annotated[str, typer.Argument(help="Pixels: 224, or one number per axis as in 224x160.")]
Channels = Annotated[int, typer.Option(help="Channels.")]
In = Annotated[int, typer.Option("--in", help="Input channels.")]
Out = Annotated[int, typer.Option("--out", help="Output channels.")]
Kernel = Annotated[str, typer.Option(help="Kernel: 3, or 3x5.")]
Stride = Annotated[str, typer.Option(help="Stride: 2, or 2x1.")]
Padding = Annotated[str, typer.Option(help="Padding: a number, 1x2, valid, same, full or causal.")]
Dilation = Annotated[str, typer.Option(help="Dilation: 2, or 2x1.")]
Groups = Annotated[int, typer.Option(help="Groups; as many as input channels makes it depthwise.")]
Bias = Annotated[bool, typer.Option(help="Whether the layer has a bias.")]
Chain = Annotated[str, typer.Argument(help="Layers: 'conv 3, conv 3 s2 p1, pool 2 s2, conv 3 d2 x4'.")]
Json = Annotated[bool, typer.Option("--json", help="Print the record as JSON.")]
Notation = Annotated[str, typer.Option(help="text, latex or mathml.")]


def conv(
    size: Size,
    kernel: Kernel = "3",
    stride: Stride = "1",
    padding: Padding = "0",
    dilation: Dilation = "1",
    groups: Groups = 1,
    c_in: In = 3,
    c_out: Out = 64,
    bias: Bias = True,
    json: Json = False,
    notation: Notation = "text",
) -> None:
    """Convolution: output size, pixels dropped, parameters, MACs, FLOPs, memory of the output."""
    from receptron.arithmetic.layers import Conv, parse_axes
    from receptron.arithmetic.summary import conv_summary

    layer = Conv(parse_axes(kernel), parse_axes(stride), _padding(padding), parse_axes(dilation), c_in, c_out, groups, bias)
    _show(conv_summary(layer, parse_axes(size)), json, notation)


def transposed(
    size: Size,
    kernel: Kernel = "2",
    stride: Stride = "2",
    padding: Stride = "0",
    output_padding: Annotated[str, typer.Option(help="Rows added at the end.")] = "0",
    c_in: In = 64,
    c_out: Out = 32,
    json: Json = False,
    notation: Notation = "text",
) -> None:
    """Transposed convolution: output size, parameters, MACs, FLOPs."""
    from receptron.arithmetic.layers import Transposed, parse_axes
    from receptron.arithmetic.summary import conv_summary

    layer = Transposed(
        parse_axes(kernel), parse_axes(stride), parse_axes(padding), output_padding=parse_axes(output_padding), c_in=c_in, c_out=c_out
    )
    _show(conv_summary(layer, parse_axes(size)), json, notation)


def pool(
    size: Size,
    kernel: Kernel = "2",
    stride: Annotated[str | None, typer.Option(help="Stride; the kernel unless given.")] = None,
    padding: Padding = "0",
    ceil: Annotated[bool, typer.Option("--ceil", help="Round the size up.")] = False,
    average: Annotated[bool, typer.Option("--average", help="Average instead of maximum.")] = False,
    channels: Channels = 1,
    json: Json = False,
    notation: Notation = "text",
) -> None:
    """Pooling: output size, pixels dropped, FLOPs."""
    from receptron.arithmetic.layers import Pool, parse_axes
    from receptron.arithmetic.summary import pool_summary

    step = None if stride is None else parse_axes(stride)
    layer = Pool(parse_axes(kernel), step, _padding(padding), 1, ceil, "average" if average else "max", channels)
    _show(pool_summary(layer, parse_axes(size)), json, notation)


def linear(c_in: In = 512, c_out: Out = 1000, bias: Bias = True, json: Json = False, notation: Notation = "text") -> None:
    """Fully connected layer: parameters, MACs, FLOPs."""
    from receptron.arithmetic import Linear
    from receptron.arithmetic.summary import plain_summary

    _show(plain_summary(Linear(c_in, c_out, bias), 1), json, notation)


def norm(
    channels: Channels = 64,
    size: Annotated[str, typer.Option(help="Pixels of the map.")] = "56",
    kind: Annotated[str, typer.Option(help="batch, instance, group or layer.")] = "batch",
    json: Json = False,
    notation: Notation = "text",
) -> None:
    """Normalisation: learnable parameters, running statistics, FLOPs."""
    from receptron.arithmetic.layers import Norm, parse_axes
    from receptron.arithmetic.summary import plain_summary

    _show(plain_summary(Norm(channels, kind), parse_axes(size)), json, notation)


def field(chain: Chain, json: Json = False, notation: Notation = "text") -> None:
    """Receptive field of a chain: size, jump, padding, start."""
    from receptron.arithmetic import field_jump, field_padding, field_size, field_start, parse

    layers = parse(chain)
    _show((field_size(layers), field_jump(layers), field_padding(layers), field_start(layers)), json, notation)


def sizes(
    chain: Chain, size: Annotated[int, typer.Option(help="Input pixels.")] = 224, json: Json = False, notation: Notation = "text"
) -> None:
    """Sizes along a chain, its smallest input, and the inputs that drop no pixel."""
    from receptron.arithmetic import chain_sizes, legal_sizes, parse, smallest_size

    layers = parse(chain)
    _show((chain_sizes(layers, size), smallest_size(layers), legal_sizes(layers, max(size, 64))), json, notation)


def same(
    kernel: Kernel = "3",
    stride: Stride = "1",
    dilation: Dilation = "1",
    size: Annotated[str | None, typer.Option(help="Input pixels; needed for strides above 1.")] = None,
    json: Json = False,
    notation: Notation = "text",
) -> None:
    """Padding that keeps the size (or divides it by the stride)."""
    from receptron.arithmetic import same_padding
    from receptron.arithmetic.layers import parse_axes

    pixels = None if size is None else parse_axes(size)
    _show((same_padding(parse_axes(kernel), parse_axes(stride), parse_axes(dilation), pixels),), json, notation)


def path(
    size_in: Annotated[int, typer.Argument(help="Pixels in.")],
    size_out: Annotated[int, typer.Argument(help="Pixels out.")],
    largest: Annotated[int, typer.Option("--kernel", help="Largest kernel to look at.")] = 8,
    stride: Annotated[int, typer.Option(help="Largest stride.")] = 8,
    dilation: Annotated[int, typer.Option(help="Largest dilation.")] = 2,
    json: Json = False,
    notation: Notation = "text",
) -> None:
    """Every kernel, stride, padding and dilation that takes one size to another."""
    from receptron.arithmetic import Ways, ways
    from receptron.arithmetic.search import table

    found = ways(size_in, size_out, Ways(largest, stride, dilation))
    if json or notation != "text":
        _show(found, json, notation)
    else:
        screen.write(table(found))


def separable(
    c_in: In = 256,
    c_out: Out = 512,
    kernel: Annotated[int, typer.Option(help="Side of the kernel.")] = 3,
    size: Annotated[int, typer.Option(help="Side of the output map.")] = 56,
    json: Json = False,
    notation: Notation = "text",
) -> None:
    """Depthwise separable convolution against a standard one."""
    from receptron.arithmetic import separable as compare

    _show((compare(c_in, c_out, kernel, size),), json, notation)


def stacked(
    layers: Annotated[int, typer.Option(help="Convolutions in the stack.")] = 3,
    kernel: Annotated[int, typer.Option(help="Side of each kernel.")] = 3,
    channels: Channels = 64,
    json: Json = False,
    notation: Notation = "text",
) -> None:
    """Several small kernels against one large with the same receptive field."""
    from receptron.arithmetic import stacked as compare

    _show((compare(kernel, layers, channels),), json, notation)


def bottleneck(
    channels: Channels = 256,
    middle: Annotated[int, typer.Option(help="Channels in the middle.")] = 64,
    json: Json = False,
    notation: Notation = "text",
) -> None:
    """1x1, 3x3, 1x1 through few channels against two 3x3 at full width."""
    from receptron.arithmetic import bottleneck as compare

    _show((compare(channels, middle),), json, notation)


def scale(
    phi: Annotated[float, typer.Option(help="Compound coefficient.")] = 1.0,
    alpha: Annotated[float, typer.Option(help="Base of the depth.")] = 1.2,
    beta: Annotated[float, typer.Option(help="Base of the width.")] = 1.1,
    gamma: Annotated[float, typer.Option(help="Base of the resolution.")] = 1.15,
    pixels: Annotated[int, typer.Option(help="Resolution of the baseline.")] = 224,
    json: Json = False,
    notation: Notation = "text",
) -> None:
    """EfficientNet's compound scaling and its constraint."""
    from receptron.arithmetic import Coefficients, compound_scaling, constraint

    coefficients = Coefficients(alpha, beta, gamma)
    _show((compound_scaling(phi, coefficients, pixels), constraint(coefficients)), json, notation)


def _padding(text: str) -> int | str | tuple[int, ...]:
    from receptron.arithmetic.layers import AXES, parse_axes

    return parse_axes(text) if AXES.fullmatch(text) else text


def _show(derivations: "tuple[Derivation, ...]", json: bool, notation: str) -> None:
    if json:
        screen.json([derivation.record() for derivation in derivations])
    else:
        from receptron.arithmetic.derivation import written

        for derivation in derivations:
            screen.write(written(derivation, notation))


for _name, _command in {
    "conv": conv,
    "transposed": transposed,
    "pool": pool,
    "linear": linear,
    "norm": norm,
    "field": field,
    "sizes": sizes,
    "same": same,
    "path": path,
    "separable": separable,
    "stacked": stacked,
    "bottleneck": bottleneck,
    "scale": scale,
}.items():
    app.command(_name)(_command)
