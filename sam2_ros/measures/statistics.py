"""Mean, recall and decay of a measure over the frames of one object, as the DAVIS evaluation computes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SUCCESS = 0.5  # a frame above it counts for the recall
QUARTERS = 4


@dataclass(frozen=True, slots=True)
class Statistics:
    """A measure over time; NaN where there is no frame."""

    mean: float
    recall: float  # share of frames above `SUCCESS`
    decay: float  # mean of the first quarter less that of the last


def statistics(values: Sequence[float]) -> Statistics:
    """Statistics of one value for each frame; NaN values are left out of means, and are no success."""
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        return Statistics(float("nan"), float("nan"), float("nan"))
    first, last = quarter(len(array), 0), quarter(len(array), QUARTERS - 1)
    return Statistics(
        mean=mean(array), recall=float(np.mean(array > SUCCESS)), decay=mean(array[first]) - mean(array[last])
    )


def quarter(count: int, number: int) -> slice:
    """The frames of a quarter, 0 to 3, of so many.

    Neighbouring quarters share the frame at their border, as in the official code. That keeps indices in 8 bits, which
    makes them wrong beyond 255 frames; these are integers.
    """
    # The tiny number lets halves be rounded up, not to the even neighbour.
    borders = np.round(np.linspace(1, count, QUARTERS + 1) + 1e-10).astype(np.int64) - 1
    return slice(int(borders[number]), int(borders[number + 1]) + 1)


def mean(values: "Sequence[float] | np.ndarray") -> float:
    """Mean of the values that are numbers; NaN when there is none."""
    array = np.asarray(values, dtype=np.float64)
    array = array[~np.isnan(array)]
    return float(array.mean()) if len(array) else float("nan")
