"""How much every true object of a frame has in common with every object found there."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from .labels import LabelImage, Labels, present


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Pixels of the objects of a frame."""

    true_areas: Mapping[int, int]  # by id; objects without a pixel are left out
    found_areas: Mapping[int, int]
    common: Mapping[tuple[int, int], int]  # by (true id, found id); pairs without a common pixel are left out

    def region(self, true_id: int, found_id: int) -> float:
        """J of a pair of objects: intersection over union; 1 when neither has a pixel."""
        common = self.common.get((true_id, found_id), 0)
        union = self.true_areas.get(true_id, 0) + self.found_areas.get(found_id, 0) - common
        return common / union if union else 1.0


def overlaps(truth: Labels, found: Labels) -> Overlaps:
    """Areas and intersections of all objects of two frames of one size."""
    if isinstance(truth, LabelImage) and isinstance(found, LabelImage):
        return _of_images(truth.pixels, found.pixels)
    true_masks = {object_id: truth.mask(object_id) for object_id in truth.ids}
    found_masks = {object_id: found.mask(object_id) for object_id in found.ids}
    common = {
        (true_id, found_id): int(np.count_nonzero(true_mask & found_mask))
        for true_id, true_mask in true_masks.items()
        for found_id, found_mask in found_masks.items()
    }
    return Overlaps(_areas(true_masks), _areas(found_masks), {pair: count for pair, count in common.items() if count})


def _areas(masks: Mapping[int, np.ndarray]) -> dict[int, int]:
    return {object_id: int(np.count_nonzero(mask)) for object_id, mask in masks.items()}


def _of_images(truth: np.ndarray, found: np.ndarray) -> Overlaps:
    """One pass over the pixels instead of one for each pair: count how often each pair of ids meets."""
    true_ids, true_places = _numbered(truth)
    found_ids, found_places = _numbered(found)
    pairs = true_places * np.int32(len(found_ids)) + found_places
    counts = np.bincount(pairs.ravel(), minlength=len(true_ids) * len(found_ids)).reshape(len(true_ids), -1)
    common = {
        (int(true_ids[row]), int(found_ids[column])): int(counts[row, column])
        for row, column in np.argwhere(counts)
        if true_ids[row] and found_ids[column]
    }
    return Overlaps(_sums(true_ids, counts.sum(axis=1)), _sums(found_ids, counts.sum(axis=0)), common)


def _numbered(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ids (N,) of a label image, and at each pixel the place of its id among them, (H, W) int32."""
    ids = present(pixels)
    if pixels.dtype == np.uint8:
        table = np.zeros(256, dtype=np.uint8)
        table[ids] = np.arange(len(ids))
        return ids, cv2.LUT(np.ascontiguousarray(pixels), table).astype(np.int32)
    return ids, np.searchsorted(ids, pixels).astype(np.int32)


def _sums(ids: np.ndarray, areas: np.ndarray) -> dict[int, int]:
    return {int(object_id): int(area) for object_id, area in zip(ids, areas, strict=True) if object_id}
