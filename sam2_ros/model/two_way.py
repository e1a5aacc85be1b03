"""The two-way transformer of the mask decoder: prompt tokens and image attend to each other."""

from torch import Tensor, nn

from .config import ModelConfig
from .layers import MLP, Attention

NUM_HEADS = 8
DEPTH = 2


class TwoWayBlock(nn.Module):
    """Self-attention of tokens, tokens to image, MLP, image to tokens. Tokens (B, T, C), image (B, L, C)."""

    def __init__(self, dim: int, mlp_dim: int, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = Attention(dim, NUM_HEADS, dim)
        self.norm1 = nn.LayerNorm(dim)
        self.cross_attn_token_to_image = Attention(dim, NUM_HEADS, dim // 2)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLP((dim, mlp_dim, dim))
        self.norm3 = nn.LayerNorm(dim)
        self.norm4 = nn.LayerNorm(dim)
        self.cross_attn_image_to_token = Attention(dim, NUM_HEADS, dim // 2)

    def forward(self, tokens: Tensor, image: Tensor, token_pos: Tensor, image_pos: Tensor) -> tuple[Tensor, Tensor]:
        if self.first:
            # The tokens are their own positions here: nothing is added, and there is no residual.
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            q = tokens + token_pos
            tokens = tokens + self.self_attn(q, q, tokens)
        tokens = self.norm1(tokens)

        k = image + image_pos
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + token_pos, k, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = self.norm4(image + self.cross_attn_image_to_token(k, tokens + token_pos, tokens))
        return tokens, image


class TwoWayTransformer(nn.Module):
    """Blocks, then one last attention of tokens to image."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.layers = nn.ModuleList(TwoWayBlock(dim, config.feedforward_dim, first=i == 0) for i in range(DEPTH))
        self.final_attn_token_to_image = Attention(dim, NUM_HEADS, dim // 2)
        self.norm_final_attn = nn.LayerNorm(dim)

    def forward(self, image: Tensor, image_pos: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Image (B, L, C), its positions (1, L, C), tokens (B, T, C): new tokens and image of the same shapes."""
        token_pos = tokens
        for layer in self.layers:
            tokens, image = layer(tokens, image, token_pos, image_pos)
        attended = self.final_attn_token_to_image(tokens + token_pos, image + image_pos, image)
        return self.norm_final_attn(tokens + attended), image
