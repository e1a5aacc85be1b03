"""The neck of a trunk with one map, that of EfficientTAM: nothing passes the memory."""

from collections.abc import Sequence

from torch import Tensor, nn

from .image_encoder import ImageFeatures, Neck
from .layers import LayerNorm2d
from .mask_decoder import MaskDecoder


class Projection(nn.Module):
    """1x1 and 3x3 convolution, each with a norm over channels, no activation."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv_1x1 = nn.Conv2d(channels_in, channels_out, kernel_size=1, bias=False)
        self.norm_0 = LayerNorm2d(channels_out)
        self.conv_3x3 = nn.Conv2d(channels_out, channels_out, kernel_size=3, padding=1, bias=False)
        self.norm_1 = LayerNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm_1(self.conv_3x3(self.norm_0(self.conv_1x1(x))))


class SingleNeck(Neck):
    """A trunk's map of stride 16 to the features."""

    def __init__(self, channels: Sequence[int], dim: int) -> None:
        """``channels``: of the trunk's one map."""
        super().__init__()
        (width,) = channels
        self.convs = nn.ModuleList([Projection(width, dim)])

    def fold(self, decoder: MaskDecoder) -> None:
        """Nothing to do."""

    def unfold(self) -> None:
        """Nothing to do."""

    def forward(self, maps: Sequence[Tensor], decoder: MaskDecoder) -> ImageFeatures:
        (stride16,) = maps
        features = self.convs[0](stride16)
        nothing8, nothing4 = (features.new_zeros(len(features), width, 1, 1) for width in decoder.upscaling_dims)
        return ImageFeatures(features, nothing8, nothing4)
