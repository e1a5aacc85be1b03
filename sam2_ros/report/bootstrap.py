"""How sure a difference is: the paired percentile bootstrap.

After Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
What was measured twice, once in each run, is drawn as a pair with replacement; the interval is that of the means.
"""

from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
SEED = 0  # the same two runs give the same interval
CONFIDENCE = 0.95
CHUNK = 2_000_000  # drawn at once, so that a thousand clips do not take a gigabyte


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference and where it lies with a confidence of 95 %; bounds are NaN from fewer than two pairs."""

    mean: float
    low: float
    high: float
    count: int  # pairs

    @property
    def is_told(self) -> bool:
        """Whether it does not hold zero: a difference that is not by chance."""
        return self.low > 0 or self.high < 0


def paired_interval(a: np.ndarray, b: np.ndarray) -> Interval:
    """Mean of ``b - a`` over pairs, both (N,), and its interval; pairs in which either is NaN do not count."""
    differences = (b - a)[~np.isnan(b - a)]
    count = len(differences)
    if not count:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    mean = float(differences.mean())
    if count < 2:
        return Interval(mean, float("nan"), float("nan"), count)
    edge = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(_means(differences), (edge, 100 - edge)).tolist()
    return Interval(mean, low, high, count)


def _means(differences: np.ndarray) -> np.ndarray:
    """(RESAMPLES,): means of as many pairs as there are, drawn with replacement."""
    rng, count = np.random.default_rng(SEED), len(differences)
    rows = max(1, CHUNK // count)
    parts = [min(rows, RESAMPLES - done) for done in range(0, RESAMPLES, rows)]
    return np.concatenate([differences[rng.integers(0, count, (part, count))].mean(axis=1) for part in parts])
