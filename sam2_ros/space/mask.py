"""Which pixels of a mask are surely of the object: not those at its edge."""

import cv2
import numpy as np

KEPT = 0.25  # share of a mask's pixels that has to be left, or less is taken off: of a thin thing all of it is edge


def eroded(mask: np.ndarray, radius: int, least: int) -> tuple[np.ndarray, int]:
    """A mask (H, W) bool without a rim of ``radius`` pixels, as uint8 0 or 1, and how wide the rim was.

    The rim is made narrower, down to none, until ``least`` pixels and a quarter of the mask are left. What lies outside
    of (H, W) counts as background.
    """
    whole = np.ascontiguousarray(mask).view(np.uint8)
    area = int(np.count_nonzero(mask))
    while radius:
        side = np.ones((2 * radius + 1, 2 * radius + 1), dtype=np.uint8)
        inner = cv2.erode(whole, side, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        if cv2.countNonZero(inner) >= max(least, KEPT * area):
            return inner, radius
        radius //= 2
    return whole, 0


def resampled(mask: np.ndarray, window: tuple[slice, slice], size: tuple[int, int]) -> np.ndarray:
    """What a window of an image of another ``size`` (width, height) shows of a mask (H, W) bool, by nearest pixels."""
    height, width = mask.shape
    rows, columns = (np.arange(each.start, each.stop) for each in window)
    source_rows = ((rows + 0.5) * (height / size[1])).astype(np.intp)
    source_columns = ((columns + 0.5) * (width / size[0])).astype(np.intp)
    return mask[np.ix_(np.minimum(source_rows, height - 1), np.minimum(source_columns, width - 1))]
