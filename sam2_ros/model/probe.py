"""A made-up frame on which a network can be tried: noise instead of an image and of memories, from a seed."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .sam2 import POINTER_HORIZON, Memories, Sam2


@dataclass(frozen=True, slots=True)
class History:
    """How much an object remembers."""

    masks: int
    pointers: int


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What a frame with B objects asks of a network."""

    pixels: Tensor  # (1, 3, S, S)
    memories: Memories
    masks: Tensor  # (B, S/4, S/4) logits
    object_score: Tensor  # (B,)
    prompted: Tensor  # (B,) bool


def longest(network: Sam2) -> History:
    """As long as histories get after one prompt."""
    return History(network.config.num_maskmem, POINTER_HORIZON + 1)


def probe(network: Sam2, batch: int, history: History | None = None, seed: int = 0) -> Probe:
    """A frame with ``batch`` objects that remember ``history``, by default the longest after one prompt."""
    config, device, dtype = network.config, network.device, network.dtype
    history = history or longest(network)
    generator = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(device, dtype)  # made on the host: the same for all devices

    def ages(count: int, oldest: int) -> Tensor:
        """Those of the prompted frames first, then 0, 1, 2 ... for those before this one."""
        recent = range(min(count - 1, oldest))
        prompted = [oldest] * (count - len(recent))
        return torch.tensor([*prompted, *recent], device=device).repeat(batch, 1)

    return Probe(
        pixels=noise(1, 3, config.image_size, config.image_size),
        memories=Memories(
            frames=noise(batch, history.masks, config.memory_tokens, config.memory_dim),
            frame_time=ages(history.masks, config.num_maskmem - 1),
            pointers=noise(batch, history.pointers, config.hidden_dim),
            pointer_age=ages(history.pointers, POINTER_HORIZON),
        ),
        masks=10 * noise(batch, config.low_res_size, config.low_res_size),
        object_score=torch.where(torch.arange(batch, device=device) % 3 == 1, -1.0, 1.0).to(dtype),
        prompted=torch.arange(batch, device=device) % 2 == 1,
    )
