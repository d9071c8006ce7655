"""Which constants of a file are weights that are learnt: those that an operator has as such, and those that bear a name of the network.

Exporters work out in advance what depends on weights and constants alone, and name the result themselves. Where an operator reads it as
its weight, it is one; elsewhere the file does not say what it was made of.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from receptron.analysis.model_import.onnx_graph.file import OnnxFile, OnnxNode
from receptron.wording import counted

_ROLES = {
    "Conv": ("", "weight", "bias"), "ConvTranspose": ("", "weight", "bias"), "Gemm": ("", "weight", "bias"), "MatMul": ("", "weight"),
    "BatchNormalization": ("", "weight", "bias", "running_mean", "running_var"), "LayerNormalization": ("", "weight", "bias"),
    "RMSNormalization": ("", "weight"),
    "InstanceNormalization": ("", "weight", "bias"), "GroupNormalization": ("", "weight", "bias"), "PRelu": ("", "weight"),
    "LSTM": ("", "weight_ih", "weight_hh", "bias"), "GRU": ("", "weight_ih", "weight_hh", "bias"),
    "RNN": ("", "weight_ih", "weight_hh", "bias"), "QLinearConv": ("", "", "", "weight", "", "", "", "", "bias"),
    "QLinearMatMul": ("", "", "", "weight"), "ConvInteger": ("", "weight"), "MatMulInteger": ("", "weight"),
    "com.microsoft.FusedConv": ("", "weight", "bias"), "com.microsoft.FusedGemm": ("", "weight", "bias"),
    "com.microsoft.FusedMatMul": ("", "weight"), "com.microsoft.QGemm": ("", "", "", "weight", "", "", "bias"),
}  # fmt: skip
"""What torch calls the inputs of an operator."""
_EITHER_SIDE = ("MatMul", "com.microsoft.FusedMatMul")
"""Operators whose first input may be the weight as well."""
_PASSING = frozenset(
    ["Identity", "Cast", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Slice", "Split", "QuantizeLinear", "DequantizeLinear"]
)
"""Operators that hand their first input on, in another form."""
_OF_EXPORTERS = re.compile(
    r"""_?val_\d+                        # torch's current exporter
    | onnx::\w+ | _v_\d+                # torch's old one
    | (c_)?_?lifted_tensor\w*           # tensors that a forward makes
    | const_fold_opt__\d+               # tf2onnx
    | (.*/)?Constant(_\d+)?_output_\d+  # simplifiers, of what Constant nodes held
    """,
    re.VERBOSE,
)
_PLACES = (torch.int64, torch.int32, torch.bool)
"""Types of places, lengths and masks; quantized weights are shorter, or read as weights."""
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""What torch calls the numbers of a norm that are measured, not learnt; some exporters take the norm apart."""
_MOST_NAMES = 3


def role(op: str, index: int) -> str:
    """What torch calls input number `index` of an operator, empty where it is no weight."""
    roles = _ROLES.get(op, ())
    return roles[index] if index < len(roles) else ""


def constants_of(file: OnnxFile, weights: Mapping[str, Tensor]) -> frozenset[str]:
    """Names of those that are not learnt as far as the file tells."""
    read = _read_as_weights(file.nodes)
    named = {name for name, t in weights.items() if name in file.made or t.dtype in _PLACES or _OF_EXPORTERS.fullmatch(name)}
    return frozenset({*(named - read), *[name for name in weights if name.endswith(_STATISTICS)]})


def untold(constants: Mapping[str, Tensor]) -> dict[str, str]:
    """What the file does not say of constants that were worked out in advance: the figure, and the reason."""
    kept = {name: t for name, t in constants.items() if t.is_floating_point() and t.numel() > 1 and not name.endswith(_STATISTICS)}
    if not kept:
        return {}
    some = ", ".join(name[:40] for name in list(kept)[:_MOST_NAMES]) + (", ..." if len(kept) > _MOST_NAMES else "")
    held = (
        f"the exporter worked out {counted(len(kept), 'constant')} in advance ({some}: {sum(t.numel() for t in kept.values()):,} numbers)"
    )
    return {"parameters within folded constants": f"{held}, and the file does not say what of them is learnt; none of it is counted"}


def _read_as_weights(nodes: list[OnnxNode]) -> set[str]:
    """Names that an operator reads as its weight, as they are or in another form."""
    found = set[str]()
    for _, op, inputs, outputs, _ in reversed(nodes):
        handed_on = op in _PASSING and not found.isdisjoint(outputs)
        for index, name in enumerate(inputs):
            if role(op, index) or (index == 0 and (handed_on or op in _EITHER_SIDE)):
                found.add(name)
    return found
