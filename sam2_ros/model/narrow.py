"""Attention with values that are narrower than the keys, which torch's fused kernels do not take."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

# Scores that are looked at together: enough queries for quick products with many keys, and still near the processor.
AT_ONCE = 8 << 20
QUERIES_AT_ONCE = 640


def attend_narrow(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(C) + bias) v for queries (B or 1, L, C), keys (B, M, C) and values (B, M, D): (B, L, D).

    ``bias`` (M,) is of the keys. For inference: gradients do not pass.
    """
    return attend_sides([(q / math.sqrt(q.shape[2]), k)], v, bias)


def attend_sides(sides: Sequence[tuple[Tensor, Tensor]], v: Tensor, bias: Tensor | None = None) -> Tensor:
    """The same where keys differ in kind: values (B, M, D) are of the keys of all sides, one after the other.

    A side has queries (B or 1, L, C_i), scaled already, and keys (B, M_i, C_i).
    """
    batch, queries = len(v), sides[0][0].shape[1]
    block = _queries_at_once(queries, v.shape[1])
    attended = v.new_empty(batch, queries, v.shape[2])
    for row in range(batch):
        for at in range(0, queries, block):
            out = attended[row, at : at + block]
            scores = v.new_empty(len(out), v.shape[1])
            columns = scores.split([k.shape[1] for _, k in sides], dim=1)
            for (q, k), scores_of_side in zip(sides, columns, strict=True):
                torch.mm(q.expand(batch, -1, -1)[row, at : at + block], k[row].T, out=scores_of_side)
            torch.mm(_softmax(scores, bias), v[row], out=out)
    return attended


def _queries_at_once(queries: int, keys: int) -> int:
    """Blocks of one size, as far as that goes."""
    most = min(QUERIES_AT_ONCE, max(1, AT_ONCE // keys))
    return math.ceil(queries / math.ceil(queries / most))


def _softmax(scores: Tensor, bias: Tensor | None) -> Tensor:
    raised = scores if bias is None else scores.add_(bias)
    return torch.softmax(raised, dim=-1, out=raised)
