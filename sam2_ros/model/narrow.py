"""Attention with values that are narrower than the keys, which torch's fused kernels do not take."""

import math

import torch
from torch import Tensor

AT_ONCE = 8 << 20  # scores that are looked at together: large enough for quick products, and still near the processor


def attend_narrow(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(C) + bias) v for queries (B, L, C), keys (B, M, C) and values (B, M, D): (B, L, D).

    ``bias`` (M,) is of the keys. For inference: gradients do not pass.
    """
    batch, queries, width = q.shape
    q, k = q / math.sqrt(width), k.transpose(1, 2)
    if batch * queries * k.shape[2] <= AT_ONCE:
        return torch.bmm(_softmax(torch.bmm(q, k), bias), v)
    block = max(1, AT_ONCE // k.shape[2])
    attended = q.new_empty(batch, queries, v.shape[2])
    for row in range(batch):
        for at in range(0, queries, block):
            scores = _softmax(q[row, at : at + block] @ k[row], bias)
            torch.mm(scores, v[row], out=attended[row, at : at + block])
    return attended


def _softmax(scores: Tensor, bias: Tensor | None) -> Tensor:
    raised = scores if bias is None else scores.add_(bias)
    return torch.softmax(raised, dim=-1, out=raised)
