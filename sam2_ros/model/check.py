"""Whether passes give the numbers of the network that they stand for, tried on made-up frames."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import inf, isfinite

import torch
from torch import Tensor

from .passes import Passes
from .probe import History, Probe, probe
from .sam2 import Sam2

# Largest relative error, in the Euclidean norm, that passes may differ by from the network. A kernel that fuses
# operations keeps more digits between them, so half precision differs by about its own rounding.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 1e-1}
CLEARLY = 1.0  # logit, by which made-up objects are told to be present, or not to be


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: objects, what they remember, whether they are in the picture, and other noise for each seed."""

    batch: int
    history: History
    present: bool = True
    seed: int = 0


@torch.inference_mode()
def disagreement(network: Sam2, passes: Passes, trial: Trial) -> float:
    """Largest relative error of all that ``passes`` say.

    Rounding may decide which of the decoder's four masks stands. So those are compared with the network's, and the one
    that stands with what the network would have chosen from the same four.
    """
    frame = probe(network, trial.batch, trial.history, trial.seed)
    with _presence(network, frame, trial.present):
        image, found_image = network.encode_image(frame.pixels), passes.encode_image(frame.pixels)
        features, seen = network.follow(image, frame.memories)
        found_features, found = passes.follow(found_image, frame.memories)
        settled = network.settle(found.decoded, ambiguous=True)  # as without a prompt
    pairs = [
        (found_image.features, image.features),
        (found_image.stride8, image.stride8),
        (found_image.stride4, image.stride4),
        (found_features, features),
        (found.decoded.masks, seen.decoded.masks),
        (found.decoded.ious, seen.decoded.ious),
        (found.decoded.mask_tokens, seen.decoded.mask_tokens),
        (found.object_score, seen.object_score),
        (found.masks, settled.masks),
        (found.candidates, settled.candidates),
        (found.ious, settled.ious),
        (found.iou, settled.iou),
        (found.pointers, settled.pointers),
    ]
    for prompted in (frame.prompted, ~frame.prompted):
        told = frame.masks, frame.object_score if trial.present else -frame.object_score, prompted
        pairs += [(passes.encode_memory(found_image, *told), network.encode_memory(image, *told))]
    return max(relative_error(a, b) for a, b in pairs)


@contextmanager
def _presence(network: Sam2, frame: Probe, present: bool) -> Iterator[None]:
    """Let the network, and all that is made of its weights, take what it sees in the frame for present or absent.

    Noise is mostly absent to it, and of what is absent every mask is the same.
    """
    bias = network.sam_mask_decoder.pred_obj_score_head.layers[-1].get_parameter("bias")
    before = bias.clone()
    score = network.follow(network.encode_image(frame.pixels), frame.memories)[1].object_score
    bias.add_(CLEARLY - score.min() if present else -CLEARLY - score.max())
    try:
        yield
    finally:
        bias.copy_(before)


def relative_error(found: Tensor, expected: Tensor) -> float:
    """In the Euclidean norm; infinite when anything is not a number."""
    error = float((found - expected).double().norm())
    size = float(expected.double().norm())
    if error == 0:
        return 0.0
    return error / size if isfinite(error) and size > 0 else inf


def worst(network: Sam2, passes: Passes, batch: int, histories: tuple[History, ...], seed: int) -> float:
    """Largest disagreement with present objects, with absent ones, and with every length of their history."""
    present = [Trial(batch, history, True, seed) for history in histories]
    return max(disagreement(network, passes, trial) for trial in (*present, replace(present[0], present=False)))
