"""Region similarity J and boundary accuracy F of two masks, as the DAVIS 2017 evaluation computes them.

Definitions: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR 2016.
"""

import math
from functools import lru_cache

import cv2
import numpy as np

BOUNDARY_TOLERANCE = 0.008  # of the picture's diagonal


def region_similarity(found: np.ndarray, truth: np.ndarray) -> float:
    """J: intersection over union of two masks (H, W) bool; 1 when both are empty."""
    union = np.count_nonzero(found | truth)
    return np.count_nonzero(found & truth) / union if union else 1.0


def boundary_accuracy(found: np.ndarray, truth: np.ndarray) -> float:
    """F: harmonic mean of precision and recall of the boundaries of two masks (H, W) bool.

    A boundary pixel is right when one of the other boundary lies within `tolerance` of it. 1 when neither mask has a
    boundary, 0 when only one has: a mask that is empty or fills the picture has none.
    """
    part = _around(found, truth)
    found_edge, true_edge = boundary(found[part]), boundary(truth[part])
    found_pixels, true_pixels = np.count_nonzero(found_edge), np.count_nonzero(true_edge)
    if not found_pixels and not true_pixels:
        return 1.0
    if not found_pixels or not true_pixels:
        return 0.0
    disc = _disc(tolerance(*truth.shape))
    precision = np.count_nonzero(found_edge & _dilated(true_edge, disc)) / found_pixels
    recall = np.count_nonzero(true_edge & _dilated(found_edge, disc)) / true_pixels
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def tolerance(height: int, width: int) -> int:
    """Distance in pixels up to which a boundary is right."""
    return math.ceil(BOUNDARY_TOLERANCE * math.hypot(height, width))


def boundary(mask: np.ndarray) -> np.ndarray:
    """Pixels of (H, W) bool that differ from their neighbour to the right, below, or below on the right.

    Where the picture ends there is no neighbour to differ from.
    """
    edge = np.zeros_like(mask)
    right, below = mask[:, :-1] ^ mask[:, 1:], mask[:-1] ^ mask[1:]
    edge[:, :-1] = right
    edge[:-1] |= below
    edge[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edge


def _around(found: np.ndarray, truth: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the smallest part of the picture that holds both masks and their boundaries.

    One pixel around the masks is enough for the same boundaries as in the whole picture. Dilation reaches farther,
    but what it adds there is on no boundary.
    """
    x, y, width, height = cv2.boundingRect((found | truth).view(np.uint8))
    return slice(max(0, y - 1), y + height + 1), slice(max(0, x - 1), x + width + 1)


@lru_cache(maxsize=16)
def _disc(radius: int) -> np.ndarray:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return (x * x + y * y <= radius * radius).astype(np.uint8)


def _dilated(mask: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.dilate(mask.view(np.uint8), kernel).view(bool)
