"""Trunk and feature pyramid neck: an image to the features that everything else works on."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .hiera import Hiera


@dataclass(frozen=True)  # without slots, like all that goes through torch's compiler: before 2.6 it could not hold it
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
    """Trunk maps of strides 16 and 32 to features of stride 16; laterals for those of strides 4 and 8."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # Coarsest first, as the released files number them.
        self.convs = nn.ModuleList(Lateral(config.embed_dim * 2**stage, config.hidden_dim) for stage in (3, 2, 1, 0))

    def lateral(self, stride: int) -> nn.Conv2d:
        """The convolution of the trunk map of stride 4 or 8."""
        lateral = self.convs[{8: 2, 4: 3}[stride]]
        assert isinstance(lateral, Lateral)
        return lateral.conv

    def forward(self, stride16: Tensor, stride32: Tensor) -> Tensor:
        """Maps (B, C_3, f, f) and (B, C_4, f / 2, f / 2) to (B, C, f, f)."""
        coarse, fine = self.convs[0], self.convs[1]
        # Only the stride-16 level receives the coarser one.
        out: Tensor = fine(stride16) + F.interpolate(coarse(stride32), scale_factor=2.0, mode="nearest")
        return out


class ImageEncoder(nn.Module):
    """The trunk and its neck; `Sam2.encode_image` runs them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.trunk = Hiera(config)
        self.neck = Neck(config)
