"""The neck of a trunk with four maps, that of SAM 2 and of EdgeTAM: a feature pyramid of which little is needed."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from .image_encoder import ImageFeatures, Neck
from .mask_decoder import DetailedMaskDecoder, MaskDecoder
from .skip import Skip


class Lateral(nn.Module):
    """1x1 convolution of one trunk stage to the neck's width."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class PyramidNeck(Neck):
    """Trunk maps of strides 16 and 32 to the features; those of strides 4 and 8 go past the memory to the decoder."""

    def __init__(self, channels: Sequence[int], dim: int) -> None:
        """``channels``: of the trunk's maps, finest first."""
        super().__init__()
        self.convs = nn.ModuleList(Lateral(width, dim) for width in reversed(channels))  # as the files number them
        self.skip8, self.skip4 = Skip(), Skip()

    def fold(self, decoder: MaskDecoder) -> None:
        assert isinstance(decoder, DetailedMaskDecoder)
        self.skip8.fold(self.lateral(8), decoder.conv_s1)
        self.skip4.fold(self.lateral(4), decoder.conv_s0)

    def unfold(self) -> None:
        self.skip8.unfold()
        self.skip4.unfold()

    def lateral(self, stride: int) -> nn.Conv2d:
        """The convolution of the trunk map of stride 4 or 8."""
        lateral = self.convs[{8: 2, 4: 3}[stride]]
        assert isinstance(lateral, Lateral)
        return lateral.conv

    def forward(self, maps: Sequence[Tensor], decoder: MaskDecoder) -> ImageFeatures:
        assert isinstance(decoder, DetailedMaskDecoder)
        stride4, stride8, stride16, stride32 = maps
        coarse, fine = self.convs[0], self.convs[1]
        return ImageFeatures(
            # Only the stride-16 level receives the coarser one.
            fine(stride16) + F.interpolate(coarse(stride32), scale_factor=2.0, mode="nearest"),
            self.skip8(stride8, self.lateral(8), decoder.conv_s1),
            self.skip4(stride4, self.lateral(4), decoder.conv_s0),
        )
