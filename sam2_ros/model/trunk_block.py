"""Transformer blocks of trunks: attention over the whole map or in windows, then a perceptron."""

import torch.nn.functional as F
from torch import Tensor, nn

from .layers import MLP, attend


def max_pool(x: Tensor) -> Tensor:
    """2x2 max pooling of (B, H, W, C)."""
    return F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def to_windows(x: Tensor, side: int) -> Tensor:
    """Cut (B, H, W, C) into (B * windows, side, side, C), zero-padded at the right and bottom."""
    _, h, w, _ = x.shape
    x = F.pad(x, (0, 0, 0, -w % side, 0, -h % side))
    x = x.unflatten(2, (-1, side)).unflatten(1, (-1, side))  # (B, rows, side, columns, side, C)
    return x.transpose(2, 3).flatten(0, 2)


def from_windows(windows: Tensor, h: int, w: int) -> Tensor:
    """Inverse of `to_windows`: (B, h, w, C) without the padding."""
    side = windows.shape[1]
    rows, columns = -(-h // side), -(-w // side)
    x = windows.unflatten(0, (-1, rows, columns)).transpose(2, 3)
    return x.flatten(3, 4).flatten(1, 2)[:, :h, :w]


class PatchEmbed(nn.Module):
    """A convolution that makes tokens of patches: (B, 3, S, S) to (B, S / stride, S / stride, C)."""

    def __init__(self, dim: int, kernel_size: int, stride: int, padding: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, kernel_size=kernel_size, stride=stride, padding=padding)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.proj(pixels).permute(0, 2, 3, 1)


class PooledAttention(nn.Module):
    """Self-attention whose queries may be max-pooled 2x2."""

    def __init__(self, dim: int, dim_out: int, num_heads: int, pool: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.pool = pool
        self.qkv = nn.Linear(dim, 3 * dim_out)
        self.proj = nn.Linear(dim_out, dim_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) to (B, H, W, C_out), or half the sides when pooling."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)  # (B, H, W, C_out) each
        if self.pool:
            q = max_pool(q)
        q_heads, k_heads, v_heads = (
            t.flatten(1, 2).unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for t in (q, k, v)
        )
        attended = attend(q_heads, k_heads, v_heads)  # (B, heads, L, C_out / heads)
        return self.proj(attended.transpose(1, 2).reshape(q.shape))


class Block(nn.Module):
    """One trunk block; ``window`` 0 attends over the whole map, ``pool`` halves the map's sides."""

    def __init__(self, dim: int, dim_out: int, num_heads: int, window: int, pool: bool) -> None:
        super().__init__()
        self.window = window
        self.pool = pool
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = PooledAttention(dim, dim_out, num_heads, pool)
        self.norm2 = nn.LayerNorm(dim_out, eps=1e-6)
        self.mlp = MLP((dim_out, 4 * dim_out, dim_out), F.gelu)
        if dim != dim_out:
            self.proj = nn.Linear(dim, dim_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) to (B, H, W, C_out), or half the sides when pooling."""
        normed = self.norm1(x)
        shortcut = max_pool(self.proj(normed)) if self.pool else x
        h, w = shortcut.shape[1:3]
        if self.window:
            # The padding takes part in the attention: the network was trained so.
            attended = from_windows(self.attn(to_windows(normed, self.window)), h, w)
        else:
            attended = self.attn(normed)
        x = shortcut + attended
        return self.mlp.onto(x, self.norm2)
