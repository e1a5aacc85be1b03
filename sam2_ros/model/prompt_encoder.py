"""Points, box corners and masks to the embeddings that the mask decoder reads."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .config import STRIDE, ModelConfig
from .layers import Gelu, LayerNorm2d, embedding
from .position import fourier_position

# Point labels. A box is its two corners.
NOT_A_POINT, BACKGROUND, FOREGROUND, BOX_TOP_LEFT, BOX_BOTTOM_RIGHT = -1, 0, 1, 2, 3


class FourierPosition(nn.Module):
    """Holds the stored Gaussian matrix of the random Fourier features; never in less than float32.

    Half precision knows a place in the image to a few pixels only, and its angle to a twentieth of a turn.
    """

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.zeros(2, channels // 2))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "FourierPosition":
        exact = self.positional_encoding_gaussian_matrix
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        moved = self.positional_encoding_gaussian_matrix
        precise = torch.promote_types(moved.dtype, torch.float32)
        if moved.dtype != precise:
            self.positional_encoding_gaussian_matrix = exact.to(moved.device, precise)
        return self

    def forward(self, coordinates: Tensor) -> Tensor:
        """Coordinates (..., 2) in 0..1, at least float32, to (..., C) of the same type."""
        return fourier_position(coordinates, self.positional_encoding_gaussian_matrix)


class PromptEncoder(nn.Module):
    """Sparse embeddings of points and boxes, dense embeddings of masks."""

    folded_position: Tensor | None

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.image_size = config.image_size
        self.feature_size = config.image_size // STRIDE
        self.register_buffer("folded_position", None, persistent=False)  # what `fold` leaves for `image_position`
        self.pe_layer = FourierPosition(dim)
        self.point_embeddings = nn.ModuleList(embedding(1, dim) for _ in range(4))
        self.not_a_point_embed = embedding(1, dim)
        self.no_mask_embed = embedding(1, dim)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, kernel_size=2, stride=2),
            LayerNorm2d(4),
            Gelu(),
            nn.Conv2d(4, 16, kernel_size=2, stride=2),
            LayerNorm2d(16),
            Gelu(),
            nn.Conv2d(16, dim, kernel_size=1),
        )

    def fold(self) -> None:
        """Keep what depends on the weights alone, which do not change from now on."""
        self.folded_position = self.image_position()

    def unfold(self) -> None:
        """The opposite: weights may change again."""
        self.folded_position = None

    def image_position(self) -> Tensor:
        """Position of every feature's centre: (1, C, f, f)."""
        if self.folded_position is not None:
            return self.folded_position
        matrix = self.pe_layer.positional_encoding_gaussian_matrix
        centre = (torch.arange(self.feature_size, dtype=matrix.dtype, device=matrix.device) + 0.5) / self.feature_size
        y, x = torch.meshgrid(centre, centre, indexing="ij")
        position = self.pe_layer(torch.stack((x, y), dim=-1)).permute(2, 0, 1).unsqueeze(0)
        return position.to(self.no_mask_embed.weight.dtype)

    def sparse(self, points: Tensor, labels: Tensor) -> Tensor:
        """Points (B, P, 2) in pixels of the square image, at least float32, and labels (B, P) to (B, P + 1, C).

        The network expects one padding point after the prompts; without any prompt, two of them.
        """
        batch, count = labels.shape
        padding = 1 if count else 2
        points = torch.cat((points, points.new_zeros(batch, padding, 2)), dim=1)
        labels = torch.cat((labels, labels.new_full((batch, padding), NOT_A_POINT)), dim=1).unsqueeze(-1)
        position = self.pe_layer((points + 0.5) / self.image_size).to(self.no_mask_embed.weight.dtype)
        embedding = torch.where(labels == NOT_A_POINT, self.not_a_point_embed.weight, position)
        kinds = torch.cat([kind.get_parameter("weight") for kind in self.point_embeddings])  # (4, C)
        for label in range(len(kinds)):
            embedding = torch.where(labels == label, embedding + kinds[label], embedding)
        return embedding

    def dense(self, mask_logits: Tensor | None) -> Tensor:
        """Mask logits (B, 1, S/4, S/4), or None for no mask, to (B, C, f, f), or (1, C, 1, 1) without a mask."""
        if mask_logits is None:
            return self.no_mask_embed.weight[:, :, None, None]
        return self.mask_downscaling(mask_logits)
