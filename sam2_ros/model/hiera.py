"""The Hiera trunk (arXiv:2306.00989) as SAM 2 uses it: four stages of windowed and global attention."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import HieraShape
from .image_encoder import Trunk
from .trunk_block import Block, PatchEmbed

PATCH_STRIDE = 4


class Hiera(Trunk):
    """Image (B, 3, S, S) to four maps (B, C_i, S_i, S_i) of strides 4, 8, 16 and 32."""

    folded_position: Tensor | None

    def __init__(self, shape: HieraShape, image_size: int) -> None:
        super().__init__()
        dim, side = shape.embed_dim, shape.background_position_size
        self.map_size = image_size // PATCH_STRIDE
        self.register_buffer("folded_position", None, persistent=False)  # what `fold` leaves for `position`
        self.patch_embed = PatchEmbed(dim, kernel_size=7, stride=PATCH_STRIDE, padding=3)
        self.pos_embed = nn.Parameter(torch.zeros(1, dim, side, side))
        self.pos_embed_window = nn.Parameter(torch.zeros(1, dim, shape.window_sizes[0], shape.window_sizes[0]))

        blocks: list[Block] = []
        self.stage_ends: list[int] = []
        heads = shape.num_heads
        for stage, count in enumerate(shape.stages):
            for i in range(count):
                pool = stage > 0 and i == 0
                # The window grows to the stage's own one block late: a pooling block still has the last stage's.
                window = shape.window_sizes[stage - 1 if pool else stage]
                dim_out = dim * 2 if pool else dim
                heads = heads * 2 if pool else heads
                is_global = len(blocks) in shape.global_attention_blocks
                blocks.append(Block(dim, dim_out, heads, 0 if is_global else window, pool))
                dim = dim_out
            self.stage_ends.append(len(blocks) - 1)
        self.blocks = nn.ModuleList(blocks)

    def fold(self) -> None:
        """Keep what depends on the weights alone, which do not change from now on."""
        self.folded_position = self.position().contiguous()

    def unfold(self) -> None:
        """The opposite: weights may change again."""
        self.folded_position = None

    def position(self) -> Tensor:
        """Position embedding (1, S/4, S/4, C): interpolated background plus the tiled window part."""
        if self.folded_position is not None:
            return self.folded_position
        side = self.map_size
        background = F.interpolate(self.pos_embed, size=(side, side), mode="bicubic", align_corners=False)
        repeats = -(-side // self.pos_embed_window.shape[-1])
        window = self.pos_embed_window.tile(1, 1, repeats, repeats)[..., :side, :side]
        return (background + window).permute(0, 2, 3, 1)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        x = self.patch_embed(pixels)
        x = x + self.position()
        maps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.stage_ends:
                maps.append(x.permute(0, 3, 1, 2))
        return maps
