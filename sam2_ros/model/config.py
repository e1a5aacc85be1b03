"""What distinguishes one network from another: the parts that it is made of, and a table of those that there are.

Every kind of part is a file of its own, `parts` knows which.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar, Literal

STRIDE = 16  # of the features that are tracked on, relative to the image


@dataclass(frozen=True, slots=True)
class HieraShape:
    """The trunk of SAM 2, see `hiera`."""

    coarsest_stride: ClassVar[int] = 32  # of its maps, relative to the image

    embed_dim: int  # channels of the first stage; doubles at each stage
    num_heads: int  # attention heads of the first stage; doubles at each stage
    stages: tuple[int, int, int, int]  # blocks per stage
    global_attention_blocks: tuple[int, ...]  # blocks that attend over the whole image instead of windows
    window_sizes: tuple[int, int, int, int] = (8, 4, 14, 7)  # side of the attention windows per stage, in tokens
    background_position_size: int = 7  # side of the learned background position embedding

    @property
    def channels(self) -> tuple[int, ...]:
        """Of the maps, finest first."""
        return tuple(self.embed_dim * 2**stage for stage in range(len(self.stages)))


@dataclass(frozen=True, slots=True)
class RepVitShape:
    """The trunk of EdgeTAM, see `repvit`."""

    coarsest_stride: ClassVar[int] = 32

    embed_dim: int  # channels of the first stage; doubles at each stage
    stages: tuple[int, int, int, int]  # blocks per stage

    @property
    def channels(self) -> tuple[int, ...]:
        """Of the maps, finest first."""
        return tuple(self.embed_dim * 2**stage for stage in range(len(self.stages)))


@dataclass(frozen=True, slots=True)
class VitShape:
    """The trunk of EfficientTAM, see `vit`."""

    coarsest_stride: ClassVar[int] = STRIDE

    embed_dim: int
    num_heads: int
    blocks: int = 12
    global_attention_blocks: tuple[int, ...] = (2, 5, 8, 11)  # the others attend in windows
    window_size: int = 14  # side of these, in tokens
    position_size: int = 14  # side of the learned position embedding

    @property
    def channels(self) -> tuple[int, ...]:
        """Of its one map."""
        return (self.embed_dim,)


@dataclass(frozen=True, slots=True)
class PerceiverShape:
    """The memory compressor of EdgeTAM, see `perceiver`."""

    latents: int = 256  # that see a whole map
    windows: int = 16  # along a side; as many latents as windows see one of them each
    layers: int = 2


TrunkShape = HieraShape | RepVitShape | VitShape
Neck = Literal["pyramid", "single"]  # of a trunk with four maps, of one with one
CrossAttention = Literal["full", "pooled", "pooled_shifted"]  # of an image to memories


@dataclass(frozen=True)
class ModelConfig:
    """Shape of a network. Fields that are equal in all released models carry the released value as default.

    Values: the released configurations of SAM 2 (arXiv:2408.00714), SAM 2.1, EdgeTAM (arXiv:2501.07256) and
    EfficientTAM (arXiv:2411.18933).
    """

    name: str
    trunk: TrunkShape
    neck: Neck = "pyramid"
    compressor: PerceiverShape | None = None  # of a frame's memory, before it is kept; None: all tokens are kept
    cross_attention: CrossAttention = "full"
    hidden_dim: int = 256  # channels of everything after the trunk
    memory_dim: int = 64  # channels of a memory token
    memory_attention_layers: int = 4
    feedforward_dim: int = 2048  # of the memory attention and of the two-way decoder
    upscaling_dims: tuple[int, int] = (64, 32)  # channels of the mask decoder's maps of strides 8 and 4
    upscaling_kernel: int = 2  # side of its transposed convolutions; above 2 neighbours overlap
    num_maskmem: int = 7  # spatial memories attended, the prompted frames counting as one
    image_size: int = 1024  # side of the square input in pixels
    memory_pooling: int = 1  # side of the squares of memory tokens that are averaged into one; released: none are
    # SAM 2.1 marks the spatial memory of an absent object and projects the age of pointers; the others do neither.
    no_object_memory: bool = True
    pointer_time: bool = True

    def __post_init__(self) -> None:
        if self.memory_pooling not in (1, 2):
            raise ValueError(f"memory_pooling is {self.memory_pooling}; choose 1 or 2")
        if self.memory_pooling > 1 and (self.compressor is not None or self.cross_attention != "full"):
            raise ValueError(
                f"memory_pooling is {self.memory_pooling}, but {self.name} makes memory smaller by itself; choose 1"
            )
        if self.upscaling_kernel < 2 or self.upscaling_kernel % 2:
            raise ValueError(f"upscaling_kernel is {self.upscaling_kernel}; choose an even number from 2 on")
        multiple = self.image_size_multiple
        if self.image_size <= 0 or self.image_size % multiple:
            raise ValueError(
                f"image_size is {self.image_size}; it has to be a positive multiple of {multiple} for {self.name}: "
                f"{_nearest_multiples(self.image_size, multiple)}"
            )

    @property
    def image_size_multiple(self) -> int:
        """What the image size is a multiple of, so that every map and every window is whole."""
        windows = 1 if self.compressor is None else self.compressor.windows
        squares = self.memory_pooling if self.cross_attention == "full" else 2
        return math.lcm(self.trunk.coarsest_stride, STRIDE * windows, STRIDE * squares)

    def shares_weights(self, other: "ModelConfig") -> bool:
        """Whether the weights of one have the keys and shapes of the other's."""

        def of_weights(config: ModelConfig) -> ModelConfig:
            return dataclasses.replace(config, name="", image_size=1024, memory_pooling=1, cross_attention="full")

        return of_weights(self) == of_weights(other)

    @property
    def feature_size(self) -> int:
        """Side of the stride-16 feature map, in tokens."""
        return self.image_size // STRIDE

    @property
    def memory_tokens(self) -> int:
        """Tokens in the spatial memory of one frame."""
        if self.compressor is not None:
            return self.compressor.latents + self.compressor.windows**2
        return (self.feature_size // self.memory_pooling) ** 2

    @property
    def low_res_size(self) -> int:
        """Side of the mask logits that the decoder gives, in pixels."""
        return self.image_size // 4

    @property
    def tokens_per_pointer(self) -> int:
        """Memory tokens that one object pointer is split into."""
        return self.hidden_dim // self.memory_dim


def _nearest_multiples(size: int, multiple: int) -> str:
    below = size // multiple * multiple
    return f"{below} or {below + multiple}" if below > 0 else f"{multiple}"


# --- the networks ----------------------------------------------------------------------------------------------------


def _sam2_1(size: str, trunk: HieraShape) -> ModelConfig:
    return ModelConfig(f"sam2.1_hiera_{size}", trunk)


def _sam2_0(config: ModelConfig) -> ModelConfig:
    name = config.name.replace("sam2.1", "sam2")
    return dataclasses.replace(config, name=name, no_object_memory=False, pointer_time=False)


def _efficienttam(
    name: str, trunk: VitShape, cross_attention: CrossAttention = "full", image_size: int = 1024
) -> ModelConfig:
    return ModelConfig(
        f"efficienttam_{name}",
        trunk,
        neck="single",
        cross_attention=cross_attention,
        image_size=image_size,
        no_object_memory=False,
        pointer_time=False,
    )


_SAM2_1 = (
    _sam2_1("tiny", HieraShape(96, 1, (1, 2, 7, 2), (5, 7, 9))),
    _sam2_1("small", HieraShape(96, 1, (1, 2, 11, 2), (7, 10, 13))),
    _sam2_1("base_plus", HieraShape(112, 2, (2, 3, 16, 3), (12, 16, 20), background_position_size=14)),
    _sam2_1("large", HieraShape(144, 2, (2, 6, 36, 4), (23, 33, 43), window_sizes=(8, 4, 16, 8))),
)
_EDGETAM = ModelConfig(
    "edgetam",
    RepVitShape(48, (2, 2, 14, 2)),
    compressor=PerceiverShape(),
    memory_attention_layers=2,
    no_object_memory=False,
    pointer_time=False,
)
_EFFICIENTTAM = tuple(
    network
    for size, trunk in (("ti", VitShape(192, 3)), ("s", VitShape(384, 6)))
    for network in (
        _efficienttam(size, trunk),
        _efficienttam(f"{size}_1", trunk, "pooled"),
        _efficienttam(f"{size}_2", trunk, "pooled_shifted"),
        _efficienttam(f"{size}_512x512", trunk, image_size=512),
    )
)
# Our own: one that tracks and is small enough to ship, and one for tests.
_NANO = ModelConfig(
    "nano",
    HieraShape(
        embed_dim=32,
        num_heads=1,
        stages=(1, 1, 3, 1),
        global_attention_blocks=(2, 3, 4, 5),  # all of the last two stages: their maps are small
    ),
    hidden_dim=128,
    memory_dim=32,
    memory_attention_layers=3,
    feedforward_dim=256,
    upscaling_dims=(96, 64),
    num_maskmem=3,  # more frames cost two CPU cores time and find no more
    upscaling_kernel=6,  # a small trunk leaves much to be made out among neighbours once the prompt is known
    image_size=384,  # tokens fine enough for small objects, and two CPU cores still keep up
)
_TOY = ModelConfig(
    "toy",
    HieraShape(embed_dim=16, num_heads=1, stages=(1, 1, 2, 1), global_attention_blocks=(3,)),
    hidden_dim=64,
    memory_dim=16,
    memory_attention_layers=2,
    feedforward_dim=128,
    upscaling_dims=(16, 8),
    image_size=256,
)

MODEL_CONFIGS: dict[str, ModelConfig] = {  # by full name
    config.name: config
    for config in (
        *(version for v2_1 in _SAM2_1 for version in (v2_1, _sam2_0(v2_1))),
        _EDGETAM,
        *_EFFICIENTTAM,
        _NANO,
        _TOY,
    )
}

# What a user types for the SAM 2.1 sizes.
SHORT_NAMES = {size: f"sam2.1_hiera_{size}" for size in ("tiny", "small", "base_plus", "large")}


def get_config(name: str, image_size: int | None = None) -> ModelConfig:
    """The configuration of a size (``tiny``) or of a full name (``sam2_hiera_tiny``, ``edgetam``).

    ``image_size``: side of the square input in pixels, None for the size's own. Raises ValueError.
    """
    try:
        config = MODEL_CONFIGS[SHORT_NAMES.get(name, name)]
    except KeyError:
        known = ", ".join([*SHORT_NAMES, *MODEL_CONFIGS])
        raise ValueError(f"unknown model {name!r}; choose one of {known}") from None
    return config if image_size is None else dataclasses.replace(config, image_size=image_size)
