"""The cross-attention to a perceiver's latents: the first of each map, like pointers, have no place and do not turn."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .layers import infers_on_cpu
from .narrow import attend_sides
from .position import rotate_
from .rope_attention import RopeAttention


class LatentCrossAttention(RopeAttention):
    """As its parent, whose numbers it gives; the first ``still`` keys of each map do not turn."""

    def __init__(self, dim: int, num_heads: int, inner_dim: int, kv_dim: int, still: int) -> None:
        super().__init__(dim, num_heads, inner_dim, kv_dim)
        self.still = still

    def add_rotated(
        self, x: Tensor, q: Tensor, k: Tensor, v: Tensor, q_rope: Tensor, k_rope: Tensor, rotated_keys: int
    ) -> Tensor:
        if not infers_on_cpu(x):
            return super().add_rotated(x, q, k, v, q_rope, k_rope, rotated_keys)
        q = rotate_(self.q_proj(q), q_rope) / math.sqrt(self.q_proj.out_features)
        still_k, turning_k = self._parted(k, rotated_keys, k_rope.shape[1])
        still_v, turning_v = self._parted(v, rotated_keys, k_rope.shape[1])
        turned = self.k_proj(turning_k)
        rotate_(turned.unflatten(1, (-1, k_rope.shape[1] - self.still)), k_rope[:, self.still :])
        sides = [self._unprojected(q, still_k), (q, turned)]
        return self.add_projected(x, attend_sides(sides, torch.cat((still_v, turning_v), dim=1)))

    def _parted(self, tokens: Tensor, rotated_keys: int, map_keys: int) -> tuple[Tensor, Tensor]:
        """Of (B, M, D) those that do not turn, and those that do."""
        maps = tokens[:, :rotated_keys].unflatten(1, (-1, map_keys))  # (B, maps, L_k, D)
        still = maps[:, :, : self.still].flatten(1, 2)
        return torch.cat((still, tokens[:, rotated_keys:]), dim=1), maps[:, :, self.still :].flatten(1, 2)

    def _unprojected(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys of the same products: q (W k + b) is (q W) k + q b, and k is a quarter as wide as W k."""
        weight = torch.cat((self.k_proj.weight, self.k_proj.bias[:, None]), dim=1)  # (C, C_kv + 1)
        return q @ weight, F.pad(k, (0, 1), value=1.0)
