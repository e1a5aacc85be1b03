"""Trunk and neck: an image to the features that everything else works on. Which there are: see `parts`."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from .mask_decoder import MaskDecoder


@dataclass(frozen=True)  # without slots, like all that goes through torch's compiler: before 2.6 it could not hold it
class ImageFeatures:
    """What the network keeps of one image (C = hidden_dim, (C8, C4) = upscaling_dims, f = image_size / 16).

    A network that shows its mask decoder no finer maps has zeros of one pixel there, which change nothing.
    """

    features: Tensor  # (B, C, f, f) stride 16
    stride8: Tensor  # (B, C8, 2f, 2f) projected for the mask decoder
    stride4: Tensor  # (B, C4, 4f, 4f) projected for the mask decoder


class Trunk(nn.Module, ABC):
    """Image (B, 3, S, S) to maps (B, C_i, S_i, S_i), finest first."""

    @abstractmethod
    def forward(self, pixels: Tensor) -> list[Tensor]: ...

    @abstractmethod
    def fold(self) -> None:
        """Compute once what depends on the weights alone, which do not change from now on."""

    @abstractmethod
    def unfold(self) -> None:
        """The opposite: weights may change again."""


class Neck(nn.Module, ABC):
    """A trunk's maps to the image's features, with what its mask decoder wants of the finer ones."""

    @abstractmethod
    def forward(self, maps: Sequence[Tensor], decoder: MaskDecoder) -> ImageFeatures: ...

    @abstractmethod
    def fold(self, decoder: MaskDecoder) -> None:
        """See `Trunk.fold`."""

    @abstractmethod
    def unfold(self) -> None:
        """See `Trunk.unfold`."""


class ImageEncoder(nn.Module):
    """The two together; `Sam2.encode_image` runs them."""

    def __init__(self, trunk: Trunk, neck: Neck) -> None:
        super().__init__()
        self.trunk = trunk
        self.neck = neck
