"""Every operator that is known, by its name (those of onnxruntime with their domain before it), and which of its inputs are settings."""

from receptron.analysis.model_import.onnx_graph.calling import Rule
from receptron.analysis.model_import.onnx_graph.operators import (
    elementwise,
    making,
    normalization,
    products,
    quantization,
    rearrangement,
    recurrent,
    reduction,
    resizing,
    selection,
    windows,
)

RULES: dict[str, Rule] = {
    **windows.RULES,
    **products.RULES,
    **normalization.RULES,
    **recurrent.RULES,
    **elementwise.RULES,
    **reduction.RULES,
    **rearrangement.RULES,
    **selection.RULES,
    **resizing.RULES,
    **making.RULES,
    **quantization.RULES,
}
_FIRST, _BEHIND = range(9), range(1, 9)
SETTINGS: dict[str, range | tuple[int, ...]] = {
    **dict.fromkeys(("ConstantOfShape", "Range"), _FIRST),
    **dict.fromkeys([name for name in reduction.RULES if name.startswith(("Reduce", "Cum"))], _BEHIND),
    **dict.fromkeys(
        (
            "Resize", "Upsample", "Reshape", "Expand", "Slice", "Squeeze", "Unsqueeze", "Split", "Pad", "Tile", "CenterCropPad", "Trilu",
            "Gather", "GatherElements", "GatherND", "TopK", "OneHot", "Compress", "ReverseSequence", "Col2Im", "AffineGrid", "Clip",
            "QuantizeLinear", "DequantizeLinear", "com.microsoft.QuantizeLinear", "com.microsoft.DequantizeLinear",
        ),
        _BEHIND,
    ),
    **dict.fromkeys(("ScatterND", "ScatterElements", "Scatter"), (1,)),
    **dict.fromkeys(("QLinearConv", "QLinearMatMul"), (1, 2, 4, 5, 6, 7)),
    **dict.fromkeys(("com.microsoft.QLinearAdd", "com.microsoft.QLinearMul"), (1, 2, 4, 5, 6, 7)),
    **dict.fromkeys(("com.microsoft.QGemm",), (1, 2, 4, 5, 7, 8)),
    **dict.fromkeys(("ConvInteger", "MatMulInteger"), (2, 3)),
}  # fmt: skip
"""Which inputs of an operator are settings, not data."""
