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
    true_ids, found_ids = present(truth), present(found)
    count_pairs = _count_in_bytes if _fits_bytes(truth, found, true_ids, found_ids) else _count_in_words
    counts = count_pairs(truth, found, true_ids, found_ids)
    common = {
        (int(true_ids[row]), int(found_ids[column])): int(counts[row, column])
        for row, column in np.argwhere(counts)
        if true_ids[row] and found_ids[column]
    }
    return Overlaps(_sums(true_ids, counts.sum(axis=1)), _sums(found_ids, counts.sum(axis=0)), common)


def _fits_bytes(truth: np.ndarray, found: np.ndarray, true_ids: np.ndarray, found_ids: np.ndarray) -> bool:
    """Whether every pair has a number below 256, and every count is a whole number in OpenCV's float32."""
    bytes_alone = truth.dtype == found.dtype == np.uint8
    return bytes_alone and len(true_ids) * len(found_ids) <= 256 and truth.size < 2**24


def _count_in_bytes(truth: np.ndarray, found: np.ndarray, true_ids: np.ndarray, found_ids: np.ndarray) -> np.ndarray:
    """Pixels of each pair of ids, (true ids, found ids): ten times as fast as the general way below."""
    tables = np.zeros((2, 256), dtype=np.uint8)
    tables[0, true_ids] = np.arange(len(true_ids)) * len(found_ids)
    tables[1, found_ids] = np.arange(len(found_ids))
    pairs = cv2.add(cv2.LUT(truth, tables[0]), cv2.LUT(found, tables[1]))
    number = len(true_ids) * len(found_ids)
    histogram = cv2.calcHist([pairs], [0], None, [256], [0, 256])[:number]
    return histogram.reshape(len(true_ids), len(found_ids)).astype(np.int64)


def _count_in_words(truth: np.ndarray, found: np.ndarray, true_ids: np.ndarray, found_ids: np.ndarray) -> np.ndarray:
    """Pixels of each pair of ids, (true ids, found ids), of any number of ids."""
    pairs = np.searchsorted(true_ids, truth) * len(found_ids) + np.searchsorted(found_ids, found)
    number = len(true_ids) * len(found_ids)
    return np.bincount(pairs.ravel(), minlength=number).reshape(len(true_ids), len(found_ids))


def _sums(ids: np.ndarray, areas: np.ndarray) -> dict[int, int]:
    return {int(object_id): int(area) for object_id, area in zip(ids, areas, strict=True) if object_id}
