"""Clean-up of masks: small holes are filled, small specks removed."""

import cv2
import numpy as np


def clean(mask: np.ndarray, fill_hole_area: int, remove_speck_area: int) -> np.ndarray:
    """A mask (H, W) bool with holes and specks of up to these areas in pixels gone; 0 leaves them.

    Beyond the edges of ``mask`` is background, so a part of a picture that holds the whole object serves as well.
    """
    if fill_hole_area:
        mask = mask | _small_components(~mask, fill_hole_area, enclosed=True)
    if remove_speck_area:
        mask = mask & ~_small_components(mask, remove_speck_area, enclosed=False)
    return mask


def largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest 8-connected component of a mask (H, W) bool that is not empty; of equals the first."""
    _, components, statistics, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    largest: np.ndarray = components == 1 + int(statistics[1:, cv2.CC_STAT_AREA].argmax())  # 0 is outside the mask
    return largest


def _small_components(mask: np.ndarray, max_area: int, enclosed: bool) -> np.ndarray:
    """Pixels of the 8-connected components of ``mask`` (H, W) bool with at most ``max_area`` pixels.

    ``enclosed``: only of those that do not touch the edge, as a hole does not.
    """
    _, components, statistics, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    small = statistics[:, cv2.CC_STAT_AREA] <= max_area
    small[0] = False  # component 0 is everything outside the mask
    if enclosed:
        border = np.concatenate((components[0], components[-1], components[:, 0], components[:, -1]))
        small[border] = False
    return small[components]
