"""The way of the high-resolution features past the memory: two 1x1 convolutions, for inference folded into one."""

import torch.nn.functional as F
from torch import Tensor, nn


class Skip(nn.Module):
    """The neck's 1x1 convolution of a trunk map and the mask decoder's after it; no weights of its own.

    Between them the map is at its widest (``hidden_dim`` channels at stride 4 or 8), and nobody else wants it.
    """

    folded_weight: Tensor | None
    folded_bias: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("folded_weight", None, persistent=False)
        self.register_buffer("folded_bias", None, persistent=False)

    def fold(self, lateral: nn.Conv2d, projection: nn.Conv2d) -> None:
        """Keep the product of both, which do not change from now on."""
        first, second = lateral.weight[..., 0, 0], projection.weight[..., 0, 0]
        assert lateral.bias is not None
        assert projection.bias is not None
        self.folded_weight = (second @ first)[..., None, None]
        self.folded_bias = second @ lateral.bias + projection.bias

    def unfold(self) -> None:
        """The opposite: weights may change again."""
        self.folded_weight = self.folded_bias = None

    def forward(self, x: Tensor, lateral: nn.Conv2d, projection: nn.Conv2d) -> Tensor:
        """Trunk map (B, C_i, H, W) to the decoder's features (B, C_o, H, W)."""
        if self.folded_weight is None:
            y: Tensor = projection(lateral(x))
            return y
        return F.conv2d(x, self.folded_weight, self.folded_bias)
