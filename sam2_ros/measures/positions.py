"""How far off positions are, over all and by distance."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .record import PositionError

BORDERS = (0.0, 1.0, 2.0, 3.0, 5.0, 10.0, float("inf"))  # metres: where one range of distances ends


@dataclass(frozen=True, slots=True)
class DistanceRange:
    """The errors of objects in a range of distances, [low, high) metres."""

    low: float
    high: float
    count: int  # of positions that were found
    missing: int  # of objects that truth places there, and that have no position
    mean: float  # metres
    p95: float


def position_figures(errors: Sequence[PositionError]) -> dict[str, float]:
    """Figures of a clip or of many, by name; none without truth."""
    if not errors:
        return {}
    found = [each for each in errors if not np.isnan(each.error_m)]
    figures = {"position_found": len(found) / len(errors)}
    if found:
        off = np.array([each.error_m for each in found])
        shares = off / np.maximum([each.distance_m for each in found], 1e-9)
        figures |= {"position_mean_m": float(off.mean()), "position_p95_m": float(np.percentile(off, 95))}
        figures |= {"position_share": float(np.median(shares)), "position_p95_share": float(np.percentile(shares, 95))}
    return figures


def by_distance(errors: Sequence[PositionError]) -> list[DistanceRange]:
    """The same by distance, nearest first; ranges without an object are left out."""
    ranges = []
    for low, high in pairwise(BORDERS):
        there = [each.error_m for each in errors if low <= each.distance_m < high]
        off = [error for error in there if not np.isnan(error)]
        if there:
            mean, p95 = (float(np.mean(off)), float(np.percentile(off, 95))) if off else (float("nan"),) * 2
            ranges.append(DistanceRange(low, high, len(off), len(there) - len(off), mean, p95))
    return ranges
