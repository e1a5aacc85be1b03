"""Which pixels belong to which object on one frame: as one label image, or as a mask for each object."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np


class Labels(Protocol):
    """The objects of one frame."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""

    @property
    def ids(self) -> tuple[int, ...]:
        """Objects that have a pixel, ascending."""

    @property
    def annotated(self) -> frozenset[int] | None:
        """The objects of which this frame says where they are, or that they are not there; None: all objects."""

    def mask(self, object_id: int) -> np.ndarray:
        """(H, W) bool; empty for an object that is not there."""

    def image(self) -> np.ndarray:
        """(H, W) int32 of ids, 0 background; where masks overlap the highest id."""


@dataclass(frozen=True, eq=False)
class LabelImage:
    """Every pixel carries the id of one object, or 0."""

    pixels: np.ndarray  # (H, W) of any integer type, not negative

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return int(self.pixels.shape[1]), int(self.pixels.shape[0])

    @property
    def ids(self) -> tuple[int, ...]:
        """Objects that have a pixel, ascending."""
        return tuple(value for value in present(self.pixels).tolist() if value)

    @property
    def annotated(self) -> frozenset[int] | None:
        """A label image speaks of every object."""
        return None

    def mask(self, object_id: int) -> np.ndarray:
        """(H, W) bool."""
        mask: np.ndarray = self.pixels == object_id
        return mask

    def image(self) -> np.ndarray:
        """(H, W) int32 of ids."""
        return self.pixels.astype(np.int32)


@dataclass(frozen=True, eq=False)
class Layers:
    """A mask for each object that this frame speaks of; they may overlap."""

    width: int
    height: int
    masks: Mapping[int, np.ndarray]  # by id, (H, W) bool

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height

    @property
    def ids(self) -> tuple[int, ...]:
        """Objects that have a pixel, ascending."""
        return tuple(sorted(object_id for object_id, mask in self.masks.items() if mask.any()))

    @property
    def annotated(self) -> frozenset[int] | None:
        """Those that have a mask, be it empty."""
        return frozenset(self.masks)

    def mask(self, object_id: int) -> np.ndarray:
        """(H, W) bool."""
        mask = self.masks.get(object_id)
        return np.zeros((self.height, self.width), dtype=bool) if mask is None else mask

    def image(self) -> np.ndarray:
        """(H, W) int32 of ids."""
        pixels = np.zeros((self.height, self.width), dtype=np.int32)
        for object_id in sorted(self.masks):
            pixels[self.masks[object_id]] = object_id
        return pixels


def present(pixels: np.ndarray) -> np.ndarray:
    """The different values of a label image, ascending. Sorting, as `numpy.unique` does, takes ten times as long."""
    if pixels.dtype == np.uint8:
        histogram = cv2.calcHist([np.ascontiguousarray(pixels)], [0], None, [256], [0, 256])
        return np.flatnonzero(histogram)  # (256, 1), of OpenCV 5 (256,)
    if pixels.dtype == np.uint16:
        return np.flatnonzero(np.bincount(pixels.ravel()))
    return np.unique(pixels)
