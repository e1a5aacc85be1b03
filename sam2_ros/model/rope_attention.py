"""One-head attention with axial rotary positions: of an image to itself, and to memories."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .layers import Attention
from .narrow import attend_narrow
from .position import rotate_


class RopeAttention(Attention):
    """Keys beyond ``rotated_keys`` carry no place in the image. As it is, all keys are attended to one by one."""

    def forward_rotated(
        self, q: Tensor, k: Tensor, v: Tensor, q_rope: Tensor, k_rope: Tensor, rotated_keys: int
    ) -> Tensor:
        """Queries (B or 1, L, C), keys and values (B, M, C_kv): (B, L, C).

        Rotations of the queries (2, L, C / 2), and of the keys of one map (2, L_k, C / 2).
        """
        q, k = rotate_(self.q_proj(q), q_rope), self.k_proj(k)
        rotate_(k[:, :rotated_keys].unflatten(1, (-1, k_rope.shape[1])), k_rope)  # (B, maps, L_k, C)
        q = q.expand(k.shape[0], -1, -1)
        out: Tensor = self.out_proj(self.attend(q, k, v, rotated_keys, k_rope.shape[1]))
        return out

    def attend(self, q: Tensor, k: Tensor, v: Tensor, rotated_keys: int, map_keys: int) -> Tensor:
        """Projected queries (B, L, C) and keys (B, M, C), values (B, M, C_kv) that are not yet projected: (B, L, C).

        The first ``rotated_keys`` are maps of ``map_keys`` each.
        """
        return self.project_attended(q, k, v)

    def project_attended(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
        """Attention with values that are projected, ``bias`` (M,) added to the scores of keys: (B, L, C)."""
        if attends_narrow(k, v):
            # Weights times (memory W + b) is (weights times memory) W + b, since weights sum to one: the projection
            # of values has fewer rows to do, and attention narrower ones.
            projected: Tensor = self.v_proj(attend_narrow(q, k, v, bias))
            return projected
        return F.scaled_dot_product_attention(q[:, None], k[:, None], self.v_proj(v)[:, None], attn_mask=bias)[:, 0]


def attends_narrow(wide: Tensor, values: Tensor) -> bool:
    """Whether it pays to attend to values as narrow as they are: CUDA's fused kernels want them wide."""
    return values.shape[2] < wide.shape[2] and values.device.type == "cpu" and not torch.is_grad_enabled()
