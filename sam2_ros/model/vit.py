"""The trunk of EfficientTAM: a plain vision transformer (arXiv:2010.11929) with windows in most of its blocks."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import STRIDE, VitShape
from .image_encoder import Trunk
from .trunk_block import Block, PatchEmbed


class Vit(Trunk):
    """Image (B, 3, S, S) to one map (B, C, f, f) of stride 16."""

    folded_position: Tensor | None

    def __init__(self, shape: VitShape, image_size: int) -> None:
        super().__init__()
        dim = shape.embed_dim
        self.map_size = image_size // STRIDE
        self.position_size = shape.position_size
        self.register_buffer("folded_position", None, persistent=False)  # what `fold` leaves for `position`
        self.patch_embed = PatchEmbed(dim, kernel_size=STRIDE, stride=STRIDE, padding=0)
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + shape.position_size**2, dim))
        windows = [0 if index in shape.global_attention_blocks else shape.window_size for index in range(shape.blocks)]
        self.blocks = nn.ModuleList(Block(dim, dim, shape.num_heads, window, pool=False) for window in windows)

    def fold(self) -> None:
        self.folded_position = self.position().contiguous()

    def unfold(self) -> None:
        self.folded_position = None

    def position(self) -> Tensor:
        """Position embedding (1, f, f, C), interpolated; its first row was of a class token that is not there."""
        if self.folded_position is not None:
            return self.folded_position
        learned = self.pos_embed[:, 1:].unflatten(1, (self.position_size, -1))
        if self.map_size == self.position_size:
            return learned
        size = (self.map_size, self.map_size)
        resized = F.interpolate(learned.permute(0, 3, 1, 2), size=size, mode="bicubic", align_corners=False)
        return resized.permute(0, 2, 3, 1)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        x = self.patch_embed(pixels) + self.position()
        for block in self.blocks:
            x = block(x)
        return [x.permute(0, 3, 1, 2)]
