"""EdgeTAM as `transformers` has it, with our weights: for `peer_transformers`. Its trunk is timm's, not folded."""

import re

import torch
from their_sam2 import their_weights
from torch import Tensor, nn
from transformers import EdgeTamVideoConfig, EdgeTamVideoModel, TimmWrapperConfig
from transformers.models.edgetam.configuration_edgetam import EdgeTamVisionConfig

from sam2_ros.model.config import ModelConfig, PerceiverShape
from sam2_ros.model.sam2 import Sam2

# Their names of our parts where they are not those of their SAM 2.
NAMES = (
    (r"^image_encoder\.trunk\.body\.", "vision_encoder.backbone.timm_model."),
    (r"^(memory_attention\..*)\.linear1\.", r"\1.mlp.up_proj."),
    (r"^(memory_attention\..*)\.linear2\.", r"\1.mlp.down_proj."),
    (r"^spatial_perceiver\.latents$", "spatial_perceiver.latents_1d"),
    (r"^spatial_perceiver\.norm\.", "spatial_perceiver.layer_norm."),
    (r"^(spatial_perceiver\..*)\.attn\.norm_x\.", r"\1.layer_norm_input."),
    (r"^(spatial_perceiver\..*)\.attn\.norm_latents\.", r"\1.layer_norm_latents."),
    (r"^(spatial_perceiver\..*)\.self_attn\.norm\.", r"\1.layer_norm_self."),
    (r"^(spatial_perceiver\..*)\.attn\.to_q\.", r"\1.cross_attention.q_proj."),
    (r"^(spatial_perceiver\..*)\.attn\.to_out\.", r"\1.cross_attention.o_proj."),
    (r"^(spatial_perceiver\..*)\.attn\.to_kv\.", r"\1.cross_attention.to_kv."),
    (r"^(spatial_perceiver\..*)\.self_attn\.to_q\.", r"\1.self_attention.q_proj."),
    (r"^(spatial_perceiver\..*)\.self_attn\.to_out\.", r"\1.self_attention.o_proj."),
    (r"^(spatial_perceiver\..*)\.self_attn\.to_kv\.", r"\1.self_attention.to_kv."),
    (r"^(spatial_perceiver\..*)\.(self_)?ff\.0\.", r"\1.\2mlp.layer_norm."),
    (r"^(spatial_perceiver\..*)\.(self_)?ff\.1\.", r"\1.\2mlp.up_proj."),
    (r"^(spatial_perceiver\..*)\.(self_)?ff\.3\.", r"\1.\2mlp.down_proj."),
)
BOTH = ".to_kv."  # keys and values in one, which they have in two
STATISTICS, COUNTER = ".running_mean", ".num_batches_tracked"


def their_edgetam(network: Sam2) -> EdgeTamVideoModel:
    """Their network with our weights; every key of both is used."""
    model = EdgeTamVideoModel(_their_config(network.config))
    model.load_state_dict(_their_weights(network.state_dict()), strict=True)
    nn.Module.to(model, network.device, network.dtype)  # theirs has types of its own
    model.requires_grad_(False).train(False)
    return model


def _their_config(config: ModelConfig) -> EdgeTamVideoConfig:
    shape = config.compressor
    assert shape == PerceiverShape()  # the released one is their default
    backbone = TimmWrapperConfig(
        architecture="repvit_m1",
        model_args={"in_chans": 3, "features_only": True, "out_indices": [0, 1, 2, 3]},
        do_pooling=False,
    )
    vision = EdgeTamVisionConfig(
        backbone_config=backbone,
        backbone_feature_sizes=[[config.image_size // stride] * 2 for stride in (4, 8, 16)],
    )
    return EdgeTamVideoConfig(
        vision_config=vision,
        prompt_encoder_config={"image_size": config.image_size},
        image_size=config.image_size,
        enable_occlusion_spatial_embedding=config.no_object_memory,
        enable_temporal_pos_encoding_for_object_pointers=config.pointer_time,
        memory_attention_rope_feat_sizes=[config.feature_size] * 2,
    )


def _their_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    for key, value in their_weights({_renamed(key): value for key, value in state.items()}).items():
        if BOTH in key:
            renamed[key.replace(BOTH, ".k_proj.")], renamed[key.replace(BOTH, ".v_proj.")] = value.chunk(2)
        else:
            renamed[key] = value
        if key.endswith(STATISTICS):
            renamed[key.removesuffix(STATISTICS) + COUNTER] = torch.tensor(0)
    return renamed


def _renamed(key: str) -> str:
    for pattern, name in NAMES:
        key = re.sub(pattern, name, key)
    return key
