"""One-head attention with axial rotary positions: of an image to itself, and to memories."""

import torch.nn.functional as F
from torch import Tensor

from .layers import Attention, attend, infers_on_cpu
from .narrow import attend_narrow
from .position import rotate_


class RopeAttention(Attention):
    """Keys beyond ``rotated_keys`` carry no place in the image. As it is, all keys are attended to one by one."""

    def add_rotated(
        self, x: Tensor, q: Tensor, k: Tensor, v: Tensor, q_rope: Tensor, k_rope: Tensor, rotated_keys: int
    ) -> Tensor:
        """What queries find, added to ``x``, both (B or 1, L, C); keys and values (B, M, C_kv): (B, L, C).

        Rotations of the queries (2, L, C / 2), and of the keys of one map (2, L_k, C / 2).
        """
        q, k = rotate_(self.q_proj(q), q_rope), self.k_proj(k)
        rotate_(k[:, :rotated_keys].unflatten(1, (-1, k_rope.shape[1])), k_rope)  # (B, maps, L_k, C)
        return self.attend(x, q, k, v, rotated_keys, k_rope.shape[1])

    def attend(self, x: Tensor, q: Tensor, k: Tensor, v: Tensor, rotated_keys: int, map_keys: int) -> Tensor:
        """``x`` and projected queries (B or 1, L, C), projected keys (B, M, C), values (B, M, C_kv) as they came.

        The first ``rotated_keys`` are maps of ``map_keys`` each. The sum (B, L, C).
        """
        return self.add_attended(x, q, k, v)

    def add_attended(self, x: Tensor, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
        """The same, ``bias`` (M,) added to the scores of keys."""
        if infers_on_cpu(x) and v.shape[2] < k.shape[2]:  # CUDA's fused kernels want values as wide as keys
            return self.add_projected(x, attend_narrow(q, k, v, bias))
        q = q.expand(k.shape[0], -1, -1)
        if infers_on_cpu(x):
            weight, shift = self._projections()
            return _attend(q, k, F.linear(v, weight), bias).add_(x).add_(shift)
        return x + self.out_proj(_attend(q, k, self.v_proj(v), bias))

    def add_projected(self, x: Tensor, attended: Tensor) -> Tensor:
        """Means of values (B, L, C_kv) through both projections, added to ``x`` (B or 1, L, C): (B, L, C)."""
        weight, shift = self._projections()
        rows = (x.expand(len(attended), -1, -1) + shift).flatten(0, 1)
        return rows.addmm_(attended.flatten(0, 1), weight.T).unflatten(0, attended.shape[:2])

    def _projections(self) -> tuple[Tensor, Tensor]:
        """That of values and that of the output in one: (C, C_kv) and (C,).

        Weights sum to one, so weights times (values W + b) is (weights times values) W + b, before attention or after.
        """
        shift = F.linear(self.v_proj.bias, self.out_proj.weight, self.out_proj.bias)
        return self.out_proj.weight @ self.v_proj.weight, shift


def _attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    mask = None if bias is None else bias[None, None, None]  # torch's compiler wants all four dimensions
    return attend(q[:, None], k[:, None], v[:, None], mask)[:, 0]
