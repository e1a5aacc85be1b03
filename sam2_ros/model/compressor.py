"""What is kept of a frame's memory: all of its tokens, or means over squares of them. A third kind: `perceiver`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .position import axial_rope, sine_position_2d


@dataclass(frozen=True, slots=True, eq=False)
class MemoryLayout:
    """Where the L tokens of a frame's memory lie in the image, in float64."""

    position: Tensor  # (L, memory_dim) added to them where they are keys
    rope: Tensor  # (2, L, C / 2) by which their keys turn


class Compressor(nn.Module, ABC):
    """A frame's memory (B, memory_dim, f, f) to the tokens that are kept, (B, L, memory_dim)."""

    @abstractmethod
    def forward(self, memory: Tensor) -> Tensor: ...


class AllTokens(Compressor):
    """Row by row."""

    def forward(self, memory: Tensor) -> Tensor:
        return memory.flatten(2).transpose(1, 2)


class Squares(Compressor):
    """Means over squares, row by row."""

    def __init__(self, side: int) -> None:
        """``side``: in tokens."""
        super().__init__()
        self.side = side

    def forward(self, memory: Tensor) -> Tensor:
        return F.avg_pool2d(memory, self.side).flatten(2).transpose(1, 2)


def layout_of_map(config: ModelConfig) -> MemoryLayout:
    """Of tokens, or squares of them, that cover the image."""
    position = F.avg_pool2d(sine_position_2d(config.memory_dim, config.feature_size), config.memory_pooling)
    return MemoryLayout(
        position.flatten(1).T, axial_rope(config.hidden_dim, config.feature_size, config.memory_pooling)
    )
