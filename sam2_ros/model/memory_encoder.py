"""Memory encoder: image features and a mask to the spatial memory of one frame."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .layers import Gelu, LayerNorm2d, add_linear


class MaskDownsampler(nn.Module):
    """Four 3x3 convolutions of stride 2 and one 1x1: (B, 1, S, S) to (B, C, S/16, S/16)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for _ in range(4):
            layers += [
                nn.Conv2d(channels, channels * 4, kernel_size=3, stride=2, padding=1),
                LayerNorm2d(channels * 4),
                Gelu(),
            ]
            channels *= 4
        self.encoder = nn.Sequential(*layers, nn.Conv2d(channels, dim, kernel_size=1))

    def forward(self, mask: Tensor) -> Tensor:
        return self.encoder(mask)


class ConvNeXtBlock(nn.Module):
    """7x7 depthwise convolution and an inverted bottleneck with layer scale (arXiv:2201.03545)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.gamma[:, None] * self.pwconv2.weight, self.gamma * self.pwconv2.bias
        tokens, near = x.permute(0, 2, 3, 1), self.dwconv(x).permute(0, 2, 3, 1)
        return add_linear(tokens, self._hidden, near, weight, bias).permute(0, 3, 1, 2)

    def _hidden(self, x: Tensor) -> Tensor:
        return F.gelu(self.pwconv1(self.norm(x)))


class Fuser(nn.Module):
    """Two ConvNeXt blocks."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(ConvNeXtBlock(dim), ConvNeXtBlock(dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class MemoryEncoder(nn.Module):
    """Raw features (B or 1, C, f, f) and mask (B, 1, S, S) in the memory's scale to (B, memory_dim, f, f)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.mask_downsampler = MaskDownsampler(dim)
        self.pix_feat_proj = nn.Conv2d(dim, dim, kernel_size=1)
        self.fuser = Fuser(dim)
        self.out_proj = nn.Conv2d(dim, config.memory_dim, kernel_size=1)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        return self.out_proj(self.fuser(self.pix_feat_proj(features) + self.mask_downsampler(mask)))
