"""The network before its first step."""

from pathlib import Path

import torch
from torch import nn

from sam2_ros.model.checkpoint import load_model
from sam2_ros.model.config import ModelConfig
from sam2_ros.model.layers import Attention
from sam2_ros.model.memory_encoder import ConvNeXtBlock
from sam2_ros.model.prompt_encoder import FourierPosition
from sam2_ros.model.sam2 import Sam2

from .config import TrainingError

EMBEDDING_STD = 0.02  # of tables that are added to features; tokens keep torch's 1, they have to differ
QUERY_GAIN = 1.4  # sharp enough that neighbours count more than the rest
LAYER_SCALE = 0.1  # 1e-6, the released start, takes longer to grow than a short training lasts


def untrained(config: ModelConfig) -> Sam2:
    """A network with weights by chance, from torch's random state."""
    network = Sam2(config)
    for module in network.modules():
        if isinstance(module, FourierPosition):
            nn.init.normal_(module.positional_encoding_gaussian_matrix)
        if isinstance(module, Attention):
            _start_as_similarity(module)
        if isinstance(module, ConvNeXtBlock):
            nn.init.constant_(module.gamma, LAYER_SCALE)
    _remember_as_similarity(network)
    for name, parameter in network.named_parameters(recurse=True):
        if "." not in name or "pos_embed" in name:  # the tables that start as zeros
            nn.init.normal_(parameter, std=EMBEDDING_STD)
    return network


def _start_as_similarity(attention: Attention) -> None:
    """Queries and keys that are projected alike, so that a place looks at what is like it from the first step on.

    Without it a small network needs thousands of steps until a prompt means a place. After arXiv:2305.09828.
    """
    nn.init.xavier_uniform_(attention.q_proj.weight, gain=QUERY_GAIN)
    if attention.k_proj.weight.shape == attention.q_proj.weight.shape:
        attention.k_proj.load_state_dict(attention.q_proj.state_dict())


def _remember_as_similarity(network: Sam2) -> None:
    """Memories that start as the features themselves in fewer dimensions, found by queries that are projected alike."""
    memory = network.memory_encoder
    nn.init.dirac_(memory.pix_feat_proj.weight)
    nn.init.orthogonal_(memory.out_proj.weight)
    fewer = memory.out_proj.weight.detach()[:, :, 0, 0]  # (memory_dim, C)
    for layer in network.memory_attention.layers:
        attention = layer.get_submodule("cross_attn_image")
        assert isinstance(attention, Attention)
        with torch.no_grad():
            attention.k_proj.weight.copy_(attention.q_proj.weight @ fewer.T)
            attention.k_proj.bias.copy_(attention.q_proj.bias)


def from_checkpoint(config: ModelConfig, path: str) -> Sam2:
    """An official checkpoint, or one of ours, to go on from. Raises CheckpointError."""
    network = load_model(config, Path(path).expanduser(), torch.device("cpu"), torch.float32)
    network.unfold()
    return network.train().requires_grad_(True)


def renew(network: Sam2, name: str) -> None:
    """Give the layers of the module of this name new weights by chance. Raises TrainingError when there is none."""
    try:
        module = network.get_submodule(name)
    except AttributeError:
        raise TrainingError(f"the network has no module {name!r} to begin anew; correct `renew`") from None
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.LayerNorm | nn.Embedding):
            layer.reset_parameters()
