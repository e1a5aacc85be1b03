"""Whether the network, by another of its candidate masks, reaches for something besides the object."""

from collections.abc import Sequence

import cv2
import numpy as np

from ..clean import largest_part
from ..region import positive_region, upsample
from .policy import Sight

Box = tuple[int, int, int, int]  # x, y of the first pixel, width, height
CERTAIN = 0.7  # overlap that a coarse look has to leave beyond doubt


def least_overlap(sight: Sight) -> float:
    """Smallest overlap (IoU) of the box of the chosen mask with the box of it and what another candidate adds.

    What one adds is the largest connected part of it outside of the chosen mask; nothing added is an overlap of 1. A
    look at low resolution is enough where it leaves no doubt that the overlap is above 0.7.
    """
    assert sight.candidates is not None
    logits = sight.candidates.float().numpy()
    chosen, united = unions(logits > 0, sight.chosen)
    least = min((_area(chosen) / _area(box) for box in united), default=1.0)
    if all(_area(_grown(chosen, -1)) > CERTAIN * _area(_grown(box, 1)) for box in united):
        return least
    width, height = sight.size
    region = positive_region(logits.max(axis=0), height, width)
    if region is None:
        return least
    chosen, united = unions(np.stack([upsample(each, region, height, width) > 0 for each in logits]), sight.chosen)
    return min((_area(chosen) / _area(box) for box in united), default=1.0)


def unions(masks: np.ndarray, chosen: int) -> tuple[Box, list[Box]]:
    """Box of the chosen one of masks (M, h, w) bool, and for each other that reaches beyond it the box of both."""
    own = cv2.boundingRect(masks[chosen].view(np.uint8))
    beyond = [mask & ~masks[chosen] for place, mask in enumerate(masks) if place != chosen]
    return own, [_around(own, cv2.boundingRect(largest_part(rest).view(np.uint8))) for rest in beyond if rest.any()]


def _around(first: Box, second: Box) -> Box:
    if not _area(first):
        return second
    x, y = min(first[0], second[0]), min(first[1], second[1])
    x_end, y_end = (max(box[side] + box[side + 2] for box in (first, second)) for side in (0, 1))
    return x, y, x_end - x, y_end - y


def _grown(box: Sequence[int], margin: int) -> Box:
    x, y, width, height = box
    return x - margin, y - margin, max(0, width + 2 * margin), max(0, height + 2 * margin)


def _area(box: Sequence[int]) -> int:
    return box[2] * box[3]
