"""Which found id stands for which true object, when a tracker counts objects in its own way."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment

from .overlap import Overlaps


class IdMatching:
    """Collects how well every true object and every found id agree, frame after frame."""

    def __init__(self) -> None:
        self._regions: Counter[tuple[int, int]] = Counter()  # sum of J over frames, by (true id, found id)

    def add(self, overlaps: Overlaps) -> None:
        """The next frame."""
        for pair in overlaps.common:
            self._regions[pair] += overlaps.region(*pair)  # type: ignore[assignment]  # counts may be floats

    def best(self) -> Mapping[int, int]:
        """Found id by true id: one to one, with the largest sum of J (Hungarian method); no pair without overlap."""
        if not self._regions:
            return {}
        true_ids = sorted({true_id for true_id, _ in self._regions})
        found_ids = sorted({found_id for _, found_id in self._regions})
        gain = np.array([[float(self._regions[true_id, found_id]) for found_id in found_ids] for true_id in true_ids])
        rows, columns = linear_sum_assignment(gain, maximize=True)
        return {
            true_ids[row]: found_ids[column] for row, column in zip(rows, columns, strict=True) if gain[row, column] > 0
        }
