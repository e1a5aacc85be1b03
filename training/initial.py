"""The network before its first step."""

import torch
from torch import nn

from sam2_ros.model.checkpoint import load_model
from sam2_ros.model.config import ModelConfig
from sam2_ros.model.memory_encoder import ConvNeXtBlock
from sam2_ros.model.prompt_encoder import FourierPosition
from sam2_ros.model.sam2 import Sam2

EMBEDDING_STD = 0.02  # of everything that is learned as a table
LAYER_SCALE = 0.1  # 1e-6, the released start, takes longer to grow than a short training lasts


def untrained(config: ModelConfig) -> Sam2:
    """A network with weights by chance, from torch's random state."""
    network = Sam2(config)
    for module in network.modules():
        if isinstance(module, FourierPosition):
            nn.init.normal_(module.positional_encoding_gaussian_matrix)
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=EMBEDDING_STD)
        if isinstance(module, ConvNeXtBlock):
            nn.init.constant_(module.gamma, LAYER_SCALE)
    for name, parameter in network.named_parameters(recurse=True):
        if "." not in name or "pos_embed" in name:  # the tables that start as zeros
            nn.init.normal_(parameter, std=EMBEDDING_STD)
    return network


def from_checkpoint(config: ModelConfig, path: str) -> Sam2:
    """An official checkpoint, or one of ours, to go on from. Raises CheckpointError."""
    network = load_model(config, path, torch.device("cpu"), torch.float32)
    return network.train().requires_grad_(True)
