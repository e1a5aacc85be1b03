"""Small building blocks that several parts of the network share."""

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ROWS_AT_ONCE = 1024
SCORES_AT_ONCE, MOST_SCORES = 2**20, 2**23  # of attention


class LayerNorm2d(nn.LayerNorm):
    """LayerNorm over the channels of (B, C, H, W) maps, eps 1e-6."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        channels_last = x.is_contiguous(memory_format=torch.channels_last)
        if channels_last or x.device.type != "cpu" or x.dtype.itemsize < 4:  # half precision: torch adds up in float32
            return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        # On the CPU torch's own would first put channels last, and is slow with few of them: up to eight times as long.
        centred = x - x.mean(dim=1, keepdim=True)
        scale = (centred.square().mean(dim=1, keepdim=True) + self.eps).rsqrt()
        return torch.addcmul(self.bias[:, None, None], centred * scale, self.weight[:, None, None])


def relu_(x: Tensor) -> Tensor:
    """ReLU in place: hidden layers are wide, and a second tensor of their size costs more than the sum over it."""
    return F.relu(x, inplace=True)


def gelu(x: Tensor) -> Tensor:
    """Exact GELU. On the CPU torch's own takes ten times as long for maps (B, C, H, W) with channels last."""
    if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return F.gelu(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return F.gelu(x)


def by_rows(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """``function`` of every row of ``x`` (..., C).

    For inference on the CPU some rows at a time: hidden layers are wide, and what lies near the processor is read and
    written several times as fast.
    """
    rows = x.flatten(0, -2)
    if len(rows) <= ROWS_AT_ONCE or not infers_on_cpu(x):
        return function(x)
    return torch.cat([function(part) for part in rows.split(ROWS_AT_ONCE)]).unflatten(0, x.shape[:-1])


def add_linear(x: Tensor, hidden: Callable[[Tensor], Tensor], y: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """``x + F.linear(hidden(y), weight, bias)`` for rows of ``x`` (..., C) and ``y`` (..., D), as `by_rows`.

    In parts the product is added up where the sum will stand, which spares three passes over it.
    """
    if not infers_on_cpu(x):
        return x + F.linear(hidden(y), weight, bias)
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    parts = zip(*(rows.flatten(0, -2).split(ROWS_AT_ONCE) for rows in (out, x, y)), strict=True)
    for out_rows, x_rows, y_rows in parts:
        torch.add(x_rows, bias, out=out_rows).addmm_(hidden(y_rows), weight.T)
    return out


def infers_on_cpu(x: Tensor) -> bool:
    """Whether a computation may take the order that suits the CPU: what is compiled or trained keeps its formula."""
    return x.device.type == "cpu" and not (
        torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu")
    )


class Gelu(nn.Module):
    """`gelu` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return gelu(x)


def embedding(rows: int, dim: int) -> nn.Embedding:
    """``nn.Embedding(rows, dim)``, the same numbers from the same seed.

    The class fills a shapes-only tensor in a way that imports all of torch's compiler: nearly all of the time that it
    takes to load a small network.
    """
    return nn.Embedding.from_pretrained(torch.randn(rows, dim), freeze=False)


class MLP(nn.Module):
    """Linear layers with an activation between them."""

    def __init__(self, sizes: tuple[int, ...], activation: Callable[[Tensor], Tensor] = relu_) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return by_rows(lambda rows: self.layers[-1](self._hidden(rows)), x)

    def onto(self, x: Tensor, norm: Callable[[Tensor], Tensor]) -> Tensor:
        """``x`` plus what the layers make of its ``norm``."""
        last = self.layers[-1]
        assert isinstance(last, nn.Linear)
        return add_linear(x, lambda rows: self._hidden(norm(rows)), x, last.weight, last.bias)

    def precise(self, x: Tensor) -> Tensor:
        """The same with the last layer, and what comes of it, at least in float32."""
        last = self.layers[-1]
        assert isinstance(last, nn.Linear)
        dtype = torch.promote_types(x.dtype, torch.float32)
        return F.linear(self._hidden(x).to(dtype), last.weight.to(dtype), last.bias.to(dtype))

    def _hidden(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return x


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """Means of values (B, heads, M, D) by scaled products of queries (B, heads, L, D) and keys, ``bias`` added.

    Trained on the CPU in mixed precision it is written out, some objects at a time, so that scores stay near. They are
    kept for the way back, so only where they are few.
    """
    if bias is None and torch.is_grad_enabled() and torch.is_autocast_enabled("cpu"):
        scores = q.shape[1:-1].numel() * k.shape[-2]  # of one object
        if scores <= MOST_SCORES:
            # Forward and backward torch's own takes up to six times as long: `benchmarks/attention.py`.
            count = max(1, SCORES_AT_ONCE // scores)
            parts = zip(q.split(count), k.split(count), v.split(count), strict=True)
            return torch.cat([_attend_plainly(*part) for part in parts])
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)


def _attend_plainly(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)).softmax(dim=-1) @ v


class Attention(nn.Module):
    """Multi-head attention with projections of queries, keys and values to an inner width."""

    def __init__(self, dim: int, num_heads: int, inner_dim: int, kv_dim: int | None = None) -> None:
        super().__init__()
        kv_dim = dim if kv_dim is None else kv_dim
        self.num_heads = num_heads
        self.q_proj = nn.Linear(dim, inner_dim)
        self.k_proj = nn.Linear(kv_dim, inner_dim)
        self.v_proj = nn.Linear(kv_dim, inner_dim)
        self.out_proj = nn.Linear(inner_dim, dim)

    def split_heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, heads, L, C / heads)

    def join_heads(self, x: Tensor) -> Tensor:
        return self.out_proj(x.transpose(1, 2).flatten(2))  # (B, L, C)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Queries (B, L, C), keys and values (B, M, C_kv): (B, L, C)."""
        attended = attend(
            self.split_heads(self.q_proj(q)), self.split_heads(self.k_proj(k)), self.split_heads(self.v_proj(v))
        )
        return self.join_heads(attended)
