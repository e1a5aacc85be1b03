"""Memory attention: the features of this frame look at the memories of frames before."""

from torch import Tensor, nn

from .config import ModelConfig
from .layers import add_linear, relu_
from .parts import cross_attention_of, memory_layout_of
from .position import Table, axial_rope, sine_position_2d
from .rope_attention import RopeAttention

POSITION_WEIGHT = 0.1  # of the sine positions that are added to the features at the entrance


class MemoryAttentionLayer(nn.Module):
    """Self-attention, cross-attention to memory, feed-forward; all pre-norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.self_attn = RopeAttention(dim, 1, dim)
        self.cross_attn_image = cross_attention_of(config)
        self.linear1 = nn.Linear(dim, config.feedforward_dim)
        self.linear2 = nn.Linear(config.feedforward_dim, dim)
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.norm3 = nn.LayerNorm(dim)

    def forward(
        self, x: Tensor, keys: Tensor, values: Tensor, rope: Tensor, key_rope: Tensor, rotated_keys: int
    ) -> Tensor:
        """Image tokens (B or 1, L, C), keys and values of memory (B, M, memory_dim): (B, L, C)."""
        y = self.norm1(x)
        x = self.self_attn.add_rotated(x, y, y, y, rope, rope, y.shape[1])
        x = self.cross_attn_image.add_rotated(x, self.norm2(x), keys, values, rope, key_rope, rotated_keys)
        return add_linear(x, self._hidden, x, self.linear2.weight, self.linear2.bias)

    def _hidden(self, x: Tensor) -> Tensor:
        return relu_(self.linear1(self.norm3(x)))


class MemoryAttention(nn.Module):
    """Features (B or 1, C, f, f) conditioned on memory tokens: (B, C, f, f)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(MemoryAttentionLayer(config) for _ in range(config.memory_attention_layers))
        self.norm = nn.LayerNorm(config.hidden_dim)
        self.position = Table(sine_position_2d(config.hidden_dim, config.feature_size))
        self.rope = Table(axial_rope(config.hidden_dim, config.feature_size))
        self.memory_rope = Table(memory_layout_of(config).rope)

    def forward(self, features: Tensor, memory: Tensor, memory_pos: Tensor, pointer_tokens: int) -> Tensor:
        """Memory and its positions (B, M, memory_dim), the last ``pointer_tokens`` of which are pointers."""
        # Until it looks at the memory, an image is the same to all objects: the first self-attention is done once.
        x = (features + POSITION_WEIGHT * self.position()).flatten(2).transpose(1, 2)
        keys = memory + memory_pos
        rotated = memory.shape[1] - pointer_tokens
        for layer in self.layers:
            x = layer(x, keys, memory, self.rope(), self.memory_rope(), rotated)
        return self.norm(x).transpose(1, 2).unflatten(2, features.shape[2:])
