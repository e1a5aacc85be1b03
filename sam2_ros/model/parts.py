"""Which module each part of a configuration becomes: the one place that knows all kinds of each.

Trunk          hiera | repvit | vit                    image to maps
Neck           pyramid_neck | single_neck              maps to features; chooses the mask decoder that takes them
Compressor     all tokens | squares | perceiver        memory of a frame to what is kept of it
CrossAttention full | pooled | pooled, shifted         features to memories; one of its own goes with the perceiver
"""

from .compressor import AllTokens, Compressor, MemoryLayout, Squares, layout_of_map
from .config import CrossAttention, HieraShape, ModelConfig, Neck, RepVitShape
from .hiera import Hiera
from .image_encoder import ImageEncoder, Trunk
from .image_encoder import Neck as NeckModule
from .latent_cross_attention import LatentCrossAttention
from .mask_decoder import DetailedMaskDecoder, MaskDecoder
from .perceiver import Perceiver, layout_of_latents
from .pooled_attention import PooledAttention, ShiftedPooledAttention
from .pyramid_neck import PyramidNeck
from .repvit import RepVit
from .rope_attention import RopeAttention
from .single_neck import SingleNeck
from .vit import Vit

_NECKS: dict[Neck, type[PyramidNeck | SingleNeck]] = {"pyramid": PyramidNeck, "single": SingleNeck}
_DECODERS: dict[Neck, type[MaskDecoder]] = {"pyramid": DetailedMaskDecoder, "single": MaskDecoder}
_CROSS_ATTENTIONS: dict[CrossAttention, type[RopeAttention]] = {
    "full": RopeAttention,
    "pooled": PooledAttention,
    "pooled_shifted": ShiftedPooledAttention,
}


def image_encoder_of(config: ModelConfig) -> ImageEncoder:
    """Trunk and neck."""
    neck: NeckModule = _NECKS[config.neck](config.trunk.channels, config.hidden_dim)
    return ImageEncoder(_trunk_of(config), neck)


def _trunk_of(config: ModelConfig) -> Trunk:
    shape = config.trunk
    if isinstance(shape, HieraShape):
        return Hiera(shape, config.image_size)
    if isinstance(shape, RepVitShape):
        return RepVit(shape)
    return Vit(shape, config.image_size)


def mask_decoder_of(config: ModelConfig) -> MaskDecoder:
    """The mask decoder that takes what the neck gives."""
    return _DECODERS[config.neck](config)


def compressor_of(config: ModelConfig) -> Compressor:
    """What is kept of a frame's memory."""
    if config.compressor is not None:
        return Perceiver(config.compressor, config.memory_dim, config.feature_size)
    return AllTokens() if config.memory_pooling == 1 else Squares(config.memory_pooling)


def memory_layout_of(config: ModelConfig) -> MemoryLayout:
    """Where the tokens that are kept lie."""
    return layout_of_map(config) if config.compressor is None else layout_of_latents(config, config.compressor)


def cross_attention_of(config: ModelConfig) -> RopeAttention:
    """Of an image to memories."""
    dims = config.hidden_dim, 1, config.hidden_dim, config.memory_dim
    if config.compressor is not None:
        return LatentCrossAttention(*dims, still=config.compressor.latents)
    return _CROSS_ATTENTIONS[config.cross_attention](*dims)
