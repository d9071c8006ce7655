"""Every ONNX operator beside onnx's own test cases: the same numbers, and the same shapes where nothing but shapes is known."""

import re
import warnings
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from receptron.analysis.model_import.onnx_graph import OnnxGraph
from receptron.analysis.model_import.onnx_graph.table import RULES, SETTINGS
from receptron.analysis.recording import record

onnx = pytest.importorskip("onnx")

WITHOUT_ARITHMETIC = {"uint16", "uint32", "uint64", "bfloat16"}
"""Types that torch does not reckon with on the processor, or numpy does not have."""
OTHER_NUMBERS = {
    r"select_last_index|top_k_same_values": "of equal numbers another one",
    r"dropout|bernoulli": "drawn at random",
    r"seq_length|peepholes": "lengths and peepholes change no count",
    r"antialias": "torch has another filter",
    r"attention.*(qk_matmul|nonpad|window|robustness|softmax|padded_kv)": "what hides scores changes no count",
    r"maxunpool_export_with_output_shape": "places are those of another map",
}
"""Cases whose numbers differ and whose shapes do not, with the reason."""
LEFT_OUT = {
    r"reduce_(max|min)_empty_set": "the largest of nothing",
    r"einsum_scalar": "an equation without axes",
    r"dilations|col2im_5d|argmax_2d_precomputed_strides": "not known here",
    r"resize.*(crop_and_resize|symmetric|exclude_outside|cubic_asymmetric|sizes_linear_pytorch_half_pixel|downsample_scales_\w+_align_corners)":
        "not known here",
    r"test_tile$": "more numbers than a constant may have",
}  # fmt: skip
"""Cases that stand in as unknown, with the reason."""

WITHOUT_CASES = {
    "Cast", "CastLike", "Upsample", "Scatter", "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "GlobalLpPool",
    "Size",
}  # fmt: skip
"""Operators of which onnx has no case of plain numbers."""


@cache
def cases() -> dict[str, list[Any]]:
    """onnx's cases of one node by its operator."""
    from onnx.backend.test.loader import load_model_tests

    found: dict[str, list[Any]] = defaultdict(list)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in load_model_tests(kind="node"):
            model = case.model or onnx.load(Path(case.model_dir) / "model.onnx")
            if len(model.graph.node) == 1 and not any(re.search(pattern, case.name) for pattern in LEFT_OUT):
                found[model.graph.node[0].op_type].append((case, model))
    return found


def data(case: Any) -> tuple[list[Any], list[Any]]:
    """Inputs and results."""
    if case.data_sets:
        return case.data_sets[0]
    folder = Path(case.model_dir) / "test_data_set_0"

    def read(kind: str, index: int) -> Any:
        tensor = onnx.TensorProto.FromString((folder / f"{kind}_{index}.pb").read_bytes())
        return onnx.numpy_helper.to_array(tensor)

    return tuple([read(kind, i) for i in range(len([*folder.glob(f"{kind}_*.pb")]))] for kind in ("input", "output"))  # pyright: ignore


def is_plain(arrays: list[Any]) -> bool:
    kinds = [np.asarray(a).dtype for a in arrays if not isinstance(a, list)]
    return len(kinds) == len(arrays) and all(kind.kind in "fiub" and kind.name not in WITHOUT_ARITHMETIC for kind in kinds)


@pytest.mark.parametrize("op", sorted(RULES.keys() - {name for name in RULES if name.startswith("com.")}))
@pytest.mark.parametrize("most", [2, pytest.param(10**6, marks=pytest.mark.campaign)], ids=["some", "all"])
def test_an_operator_gives_what_onnx_says(op: str, most: int, tmp_path: Path):
    """Of each operator the first cases that can be compared, in a campaign all."""
    compared = 0
    for case, model in cases()[op]:
        try:
            given, expected = data(case)
        except Exception:  # sequences and optionals have other files
            continue
        if not is_plain([*given, *expected]):
            continue
        path = tmp_path / "case.onnx"
        path.write_bytes(model.SerializeToString())
        tensors = [torch.from_numpy(np.ascontiguousarray(a)).reshape(np.shape(a)) for a in given]
        with torch.no_grad():
            out = OnnxGraph.read(path, numbers=True).eval()(*tensors)
        loose = any(re.search(pattern, case.name) for pattern in OTHER_NUMBERS)
        for made, wanted in zip(out if isinstance(out, tuple) else (out,), expected, strict=True):
            assert tuple(made.shape) == np.shape(wanted), case.name
            if not loose:
                np.testing.assert_allclose(made.double().numpy(), np.asarray(wanted, "float64"), 1e-2, 1e-3, err_msg=case.name)
        if op not in SETTINGS and all(t.is_floating_point() and t.numel() for t in tensors):
            tape = record(OnnxGraph.read(path), [t.to("meta") for t in tensors])
            assert [tape.values[v].shape for v in tape.outputs] == [np.shape(wanted) for wanted in expected], case.name
        compared += 1
        if compared == most:
            return
    if op not in WITHOUT_CASES:
        assert compared, f"onnx has no case of {op} that can be compared"


def test_most_of_what_onnx_has_is_known():
    """Known are all but strings, sequences, control flow, training, signals and boxes: each of these is named here."""
    names = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == "" and not schema.deprecated}
    apart = """
        StringConcat StringNormalizer StringSplit RegexFullMatch TfIdfVectorizer ConcatFromSequence SequenceAt SequenceConstruct
        SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap SplitToSequence Optional OptionalGetElement OptionalHasElement
        If Loop Scan
        Constant NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss DFT STFT MelWeightMatrix HannWindow HammingWindow BlackmanWindow
        NonMaxSuppression RoiAlign MaxRoiPool Unique Multinomial ImageDecoder DeformConv RotaryEmbedding TensorScatter
        LinearAttention CausalConvWithState BitCast SwiGLU
    """
    assert names - RULES.keys() - {*apart.split()} == set()
