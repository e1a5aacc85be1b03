"""What distinguishes one SAM 2 network from another: one dataclass and one table of sizes."""

import dataclasses
from dataclasses import dataclass

STRIDE = 16  # of the features that are tracked on, relative to the image
COARSEST_STRIDE = 32  # of the last trunk stage


@dataclass(frozen=True)
class ModelConfig:
    """Shape of a network. Fields that are equal in all released models carry the released value as default.

    Values: the released configurations of SAM 2 (arXiv:2408.00714) and SAM 2.1.
    """

    name: str
    embed_dim: int  # channels of the first trunk stage; doubles at each stage
    num_heads: int  # attention heads of the first trunk stage; doubles at each stage
    stages: tuple[int, int, int, int]  # blocks per stage
    global_attention_blocks: tuple[int, ...]  # blocks that attend over the whole image instead of windows
    window_sizes: tuple[int, int, int, int] = (8, 4, 14, 7)  # side of the attention windows per stage, in tokens
    background_position_size: int = 7  # side of the learned background position embedding
    hidden_dim: int = 256  # channels of everything after the trunk
    memory_dim: int = 64  # channels of a memory token
    memory_attention_layers: int = 4
    feedforward_dim: int = 2048  # of the memory attention and of the two-way decoder
    upscaling_dims: tuple[int, int] = (64, 32)  # channels of the mask decoder's maps of strides 8 and 4
    upscaling_kernel: int = 2  # side of its transposed convolutions; above 2 neighbours overlap
    num_maskmem: int = 7  # spatial memories attended, the prompted frames counting as one
    image_size: int = 1024  # side of the square input in pixels
    memory_pooling: int = 1  # side of the squares of memory tokens that are averaged into one; released: none are
    # SAM 2.1 marks the spatial memory of an absent object and projects the age of pointers; SAM 2.0 does neither.
    no_object_memory: bool = True
    pointer_time: bool = True

    def __post_init__(self) -> None:
        if self.image_size <= 0 or self.image_size % COARSEST_STRIDE:
            raise ValueError(
                f"image_size is {self.image_size}; it has to be a positive multiple of {COARSEST_STRIDE}, "
                "the stride of the coarsest features"
            )
        if self.memory_pooling not in (1, 2):
            raise ValueError(f"memory_pooling is {self.memory_pooling}; choose 1 or 2")
        if self.upscaling_kernel < 2 or self.upscaling_kernel % 2:
            raise ValueError(f"upscaling_kernel is {self.upscaling_kernel}; choose an even number from 2 on")

    @property
    def feature_size(self) -> int:
        """Side of the stride-16 feature map, in tokens."""
        return self.image_size // STRIDE

    @property
    def memory_tokens(self) -> int:
        """Tokens in the spatial memory of one frame."""
        return (self.feature_size // self.memory_pooling) ** 2

    @property
    def low_res_size(self) -> int:
        """Side of the mask logits that the decoder gives, in pixels."""
        return self.image_size // 4

    @property
    def tokens_per_pointer(self) -> int:
        """Memory tokens that one object pointer is split into."""
        return self.hidden_dim // self.memory_dim


_TINY = ModelConfig("sam2.1_hiera_tiny", 96, 1, (1, 2, 7, 2), (5, 7, 9))
_SMALL = ModelConfig("sam2.1_hiera_small", 96, 1, (1, 2, 11, 2), (7, 10, 13))
_BASE_PLUS = ModelConfig("sam2.1_hiera_base_plus", 112, 2, (2, 3, 16, 3), (12, 16, 20), background_position_size=14)
_LARGE = ModelConfig("sam2.1_hiera_large", 144, 2, (2, 6, 36, 4), (23, 33, 43), window_sizes=(8, 4, 16, 8))


def _sam2_0(config: ModelConfig) -> ModelConfig:
    name = config.name.replace("sam2.1", "sam2")
    return dataclasses.replace(config, name=name, no_object_memory=False, pointer_time=False)


# The official networks by full name; then our own: one that tracks and is small enough to ship, and one for tests.
MODEL_CONFIGS: dict[str, ModelConfig] = {
    config.name: config for v2_1 in (_TINY, _SMALL, _BASE_PLUS, _LARGE) for config in (v2_1, _sam2_0(v2_1))
}
MODEL_CONFIGS["nano"] = ModelConfig(
    "nano",
    embed_dim=32,
    num_heads=1,
    stages=(1, 1, 3, 1),
    global_attention_blocks=(2, 3, 4, 5),  # all of the last two stages: their maps are small
    hidden_dim=128,
    memory_dim=32,
    memory_attention_layers=3,
    feedforward_dim=256,
    upscaling_dims=(96, 64),
    num_maskmem=3,  # more frames cost two CPU cores time and find no more
    upscaling_kernel=6,  # a small trunk leaves much to be made out among neighbours once the prompt is known
    image_size=384,  # tokens fine enough for small objects, and two CPU cores still keep up
)
MODEL_CONFIGS["toy"] = ModelConfig(
    "toy",
    embed_dim=16,
    num_heads=1,
    stages=(1, 1, 2, 1),
    global_attention_blocks=(3,),
    hidden_dim=64,
    memory_dim=16,
    memory_attention_layers=2,
    feedforward_dim=128,
    upscaling_dims=(16, 8),
    image_size=256,
)

# What a user types for the SAM 2.1 sizes.
SHORT_NAMES = {size: f"sam2.1_hiera_{size}" for size in ("tiny", "small", "base_plus", "large")}


def get_config(name: str, image_size: int | None = None) -> ModelConfig:
    """The configuration of a size (``tiny``) or of a full name (``sam2_hiera_tiny``).

    ``image_size``: side of the square input in pixels, None for the size's own. Raises ValueError.
    """
    try:
        config = MODEL_CONFIGS[SHORT_NAMES.get(name, name)]
    except KeyError:
        known = ", ".join([*SHORT_NAMES, *MODEL_CONFIGS])
        raise ValueError(f"unknown model {name!r}; choose one of {known}") from None
    return config if image_size is None else dataclasses.replace(config, image_size=image_size)
