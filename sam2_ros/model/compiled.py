"""The network compiled by torch, for what every frame asks of it.

Shapes stay the same from frame to frame: objects are filled up to 1, 2, 4, 8 ... of them by repeating the last one, so
that a CUDA graph is recorded once for each of these numbers. While histories still grow, and for prompts, which are
rare and of any number of points, the network is used as it is.
"""

import logging
from collections.abc import Callable, Sequence
from math import inf, isfinite
from typing import Any, Protocol

import torch
from torch import Tensor

from .graphed import Graphed
from .image_encoder import ImageFeatures
from .probe import probe
from .sam2 import POINTER_HORIZON, MaskPrediction, Memories, Sam2

# Largest relative error, in the Euclidean norm, that a compiled network may differ by from itself uncompiled. A kernel
# that fuses operations keeps more digits between them, so half precision differs by about its own rounding.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 1e-1}

_log = logging.getLogger(__name__)


class Passes(Protocol):
    """What every frame asks of a network; `Sam2` itself answers it."""

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """See `Sam2.encode_image`."""

    def follow(self, image: ImageFeatures, memories: Memories) -> tuple[Tensor, MaskPrediction]:
        """See `Sam2.follow`."""

    def encode_memory(self, image: ImageFeatures, masks: Tensor, object_score: Tensor, prompted: Tensor) -> Tensor:
        """See `Sam2.encode_memory`."""


def compiled(network: Sam2, batches: Sequence[int], num_maskmem: int) -> Passes:
    """The network's passes compiled and tried for these numbers of objects; a full memory has ``num_maskmem`` masks.

    The network as it is, with a warning, where compiling fails or gives other numbers.
    """
    passes = CompiledPasses(network, num_maskmem)
    try:
        worst = max(disagreement(network, passes, batch) for batch in batches)
    except Exception as error:  # a compiler can be missing, too old, or fail in any other way
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        _log.warning("the network cannot be compiled here, so it runs uncompiled, and slower: %s", reason)
        return network
    if worst > TOLERANCE[network.dtype]:
        _log.warning(
            "compiled, the network gives other numbers (relative error %.1g, at most %.1g is expected), so it runs "
            "uncompiled, and slower; another version of torch may mend that",
            worst,
            TOLERANCE[network.dtype],
        )
        return network
    return passes


def bucket(count: int) -> int:
    """The number of objects that ``count`` of them are filled up to: the next power of two."""
    return 1 << (count - 1).bit_length()


class CompiledPasses:
    """Compiles at first use; see `compiled`."""

    def __init__(self, network: Sam2, num_maskmem: int) -> None:
        """``num_maskmem``: masks in a full memory, at least; with fewer the network is used as it is."""
        self._network = network
        self._full = min(num_maskmem, network.config.num_maskmem)

        def encode_image(pixels: Tensor) -> tuple[Tensor, ...]:
            image = network.encode_image(pixels)
            return image.features, image.stride8, image.stride4

        def follow(*tensors: Tensor) -> tuple[Tensor, ...]:
            features, p = network.follow(ImageFeatures(*tensors[:3]), Memories(*tensors[3:]))
            return features, p.masks, p.object_score, p.pointers, p.ious, p.candidates, p.best

        def encode_memory(
            features: Tensor, masks: Tensor, object_score: Tensor, prompted: Tensor
        ) -> tuple[Tensor, ...]:
            image = ImageFeatures(features, features, features)  # only the first is used
            return (network.encode_memory(image, masks, object_score, prompted),)

        self._encode_image = self._compiled(encode_image)
        self._follow = self._compiled(follow)
        self._encode_memory = self._compiled(encode_memory)

    def _compiled(self, function: Callable[..., tuple[Tensor, ...]]) -> Callable[..., tuple[Tensor, ...]]:
        compiled_function = torch.compile(function)
        return Graphed(compiled_function) if self._network.device.type == "cuda" else compiled_function

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """See `Sam2.encode_image`."""
        return ImageFeatures(*self._encode_image(pixels))

    def follow(self, image: ImageFeatures, memories: Memories) -> tuple[Tensor, MaskPrediction]:
        """See `Sam2.follow`."""
        if memories.frames.shape[1] < self._full or memories.pointers.shape[1] <= POINTER_HORIZON:
            return self._network.follow(image, memories)
        count = memories.frames.shape[0]
        histories = _filled(memories.frames, memories.frame_time, memories.pointers, memories.pointer_age)
        for tensor in histories:
            _vary(tensor, 1)  # with the number of prompted frames
        features, *parts = self._follow(image.features, image.stride8, image.stride4, *histories)
        return features[:count], MaskPrediction(*parts).rows(slice(count))

    def encode_memory(self, image: ImageFeatures, masks: Tensor, object_score: Tensor, prompted: Tensor) -> Tensor:
        """See `Sam2.encode_memory`."""
        count = masks.shape[0]
        (memory,) = self._encode_memory(image.features, *_filled(masks, object_score, prompted))
        return memory[:count]


def _filled(*tensors: Tensor) -> tuple[Any, ...]:
    """Tensors (B, ...) filled up to the bucket of B by repeating the last row."""
    count = tensors[0].shape[0]
    missing = bucket(count) - count
    filled = tensors
    if missing:
        filled = tuple(torch.cat((t, t[-1:].expand(missing, *t.shape[1:]))) for t in tensors)
    if count > 1:
        for tensor in filled:
            _vary(tensor, 0)
    return filled


def _vary(tensor: Tensor, dimension: int) -> None:
    """Tell the compiler that this dimension is not always the same; it takes 0 and 1 for constants whatever is said."""
    torch._dynamo.mark_dynamic(tensor, dimension)


# --- the check -------------------------------------------------------------------------------------------------------


@torch.inference_mode()
def disagreement(network: Sam2, passes: Passes, batch: int) -> float:
    """Largest relative error of ``passes`` against the network on a made-up frame of ``batch`` objects."""
    frame = probe(network, batch)
    image, found_image = network.encode_image(frame.pixels), passes.encode_image(frame.pixels)
    features, seen = network.follow(image, frame.memories)
    found_features, found = passes.follow(image, frame.memories)
    told = frame.masks, frame.object_score, frame.prompted
    # Of an object that is told to be absent there is no mask, and rounding may decide what is told.
    alike = (found.object_score > 0) == (seen.object_score > 0)
    return max(
        relative_error(a, b)
        for a, b in (
            (found_image.features, image.features),
            (found_image.stride8, image.stride8),
            (found_image.stride4, image.stride4),
            (found_features, features),
            (found.object_score, seen.object_score),
            (found.masks[alike], seen.masks[alike]),
            (passes.encode_memory(image, *told), network.encode_memory(image, *told)),
        )
    )


def relative_error(found: Tensor, expected: Tensor) -> float:
    """In the Euclidean norm; infinite when anything is not a number."""
    error = float((found - expected).double().norm())
    size = float(expected.double().norm())
    if error == 0:
        return 0.0
    return error / size if isfinite(error) and size > 0 else inf
