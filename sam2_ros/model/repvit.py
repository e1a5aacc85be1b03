"""The trunk of EdgeTAM: RepViT (arXiv:2307.09283), a network of convolutions with the plan of a transformer."""

import torch.nn.functional as F
from torch import Tensor, nn

from .config import RepVitShape
from .folded_conv import BranchedConv, ConvNorm, FoldedConv
from .image_encoder import Trunk
from .layers import gelu

EXPANSION = 2  # of the channel mixers
SQUEEZE, SQUEEZE_MULTIPLE = 4, 8  # a squeeze-excitation is a fourth as wide inside, rounded to a multiple of 8


class SqueezeExcite(nn.Module):
    """Channels weighted by what the whole map holds."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        inner = max(SQUEEZE_MULTIPLE, (dim // SQUEEZE + SQUEEZE_MULTIPLE // 2) // SQUEEZE_MULTIPLE * SQUEEZE_MULTIPLE)
        self.fc1 = nn.Conv2d(dim, inner, kernel_size=1)
        self.fc2 = nn.Conv2d(inner, dim, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc2(F.relu(self.fc1(x.mean(dim=(2, 3), keepdim=True)))).sigmoid()


class ChannelMixer(nn.Module):
    """A map, plus a perceptron of every pixel's channels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(dim, EXPANSION * dim)
        self.conv2 = ConvNorm(EXPANSION * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(gelu(self.conv1(x)))


class RepVitBlock(nn.Module):
    """Tokens are mixed, then channels; ``squeeze`` says what stands between."""

    def __init__(self, dim: int, squeeze: nn.Module) -> None:
        super().__init__()
        self.token_mixer = BranchedConv(dim)
        self.se = squeeze
        self.channel_mixer = ChannelMixer(dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.channel_mixer(self.se(self.token_mixer(x)))


class Downsample(nn.Module):
    """Half the sides, other channels."""

    def __init__(self, dim: int, dim_out: int) -> None:
        super().__init__()
        self.pre_block = RepVitBlock(dim, nn.Identity())
        self.spatial_downsample = ConvNorm(dim, dim, kernel_size=3, stride=2, groups=dim)
        self.channel_downsample = ConvNorm(dim, dim_out)
        self.ffn = ChannelMixer(dim_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.ffn(self.channel_downsample(self.spatial_downsample(self.pre_block(x))))


class Stage(nn.Module):
    """Blocks of one size; every other one, the first too, squeezes and excites."""

    def __init__(self, downsample: nn.Module, dim: int, count: int) -> None:
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.Sequential(
            *(RepVitBlock(dim, nn.Identity() if index % 2 else SqueezeExcite(dim)) for index in range(count))
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.downsample(x))


class Stem(nn.Module):
    """Two convolutions of stride 2: (B, 3, S, S) to (B, C, S/4, S/4)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, dim // 2, kernel_size=3, stride=2)
        self.conv2 = ConvNorm(dim // 2, dim, kernel_size=3, stride=2)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.conv2(gelu(self.conv1(pixels)))


class Body(nn.Module):
    """Stem and four stages, named as in the released file."""

    def __init__(self, shape: RepVitShape) -> None:
        super().__init__()
        first, *rest = shape.channels
        self.stem = Stem(first)
        self.stages_0 = Stage(nn.Identity(), first, shape.stages[0])
        self.stages_1, self.stages_2, self.stages_3 = (
            Stage(Downsample(dim // 2, dim), dim, count) for dim, count in zip(rest, shape.stages[1:], strict=True)
        )

    def forward(self, pixels: Tensor) -> list[Tensor]:
        x = self.stem(pixels)
        return [x := stage(x) for stage in (self.stages_0, self.stages_1, self.stages_2, self.stages_3)]


class RepVit(Trunk):
    """Image (B, 3, S, S) to four maps (B, C_i, S_i, S_i) of strides 4, 8, 16 and 32."""

    def __init__(self, shape: RepVitShape) -> None:
        super().__init__()
        self.body = Body(shape)

    def fold(self) -> None:
        for layer in self.body.modules():
            if isinstance(layer, FoldedConv):
                layer.fold()

    def unfold(self) -> None:
        for layer in self.body.modules():
            if isinstance(layer, FoldedConv):
                layer.unfold()

    def forward(self, pixels: Tensor) -> list[Tensor]:
        return self.body(pixels)
