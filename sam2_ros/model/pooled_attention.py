"""The cross-attention of EfficientTAM: when there are several memories, 2x2 squares of their tokens count as one.

Two kinds, which differ in how a square tells that it stands for four (the released networks ..._1 and ..._2).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .rope_attention import RopeAttention

SIDE = 2  # of a square, in tokens
COUNT = 2 * math.log(SIDE)  # logarithm of a square's tokens


class PooledAttention(RopeAttention):
    """The scores of squares are raised by the logarithm of four, so that each counts as four keys."""

    def attend(self, x: Tensor, q: Tensor, k: Tensor, v: Tensor, rotated_keys: int, map_keys: int) -> Tensor:
        if rotated_keys <= map_keys:  # with one memory all of its tokens are attended to
            return super().attend(x, q, k, v, rotated_keys, map_keys)
        square_k, square_v = (pool(tokens[:, :rotated_keys], map_keys) for tokens in (k, v))
        return self.attend_squares(x, q, square_k, square_v, k[:, rotated_keys:], v[:, rotated_keys:])

    def attend_squares(
        self, x: Tensor, q: Tensor, k: Tensor, v: Tensor, pointer_k: Tensor, pointer_v: Tensor
    ) -> Tensor:
        """Queries to the keys and values of squares and of object pointers, added to ``x``."""
        bias = F.pad(k.new_full((k.shape[1],), COUNT), (0, pointer_k.shape[1]))
        return self.add_attended(x, q, torch.cat((k, pointer_k), 1), torch.cat((v, pointer_v), 1), bias)


class ShiftedPooledAttention(PooledAttention):
    """The logarithm is added to every component of a square's key instead: the networks ..._2 were trained so."""

    def attend_squares(
        self, x: Tensor, q: Tensor, k: Tensor, v: Tensor, pointer_k: Tensor, pointer_v: Tensor
    ) -> Tensor:
        return self.add_attended(x, q, torch.cat((k + COUNT, pointer_k), 1), torch.cat((v, pointer_v), 1))


def pool(tokens: Tensor, map_tokens: int) -> Tensor:
    """Means over the squares of each map: (B, maps * map_tokens, C) to (B, maps * map_tokens / 4, C), row by row."""
    side = math.isqrt(map_tokens)
    squares = tokens.unflatten(1, (-1, side // SIDE, SIDE, side // SIDE, SIDE))  # (B, maps, rows, 2, columns, 2, C)
    return squares.mean(dim=(3, 5)).flatten(1, 3)
