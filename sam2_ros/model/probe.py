"""A made-up frame on which a network can be tried: noise instead of an image and of memories, always the same."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .sam2 import POINTER_HORIZON, Memories, Sam2


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What a frame with B objects asks of a network, with histories as long as they get after one prompt."""

    pixels: Tensor  # (1, 3, S, S)
    memories: Memories
    masks: Tensor  # (B, S/4, S/4) logits
    object_score: Tensor  # (B,)
    prompted: Tensor  # (B,) bool


def probe(network: Sam2, batch: int) -> Probe:
    """A frame with ``batch`` objects."""
    config, device, dtype = network.config, network.device, network.dtype
    generator = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(device, dtype)  # made on the host: the same for all devices

    def ages(oldest: int) -> Tensor:
        """The prompted frame's first, then 0, 1, 2 ... for those before this one."""
        return torch.tensor([oldest, *range(oldest)], device=device).repeat(batch, 1)

    return Probe(
        pixels=noise(1, 3, config.image_size, config.image_size),
        memories=Memories(
            frames=noise(batch, config.num_maskmem, config.memory_tokens, config.memory_dim),
            frame_time=ages(config.num_maskmem - 1),
            pointers=noise(batch, POINTER_HORIZON + 1, config.hidden_dim),
            pointer_age=ages(POINTER_HORIZON),
        ),
        masks=10 * noise(batch, config.low_res_size, config.low_res_size),
        object_score=torch.ones(batch, device=device, dtype=dtype),
        prompted=torch.zeros(batch, device=device, dtype=torch.bool),
    )
