"""What every frame asks of a network: as methods of `Passes`, and as functions of tensors alone.

Functions of tensors are what a compiler takes and what a CUDA graph can be recorded of. Their shapes stay the same from
frame to frame: objects are filled up to 1, 2, 4, 8 ... of them by repeating the last one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from .image_encoder import ImageFeatures
from .mask_decoder import DecoderOutput
from .sam2 import MaskPrediction, Memories, Sam2

Tensors = tuple[Tensor, ...]
Function = Callable[..., Tensors]


class Passes(Protocol):
    """What every frame asks of a network; `Sam2` itself answers it."""

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """See `Sam2.encode_image`."""

    def follow(self, image: ImageFeatures, memories: Memories) -> tuple[Tensor, MaskPrediction]:
        """See `Sam2.follow`."""

    def encode_memory(self, image: ImageFeatures, masks: Tensor, object_score: Tensor, prompted: Tensor) -> Tensor:
        """See `Sam2.encode_memory`."""


@dataclass(frozen=True, slots=True, eq=False)
class Functions:
    """The three passes, tensors in and tensors out."""

    encode_image: Function  # pixels to features, stride8, stride4
    follow: Function  # features, stride8, stride4, frames, frame_time, pointers, pointer_age to all of the answer
    encode_memory: Function  # features, masks, object_score, prompted to the memory


def functions_of(network: Sam2) -> Functions:
    """The network's own work."""

    def encode_image(pixels: Tensor) -> Tensors:
        image = network.encode_image(pixels)
        return image.features, image.stride8, image.stride4

    def follow(*tensors: Tensor) -> Tensors:
        features, p = network.follow(ImageFeatures(*tensors[:3]), Memories(*tensors[3:]))
        d = p.decoded
        settled = p.masks, p.object_score, p.pointers, p.ious, p.candidates, p.best, p.iou
        return features, *settled, d.masks, d.ious, d.mask_tokens, d.object_score

    def encode_memory(features: Tensor, masks: Tensor, object_score: Tensor, prompted: Tensor) -> Tensors:
        image = ImageFeatures(features, features, features)  # only the first is used
        return (network.encode_memory(image, masks, object_score, prompted),)

    return Functions(encode_image, follow, encode_memory)


class FilledPasses:
    """Passes by functions of tensors, objects filled up to a bucket.

    Tensors always lie in memory in the same way, whoever made them: what a compiler made is for one way only.
    """

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """See `Sam2.encode_image`."""
        return ImageFeatures(*map(packed_map, self._functions.encode_image(packed_map(pixels))))

    def follow(self, image: ImageFeatures, memories: Memories) -> tuple[Tensor, MaskPrediction]:
        """See `Sam2.follow`."""
        count = memories.frames.shape[0]
        histories = _filled(memories.frames, memories.frame_time, memories.pointers, memories.pointer_age)
        features, masks, object_score, pointers, ious, candidates, best, iou, *decoded = self._functions.follow(
            image.features, image.stride8, image.stride4, *histories
        )
        prediction = MaskPrediction(masks, object_score, pointers, ious, candidates, best, iou, DecoderOutput(*decoded))
        return features[:count], prediction.rows(slice(count))

    def encode_memory(self, image: ImageFeatures, masks: Tensor, object_score: Tensor, prompted: Tensor) -> Tensor:
        """See `Sam2.encode_memory`."""
        count = masks.shape[0]
        (memory,) = self._functions.encode_memory(image.features, *_filled(masks, object_score, prompted))
        return memory[:count]


def bucket(count: int) -> int:
    """The number of objects that ``count`` of them are filled up to: the next power of two."""
    return 1 << (count - 1).bit_length()


def _filled(*tensors: Tensor) -> tuple[Any, ...]:
    """Tensors (B, ...) filled up to the bucket of B by repeating the last row."""
    count = tensors[0].shape[0]
    missing = bucket(count) - count
    if not missing:
        return tuple(packed(t) for t in tensors)
    return tuple(torch.cat((t, t[-1:].expand(missing, *t.shape[1:]))) for t in tensors)


def packed(tensor: Tensor) -> Tensor:
    """The same, row after row, without the odd strides that a dimension of one may have; mostly nothing is copied."""
    return tensor.reshape(-1).view(tensor.shape)


def packed_map(maps: Tensor) -> Tensor:
    """The same for maps (B, C, H, W), channels last, as most of the network's convolutions want them."""
    return packed(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
