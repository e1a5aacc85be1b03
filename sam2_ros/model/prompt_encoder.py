"""Points, box corners and masks to the embeddings that the mask decoder reads."""

import torch
from torch import Tensor, nn

from .config import STRIDE, ModelConfig
from .layers import LayerNorm2d
from .position import fourier_position

# Point labels. A box is its two corners.
NOT_A_POINT, BACKGROUND, FOREGROUND, BOX_TOP_LEFT, BOX_BOTTOM_RIGHT = -1, 0, 1, 2, 3


class FourierPosition(nn.Module):
    """Holds the stored Gaussian matrix of the random Fourier features."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.zeros(2, channels // 2))

    def forward(self, coordinates: Tensor) -> Tensor:
        return fourier_position(coordinates, self.positional_encoding_gaussian_matrix)


class PromptEncoder(nn.Module):
    """Sparse embeddings of points and boxes, dense embeddings of masks."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.image_size = config.image_size
        self.feature_size = config.image_size // STRIDE
        self.pe_layer = FourierPosition(dim)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, dim)
        self.no_mask_embed = nn.Embedding(1, dim)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, kernel_size=2, stride=2),
            LayerNorm2d(4),
            nn.GELU(),
            nn.Conv2d(4, 16, kernel_size=2, stride=2),
            LayerNorm2d(16),
            nn.GELU(),
            nn.Conv2d(16, dim, kernel_size=1),
        )

    def image_position(self) -> Tensor:
        """Position of every feature's centre: (1, C, f, f)."""
        matrix = self.pe_layer.positional_encoding_gaussian_matrix
        centre = (torch.arange(self.feature_size, dtype=matrix.dtype, device=matrix.device) + 0.5) / self.feature_size
        y, x = torch.meshgrid(centre, centre, indexing="ij")
        return self.pe_layer(torch.stack((x, y), dim=-1)).permute(2, 0, 1).unsqueeze(0)

    def sparse(self, points: Tensor, labels: Tensor) -> Tensor:
        """Points (B, P, 2) in pixels of the square image and labels (B, P) to (B, P + 1, C).

        The network expects one padding point after the prompts; without any prompt, two of them.
        """
        batch, count = labels.shape
        padding = 1 if count else 2
        points = torch.cat((points, points.new_zeros(batch, padding, 2)), dim=1)
        labels = torch.cat((labels, labels.new_full((batch, padding), NOT_A_POINT)), dim=1).unsqueeze(-1)
        position = self.pe_layer((points + 0.5) / self.image_size)
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
