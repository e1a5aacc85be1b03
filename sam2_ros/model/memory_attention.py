"""Memory attention: the features of this frame look at the memories of frames before."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .layers import Attention
from .position import Table, axial_rope, rotate, sine_position_2d

POSITION_WEIGHT = 0.1  # of the sine positions that are added to the features at the entrance


class RopeAttention(Attention):
    """One-head attention with axial rotary positions; keys beyond ``rotated_keys`` carry no place in the image."""

    def forward_rotated(
        self, q: Tensor, k: Tensor, v: Tensor, rope: Tensor, rotated_keys: int, mask: Tensor | None
    ) -> Tensor:
        """Queries (B, L, C), keys and values (B, M, C_kv), rope (2, L, C / 2), mask (B, 1, 1, M): (B, L, C)."""
        q, k, v = self.split_heads(self.q_proj(q)), self.split_heads(self.k_proj(k)), self.split_heads(self.v_proj(v))
        place = k[:, :, :rotated_keys].unflatten(2, (-1, rope.shape[1]))  # (B, heads, maps, L, C)
        k = torch.cat((rotate(place, rope).flatten(2, 3), k[:, :, rotated_keys:]), dim=2)
        return self.join_heads(F.scaled_dot_product_attention(rotate(q, rope), k, v, attn_mask=mask))


class MemoryAttentionLayer(nn.Module):
    """Self-attention, cross-attention to memory, feed-forward; all pre-norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.self_attn = RopeAttention(dim, 1, dim)
        self.cross_attn_image = RopeAttention(dim, 1, dim, config.memory_dim)
        self.linear1 = nn.Linear(dim, config.feedforward_dim)
        self.linear2 = nn.Linear(config.feedforward_dim, dim)
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.norm3 = nn.LayerNorm(dim)

    def forward(
        self, x: Tensor, keys: Tensor, values: Tensor, rope: Tensor, rotated_keys: int, mask: Tensor | None
    ) -> Tensor:
        y = self.norm1(x)
        x = x + self.self_attn.forward_rotated(y, y, y, rope, y.shape[1], None)
        x = x + self.cross_attn_image.forward_rotated(self.norm2(x), keys, values, rope, rotated_keys, mask)
        return x + self.linear2(F.relu(self.linear1(self.norm3(x))))


class MemoryAttention(nn.Module):
    """Features (B or 1, C, f, f) conditioned on memory tokens: (B, C, f, f)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(MemoryAttentionLayer(config) for _ in range(config.memory_attention_layers))
        self.norm = nn.LayerNorm(config.hidden_dim)
        self.position = Table(sine_position_2d(config.hidden_dim, config.feature_size))
        self.rope = Table(axial_rope(config.hidden_dim, config.feature_size))

    def forward(
        self, features: Tensor, memory: Tensor, memory_pos: Tensor, pointer_tokens: int, mask: Tensor | None
    ) -> Tensor:
        """Memory and its positions (B, M, memory_dim), the last ``pointer_tokens`` of which are pointers.

        ``mask`` (B, M): False for tokens that are only padding; None when there are none.
        """
        x = (features + POSITION_WEIGHT * self.position()).flatten(2).transpose(1, 2)
        x = x.expand(memory.shape[0], -1, -1)
        keys = memory + memory_pos
        rotated = memory.shape[1] - pointer_tokens
        mask = None if mask is None else mask[:, None, None]
        for layer in self.layers:
            x = layer(x, keys, memory, self.rope(), rotated, mask)
        return self.norm(x).transpose(1, 2).unflatten(2, features.shape[2:])
