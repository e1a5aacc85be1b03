"""Trunk and feature pyramid neck: an image to the features that everything else works on."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .hiera import Hiera


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """What the network keeps of one image (C = hidden_dim, (C8, C4) = upscaling_dims, f = image_size / 16)."""

    features: Tensor  # (B, C, f, f) stride 16
    stride8: Tensor  # (B, C8, 2f, 2f) projected for the mask decoder
    stride4: Tensor  # (B, C4, 4f, 4f) projected for the mask decoder


class Lateral(nn.Module):
    """1x1 convolution of one trunk stage to the neck's width."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Neck(nn.Module):
    """Trunk maps of strides 4 to 32 to maps of strides 4, 8 and 16 with ``hidden_dim`` channels."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # Coarsest first, as the released files number them.
        self.convs = nn.ModuleList(Lateral(config.embed_dim * 2**stage, config.hidden_dim) for stage in (3, 2, 1, 0))

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        stride4, stride8, stride16, stride32 = (conv(x) for conv, x in zip(reversed(self.convs), maps, strict=True))
        # Only the stride-16 level receives the coarser one.
        return stride4, stride8, stride16 + F.interpolate(stride32, scale_factor=2.0, mode="nearest")


class ImageEncoder(nn.Module):
    """Image (B, 3, S, S), normalised, to neck maps of strides 4, 8 and 16."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.trunk = Hiera(config)
        self.neck = Neck(config)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.neck(self.trunk(pixels))
