"""SAM 2 as `transformers` has it, with our weights: for `peer_transformers`."""

import copy
import re
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Sam2VideoConfig, Sam2VideoModel
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoLayerNorm

from sam2_ros.model.config import HieraShape, ModelConfig
from sam2_ros.model.mask_decoder import DetailedMaskDecoder
from sam2_ros.model.sam2 import Sam2

# Their names of our parts, in the order in which they are replaced.
NAMES = (
    (r"^image_encoder\.trunk\.", "vision_encoder.backbone."),
    (r"^image_encoder\.neck\.convs\.(\d)\.conv\.", r"vision_encoder.neck.convs.\1."),
    (r"patch_embed\.proj\.", "patch_embed.projection."),
    (r"^sam_prompt_encoder\.mask_downscaling\.0\.", "prompt_encoder.mask_embed.conv1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.1\.", "prompt_encoder.mask_embed.layer_norm1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.3\.", "prompt_encoder.mask_embed.conv2."),
    (r"^sam_prompt_encoder\.mask_downscaling\.4\.", "prompt_encoder.mask_embed.layer_norm2."),
    (r"^sam_prompt_encoder\.mask_downscaling\.6\.", "prompt_encoder.mask_embed.conv3."),
    (r"^sam_prompt_encoder\.", "prompt_encoder."),
    (r"^sam_mask_decoder\.output_upscaling\.0\.", "mask_decoder.upscale_conv1."),
    (r"^sam_mask_decoder\.output_upscaling\.1\.", "mask_decoder.upscale_layer_norm."),
    (r"^sam_mask_decoder\.output_upscaling\.3\.", "mask_decoder.upscale_conv2."),
    (r"^sam_mask_decoder\.", "mask_decoder."),
    (r"^memory_encoder\.mask_downsampler\.encoder\.12\.", "memory_encoder.mask_downsampler.final_conv."),
    (r"^memory_encoder\.pix_feat_proj\.", "memory_encoder.feature_projection."),
    (r"^memory_encoder\.out_proj\.", "memory_encoder.projection."),
    (r"^memory_encoder\.fuser\.(.*)\.gamma$", r"memory_encoder.memory_fuser.\1.scale"),
    (r"^memory_encoder\.fuser\.(.*)\.dwconv\.", r"memory_encoder.memory_fuser.\1.depthwise_conv."),
    (r"^memory_encoder\.fuser\.(.*)\.pwconv(\d)\.", r"memory_encoder.memory_fuser.\1.pointwise_conv\2."),
    (r"^memory_encoder\.fuser\.(.*)\.norm\.", r"memory_encoder.memory_fuser.\1.layer_norm."),
    (r"^memory_attention\.norm\.", "memory_attention.layer_norm."),
    (r"norm_final_attn", "layer_norm_final_attn"),
    (r"\.norm(\d)\.", r".layer_norm\1."),
    (r"^(mask_decoder|memory_attention)\.(.*attn.*)\.out_proj\.", r"\1.\2.o_proj."),
    (r"^obj_ptr_proj\.", "object_pointer_proj."),
    (r"^obj_ptr_tpos_proj\.", "temporal_positional_encoding_projection_layer."),
    (r"^no_mem_embed$", "no_memory_embedding"),
    (r"^no_mem_pos_enc$", "no_memory_positional_encoding"),
    (r"^no_obj_ptr$", "no_object_pointer"),
    (r"^no_obj_embed_spatial$", "occlusion_spatial_embedding_parameter"),
    (r"^maskmem_tpos_enc$", "memory_temporal_positional_encoding"),
    # Multi-layer perceptrons: the first and the last layer have names.
    (r"(\.mlp)\.layers\.0\.", r"\1.proj_in."),
    (r"(\.mlp)\.layers\.1\.", r"\1.proj_out."),
    (r"(_proj|_head|_mlps\.\d)\.layers\.0\.", r"\1.proj_in."),
    (r"(_proj|_head|_mlps\.\d)\.layers\.2\.", r"\1.proj_out."),
    (r"(_proj|_head|_mlps\.\d)\.layers\.1\.", r"\1.layers.0."),
)
GAUSSIAN = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
DOWNSAMPLER = re.compile(r"^memory_encoder\.mask_downsampler\.encoder\.(\d+)\.")
POINT = re.compile(r"^sam_prompt_encoder\.point_embeddings\.")


def their_config(config: ModelConfig) -> Sam2VideoConfig:
    """Their description of a network."""
    trunk = config.trunk
    assert isinstance(trunk, HieraShape)
    dims = list(trunk.channels)
    background = trunk.background_position_size
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": trunk.embed_dim,
        "num_attention_heads": trunk.num_heads,
        "image_size": [config.image_size] * 2,
        "window_positional_embedding_background_size": [background] * 2,
        "blocks_per_stage": list(trunk.stages),
        "embed_dim_per_stage": dims,
        "num_attention_heads_per_stage": [trunk.num_heads * 2**stage for stage in range(4)],
        "window_size_per_stage": list(trunk.window_sizes),
        "global_attention_blocks": list(trunk.global_attention_blocks),
    }
    vision = {
        "model_type": "sam2_vision_model",
        "backbone_config": backbone,
        "backbone_channel_list": dims[::-1],
        "backbone_feature_sizes": [[config.image_size // stride] * 2 for stride in (4, 8, 16)],
        "fpn_hidden_size": config.hidden_dim,
    }
    decoder = {
        "hidden_size": config.hidden_dim,
        "mlp_dim": config.feedforward_dim,
        "iou_head_hidden_dim": config.hidden_dim,
    }
    return Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": config.hidden_dim, "image_size": config.image_size},
        mask_decoder_config=decoder,
        image_size=config.image_size,
        num_maskmem=config.num_maskmem,
        enable_occlusion_spatial_embedding=config.no_object_memory,
        enable_temporal_pos_encoding_for_object_pointers=config.pointer_time,
        memory_attention_hidden_size=config.hidden_dim,
        memory_attention_num_layers=config.memory_attention_layers,
        memory_attention_feed_forward_hidden_size=config.feedforward_dim,
        memory_attention_rope_feat_sizes=[config.feature_size] * 2,
        memory_encoder_hidden_size=config.hidden_dim,
        memory_encoder_output_channels=config.memory_dim,
        mask_downsampler_embed_dim=config.hidden_dim,
        memory_fuser_embed_dim=config.hidden_dim,
        memory_fuser_intermediate_dim=4 * config.hidden_dim,
    )


def their_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our weights under their names."""
    renamed = {their_name(key): value for key, value in state.items() if key != GAUSSIAN and not POINT.match(key)}
    points = [state[f"sam_prompt_encoder.point_embeddings.{label}.weight"] for label in range(4)]
    renamed["prompt_encoder.point_embed.weight"] = torch.cat(points)
    for owner in ("shared_image_embedding", "prompt_encoder.shared_embedding"):
        renamed[f"{owner}.positional_embedding"] = state[GAUSSIAN]
    return renamed


def their_name(key: str) -> str:
    """Of a weight that has just one in both."""
    layer = DOWNSAMPLER.match(key)
    if layer and int(layer[1]) < 12:
        group, place = divmod(int(layer[1]), 3)
        kind = ("conv", "layer_norm")[place]
        return DOWNSAMPLER.sub(f"memory_encoder.mask_downsampler.layers.{group}.{kind}.", key)
    for pattern, name in NAMES:
        key = re.sub(pattern, name, key)
    return key


def their_sam2(network: Sam2) -> Sam2VideoModel:
    """Their network with our weights; every key of both is used."""
    config = network.config
    model = Sam2VideoModel(their_config(config))
    for layer in model.memory_attention.layers:  # their width of a memory is a constant, that of the official sizes
        for name in ("k_proj", "v_proj"):
            setattr(layer.cross_attn_image, name, nn.Linear(config.memory_dim, config.hidden_dim))
    _upscale_as(model.mask_decoder, network.sam_mask_decoder)
    side = config.image_size // 4
    for block in model.vision_encoder.backbone.blocks:
        if block.query_stride:
            # Their pooling blocks need windows; one as large as the map is none.
            block.window_size = block.window_size or side
            side //= 2
    model.load_state_dict(their_weights(network.state_dict()), strict=True)
    nn.Module.to(model, network.device, network.dtype)  # theirs has types of its own
    model.requires_grad_(False).train(False)
    return model


def _upscale_as(theirs: Any, ours: nn.Module) -> None:
    """Give their decoder our upscaling's widths and kernels: theirs are those of the official sizes."""
    assert isinstance(ours, DetailedMaskDecoder)
    up8, norm, _, up4, _ = ours.output_upscaling
    theirs.upscale_conv1, theirs.upscale_conv2 = copy.deepcopy(up8), copy.deepcopy(up4)
    theirs.upscale_layer_norm = Sam2VideoLayerNorm(norm.normalized_shape, data_format="channels_first")
    theirs.conv_s0, theirs.conv_s1 = copy.deepcopy(ours.conv_s0), copy.deepcopy(ours.conv_s1)
    mlps: list[Any] = list(ours.output_hypernetworks_mlps)
    for their_mlp, mlp in zip(theirs.output_hypernetworks_mlps, mlps, strict=True):
        their_mlp.proj_out = copy.deepcopy(mlp.layers[-1])
