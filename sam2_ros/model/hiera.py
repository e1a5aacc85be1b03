"""The Hiera trunk (arXiv:2306.00989) as SAM 2 uses it: four stages of windowed and global attention."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .layers import MLP

PATCH_STRIDE = 4


def max_pool(x: Tensor) -> Tensor:
    """2x2 max pooling of (B, H, W, C)."""
    return F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def to_windows(x: Tensor, side: int) -> Tensor:
    """Cut (B, H, W, C) into (B * windows, side, side, C), zero-padded at the right and bottom."""
    _, h, w, _ = x.shape
    x = F.pad(x, (0, 0, 0, -w % side, 0, -h % side))
    x = x.unflatten(2, (-1, side)).unflatten(1, (-1, side))  # (B, rows, side, columns, side, C)
    return x.transpose(2, 3).flatten(0, 2)


def from_windows(windows: Tensor, h: int, w: int) -> Tensor:
    """Inverse of `to_windows`: (B, h, w, C) without the padding."""
    side = windows.shape[1]
    rows, columns = -(-h // side), -(-w // side)
    x = windows.unflatten(0, (-1, rows, columns)).transpose(2, 3)
    return x.flatten(3, 4).flatten(1, 2)[:, :h, :w]


class PooledAttention(nn.Module):
    """Self-attention whose queries may be max-pooled 2x2."""

    def __init__(self, dim: int, dim_out: int, num_heads: int, pool: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.pool = pool
        self.qkv = nn.Linear(dim, 3 * dim_out)
        self.proj = nn.Linear(dim_out, dim_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) to (B, H, W, C_out), or half the sides when pooling."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)  # (B, H, W, C_out) each
        if self.pool:
            q = max_pool(q)
        q_heads, k_heads, v_heads = (
            t.flatten(1, 2).unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for t in (q, k, v)
        )
        attended = F.scaled_dot_product_attention(q_heads, k_heads, v_heads)  # (B, heads, L, C_out / heads)
        return self.proj(attended.transpose(1, 2).reshape(q.shape))


class Block(nn.Module):
    """One trunk block; ``window`` 0 attends over the whole map, ``pool`` halves the map's sides."""

    def __init__(self, dim: int, dim_out: int, num_heads: int, window: int, pool: bool) -> None:
        super().__init__()
        self.window = window
        self.pool = pool
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = PooledAttention(dim, dim_out, num_heads, pool)
        self.norm2 = nn.LayerNorm(dim_out, eps=1e-6)
        self.mlp = MLP((dim_out, 4 * dim_out, dim_out), F.gelu)
        if dim != dim_out:
            self.proj = nn.Linear(dim, dim_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) to (B, H, W, C_out), or half the sides when pooling."""
        normed = self.norm1(x)
        shortcut = max_pool(self.proj(normed)) if self.pool else x
        h, w = shortcut.shape[1:3]
        if self.window:
            # The padding takes part in the attention: the network was trained so.
            attended = from_windows(self.attn(to_windows(normed, self.window)), h, w)
        else:
            attended = self.attn(normed)
        x = shortcut + attended
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    """7x7 convolution of stride 4: (B, 3, S, S) to (B, S/4, S/4, C)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, kernel_size=7, stride=PATCH_STRIDE, padding=3)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.proj(pixels).permute(0, 2, 3, 1)


class Hiera(nn.Module):
    """Image (B, 3, S, S) to four maps (B, C_i, S_i, S_i) of strides 4, 8, 16 and 32."""

    folded_position: Tensor | None

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, side = config.embed_dim, config.background_position_size
        self.map_size = config.image_size // PATCH_STRIDE
        self.register_buffer("folded_position", None, persistent=False)  # what `fold` leaves for `position`
        self.patch_embed = PatchEmbed(dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, dim, side, side))
        self.pos_embed_window = nn.Parameter(torch.zeros(1, dim, config.window_sizes[0], config.window_sizes[0]))

        blocks: list[Block] = []
        self.stage_ends: list[int] = []
        heads = config.num_heads
        for stage, count in enumerate(config.stages):
            for i in range(count):
                pool = stage > 0 and i == 0
                # The window grows to the stage's own one block late: a pooling block still has the last stage's.
                window = config.window_sizes[stage - 1 if pool else stage]
                dim_out = dim * 2 if pool else dim
                heads = heads * 2 if pool else heads
                is_global = len(blocks) in config.global_attention_blocks
                blocks.append(Block(dim, dim_out, heads, 0 if is_global else window, pool))
                dim = dim_out
            self.stage_ends.append(len(blocks) - 1)
        self.blocks = nn.ModuleList(blocks)

    def fold(self) -> None:
        """Keep what depends on the weights alone, which do not change from now on."""
        self.folded_position = self.position().contiguous()

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
