"""Convolutions that were trained with batch norms and branches around them, and are one convolution afterwards."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORM_EPS = 1e-5  # under the root, as in all released weights


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """A convolution with bias, in float64."""

    weight: Tensor  # (C_out, C_in / groups, k, k)
    bias: Tensor  # (C_out,)


class StoredNorm(nn.Module):
    """Batch norm by the stored statistics, in training as well: the batches of a fine-tuning are too small for own."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=NORM_EPS)


class FoldedConv(nn.Module, ABC):
    """Gives step by step what its parts make of a map or, once folded, the same by one convolution."""

    folded_weight: Tensor | None
    folded_bias: Tensor | None

    def __init__(self, kernel_size: int, stride: int, groups: int) -> None:
        super().__init__()
        self.stride, self.padding, self.groups = stride, kernel_size // 2, groups
        self.register_buffer("folded_weight", None, persistent=False)
        self.register_buffer("folded_bias", None, persistent=False)

    @abstractmethod
    def equivalent(self) -> Kernel:
        """The one convolution."""

    @abstractmethod
    def stepwise(self, x: Tensor) -> Tensor:
        """What it does unfolded."""

    def fold(self) -> None:
        """Keep the one convolution; weights do not change from now on."""
        dtype = next(self.parameters()).dtype
        kernel = self.equivalent()
        self.folded_weight = kernel.weight.to(dtype).contiguous(memory_format=torch.channels_last)
        self.folded_bias = kernel.bias.to(dtype)

    def unfold(self) -> None:
        """The opposite: weights may change again."""
        self.folded_weight = self.folded_bias = None

    def forward(self, x: Tensor) -> Tensor:
        if self.folded_weight is None:
            return self.stepwise(x)
        return F.conv2d(x, self.folded_weight, self.folded_bias, self.stride, self.padding, groups=self.groups)


class ConvNorm(FoldedConv):
    """Convolution without bias, then a batch norm; its sides shrink by the stride alone."""

    def __init__(self, channels_in: int, channels_out: int, kernel_size: int = 1, stride: int = 1, groups: int = 1):
        super().__init__(kernel_size, stride, groups)
        self.c = nn.Conv2d(
            channels_in, channels_out, kernel_size, stride, padding=kernel_size // 2, groups=groups, bias=False
        )
        self.bn = StoredNorm(channels_out)

    def stepwise(self, x: Tensor) -> Tensor:
        normed: Tensor = self.bn(self.c(x))
        return normed

    def equivalent(self) -> Kernel:
        norm = self.bn
        scale = norm.weight.double() / (norm.running_var.double() + NORM_EPS).sqrt()
        bias = norm.bias.double() - norm.running_mean.double() * scale
        return Kernel(self.c.weight.double() * scale[:, None, None, None], bias)


class BranchedConv(FoldedConv):
    """A map, plus its depthwise 3x3 convolution, plus its depthwise 1x1 convolution, each with a batch norm."""

    def __init__(self, channels: int) -> None:
        super().__init__(kernel_size=3, stride=1, groups=channels)
        self.conv = ConvNorm(channels, channels, kernel_size=3, groups=channels)
        self.conv1 = ConvNorm(channels, channels, groups=channels)

    def stepwise(self, x: Tensor) -> Tensor:
        return x + self.conv(x) + self.conv1(x)

    def equivalent(self) -> Kernel:
        wide, point = self.conv.equivalent(), self.conv1.equivalent()
        centre = F.pad(point.weight + 1, (1, 1, 1, 1))  # the map itself is a kernel of one
        return Kernel(wide.weight + centre, wide.bias + point.bias)
