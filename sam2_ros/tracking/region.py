"""The part of an image that a mask can reach, and the mask's logits there: most objects are small."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of pixels; the far edges do not belong to it."""

    x_min: int
    y_min: int
    x_end: int
    y_end: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Of an image (H, W)."""
        return slice(self.y_min, self.y_end), slice(self.x_min, self.x_end)


@dataclass(frozen=True, slots=True, eq=False)
class Taps:
    """Which two values each pixel along one side is mixed from, and in which shares."""

    first: np.ndarray  # (N,) index
    second: np.ndarray  # (N,) index
    first_share: np.ndarray  # (N,) 0..1
    second_share: np.ndarray  # (N,) 0..1


def positive_region(low_res: np.ndarray, height: int, width: int) -> Region | None:
    """Where logits (h, w), enlarged to (height, width), can be positive; None when nowhere.

    A mix of two by two values, none of which is positive, is not positive either.
    """
    x, y, columns, rows = cv2.boundingRect((low_res > 0).view(np.uint8))
    if not columns:
        return None
    y_min, y_end = _reach(y, y + rows, low_res.shape[0], height)
    x_min, x_end = _reach(x, x + columns, low_res.shape[1], width)
    return Region(x_min, y_min, x_end, y_end) if x_min < x_end and y_min < y_end else None


def _reach(first: int, end: int, size: int, new_size: int) -> tuple[int, int]:
    """Pixels, of ``new_size``, that are mixed from the values ``first`` to ``end`` - 1 of ``size``."""
    place = _places(size, new_size, 0, new_size, np.dtype(np.float64))
    # A pixel at place p is mixed from values floor(p) and floor(p) + 1. A little wider, for rounding's sake.
    reached_first, reached_end = np.searchsorted(place, (first - 1.001, end + 0.001)).tolist()
    return reached_first, reached_end


def upsample(low_res: np.ndarray, region: Region, height: int, width: int) -> np.ndarray:
    """What bilinear enlargement of logits (h, w) to (height, width) gives in a region: (region height, region width).

    Every pixel is what it is in the whole picture, whatever the region, and torch's `interpolate` up to the last
    rounding.
    """
    across = taps(low_res.shape[1], width, region.x_min, region.x_end, low_res.dtype)
    down = taps(low_res.shape[0], height, region.y_min, region.y_end, low_res.dtype)
    top, bottom = int(down.first[0]), int(down.second[-1]) + 1
    rows = low_res[top:bottom]
    wide = rows[:, across.first] * across.first_share
    wide += rows[:, across.second] * across.second_share
    tall = wide[down.first - top]
    tall *= down.first_share[:, None]
    rest = wide[down.second - top]
    rest *= down.second_share[:, None]
    tall += rest
    return tall


def taps(size: int, new_size: int, start: int, end: int, dtype: np.dtype) -> Taps:
    """Of the pixels ``start`` to ``end`` - 1 when ``size`` values are enlarged to ``new_size``."""
    place = np.minimum(_places(size, new_size, start, end, dtype), dtype.type(size - 1))
    first = place.astype(np.int64)
    share = place - first.astype(dtype)
    return Taps(first, np.minimum(first + 1, size - 1), 1 - share, share)


def _places(size: int, new_size: int, start: int, end: int, dtype: np.dtype) -> np.ndarray:
    """Where the pixels ``start`` to ``end`` - 1 of ``new_size`` lie among ``size`` values: pixel centres meet.

    Rounded to ``dtype`` just once each, and so as torch rounds: else outlines shift by a millionth of a pixel.
    """
    scale = float(dtype.type(size) / dtype.type(new_size))
    centres = np.arange(start, end) + 0.5
    return np.maximum(scale * centres - 0.5, 0).astype(dtype)
