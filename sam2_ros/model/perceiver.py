"""The memory compressor of EdgeTAM (arXiv:2501.07256): a frame's map of memory to a few tokens, its latents.

Some look at the whole map and have no place in the image. The others look at one window of it each, and keep its place.
"""

import torch
from torch import Tensor, nn

from .compressor import Compressor, MemoryLayout
from .config import ModelConfig, PerceiverShape
from .layers import attend
from .position import Table, axial_rope, sine_position_2d

EXPANSION = 4  # of the feed-forward


def feedforward(dim: int) -> nn.Sequential:
    """Norm, then two linear layers without biases."""
    return nn.Sequential(
        nn.LayerNorm(dim),
        nn.Linear(dim, EXPANSION * dim, bias=False),
        nn.GELU(),
        nn.Linear(EXPANSION * dim, dim, bias=False),
    )


class LatentAttention(nn.Module):
    """Latents (B, N, D) look at the map (B, f * f, D): the first ``wide`` at all of it, each other at its window."""

    def __init__(self, dim: int, wide: int, windows: int) -> None:
        super().__init__()
        self.wide = wide
        self.windows = windows  # along a side
        self.norm_x = nn.LayerNorm(dim)
        self.norm_latents = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_kv = nn.Linear(dim, 2 * dim, bias=False)
        self.to_out = nn.Linear(dim, dim, bias=False)

    def forward(self, latents: Tensor, tokens: Tensor, position: Tensor) -> Tensor:
        q = self.to_q(self.norm_latents(latents))
        k, v = self.to_kv(self.norm_x(tokens)).chunk(2, dim=-1)  # (B, f * f, D), for both kinds of latents
        seen = attend(q[:, None, : self.wide], (k + position)[:, None], (v + position)[:, None])  # (B, 1, wide, D)
        near = attend(q[:, self.wide :, None], self._windows(k), self._windows(v))  # (B, windows^2, 1, D)
        out: Tensor = self.to_out(torch.cat((seen[:, 0], near[:, :, 0]), dim=1))
        return out

    def _windows(self, tokens: Tensor) -> Tensor:
        """(B, f * f, D) to (B, windows^2, tokens of a window, D), row by row."""
        side = round(tokens.shape[1] ** 0.5) // self.windows
        cut = tokens.unflatten(1, (self.windows, side, self.windows, side))
        return cut.transpose(2, 3).flatten(3, 4).flatten(1, 2)


class LatentSelfAttention(nn.Module):
    """Latents (B, N, D) look at each other: the first ``wide`` of them; each other one at itself alone."""

    def __init__(self, dim: int, wide: int) -> None:
        super().__init__()
        self.wide = wide
        self.norm = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_kv = nn.Linear(dim, 2 * dim, bias=False)
        self.to_out = nn.Linear(dim, dim, bias=False)

    def forward(self, latents: Tensor) -> Tensor:
        normed = self.norm(latents)
        k, v = self.to_kv(normed).chunk(2, dim=-1)
        q = self.to_q(normed[:, : self.wide])
        seen = attend(q[:, None], k[:, None, : self.wide], v[:, None, : self.wide])[:, 0]
        out: Tensor = self.to_out(torch.cat((seen, v[:, self.wide :]), dim=1))
        return out


class PerceiverLayer(nn.Module):
    """Attention to the map, feed-forward, attention among latents, feed-forward."""

    def __init__(self, dim: int, shape: PerceiverShape) -> None:
        super().__init__()
        self.attn = LatentAttention(dim, shape.latents, shape.windows)
        self.ff = feedforward(dim)
        self.self_attn = LatentSelfAttention(dim, shape.latents)
        self.self_ff = feedforward(dim)

    def forward(self, latents: Tensor, tokens: Tensor, position: Tensor) -> Tensor:
        latents = latents + self.attn(latents, tokens, position)
        latents = latents + self.ff(latents)
        latents = latents + self.self_attn(latents)
        return latents + self.self_ff(latents)


class Perceiver(Compressor):
    """Memory (B, D, f, f) to the latents that see all of it, then those of its windows, row by row."""

    def __init__(self, shape: PerceiverShape, dim: int, feature_size: int) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(shape.latents, dim))  # they have to differ
        self.latents_2d = nn.Parameter(torch.randn(shape.windows**2, dim))
        self.layers = nn.ModuleList(PerceiverLayer(dim, shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(dim)
        self.position = Table(sine_position_2d(dim, feature_size).flatten(1).T)  # (f * f, D)

    def forward(self, memory: Tensor) -> Tensor:
        tokens = memory.flatten(2).transpose(1, 2)
        latents = torch.cat((self.latents, self.latents_2d)).expand(len(tokens), -1, -1)
        for layer in self.layers:
            latents = layer(latents, tokens, self.position())
        out: Tensor = self.norm(latents)
        return out


def layout_of_latents(config: ModelConfig, shape: PerceiverShape) -> MemoryLayout:
    """Those of windows lie on a map of windows, by whose own coordinates they turn; the others lie nowhere."""
    position = sine_position_2d(config.memory_dim, shape.windows).flatten(1).T
    rope = axial_rope(config.hidden_dim, shape.windows)
    nowhere = position.new_zeros(shape.latents, config.memory_dim)
    still = torch.stack((rope.new_ones(shape.latents, rope.shape[2]), rope.new_zeros(shape.latents, rope.shape[2])))
    return MemoryLayout(torch.cat((nowhere, position)), torch.cat((still, rope), dim=1))
