"""Sums of products beside convolutions."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from receptron.analysis.model_import.onnx_graph.calling import Attributes, NotKnown, Rule, given, two


def gemm(x: list[Any], a: Attributes) -> Tensor:
    """Gemm."""
    left, right = (x[0].t() if a.get("transA") else x[0]), (x[1].t() if a.get("transB") else x[1])
    added, scale, share = given(x, 2), a.get("alpha", 1.0), a.get("beta", 1.0)
    if added is None:
        return left @ right if scale == 1 else (left @ right) * scale
    return torch.addmm(added, left, right, beta=share, alpha=scale)


def _attention(x: list[Any], a: Attributes) -> Any:
    """Queries, keys and values as (N, heads, length, width), or (N, length, heads x width), behind a cache of keys and values.

    Windows and paddings that hide some of the scores are left out: they are multiplied all the same.
    """
    apart = x[0].dim() == 3
    heads = (a["q_num_heads"], a["kv_num_heads"], a["kv_num_heads"]) if apart else (0, 0, 0)
    q, k, v = [t.unflatten(-1, (n, -1)).transpose(1, 2) if apart else t for t, n in zip(x[:3], heads, strict=True)]
    past = 0 if given(x, 4) is None else x[4].shape[2]
    kept = [torch.cat([x[4], k], 2), torch.cat([x[5], v], 2)] if past else [k, v]
    k, v = [t.repeat_interleave(q.shape[1] // t.shape[1], 1) if t.shape[1] != q.shape[1] else t for t in kept]
    scores = q @ k.transpose(-1, -2) * a.get("scale", q.shape[-1] ** -0.5)
    if cap := a.get("softcap", 0.0):
        scores = cap * torch.tanh(scores / cap)
    scores = _masked(scores, given(x, 3))
    if a.get("is_causal"):
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1 + past), float("-inf"))
    out = torch.softmax(scores, -1) @ v
    out = out.transpose(1, 2).flatten(2) if apart else out
    return out if a.outputs == 1 else (out, *kept, scores)


def _masked(scores: Tensor, mask: Tensor | None) -> Tensor:
    """A mask tells what is looked at, or is added; keys beyond it are hidden."""
    if mask is None:
        return scores
    looks = mask.dtype == torch.bool
    missing = scores.shape[-1] - mask.shape[-1]
    mask = F.pad(mask, [0, missing], value=False if looks else float("-inf")) if missing else mask
    return scores.masked_fill(~mask, float("-inf")) if looks else scores + mask


def _fused_product(x: list[Any], a: Attributes) -> Tensor:
    left, right = (t.transpose(-1, -2) if a.get(name) else t for t, name in zip(x, ("transA", "transB"), strict=True))
    return torch.matmul(left, right) * a.get("alpha", 1.0)


def _fused_gemm(x: list[Any], a: Attributes) -> Tensor:
    if a.get("activation", "Relu") != "Relu":
        raise NotKnown("a FusedGemm is known here with a Relu behind it.")
    return torch.relu(gemm(x, a))


RULES: dict[str, Rule] = {
    "Gemm": gemm,
    "MatMul": two(torch.matmul),
    "Einsum": lambda x, a: torch.einsum(a["equation"], *x),
    "Attention": _attention,
    "Det": lambda x, a: torch.linalg.det(x[0]),
    "com.microsoft.FusedMatMul": _fused_product,
    "com.microsoft.FusedGemm": _fused_gemm,
}
