"""Which depths of a mask belong together: the layers that it covers, and which of them is the object."""

from dataclasses import dataclass

import numpy as np

BIN = 0.02  # of the depth: a stereo camera's error at 4 m
VALLEY = 0.25  # of the lower of the two peaks beside it: where fewer depths lie, layers are apart
SMALLEST = 0.1  # of all depths: what is less is no layer but the mask's edge

SPEED = 1.0  # metres per second: how an object's depth may change; a robot that drives counts, too
SPREAD = 0.03  # of the depth: how it changes by what of the object is in view
ELSEWHERE = 0.1  # against 1 for where it was: how likely the object is anywhere else


@dataclass(frozen=True, slots=True)
class Before:
    """Where an object was when it was last seen."""

    depth: float  # metres
    seconds: float  # since then


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Layers of depth."""

    inside: np.ndarray  # (N,) bool: which depths are of the likeliest one
    depths: np.ndarray  # (L,) the geometric mean of each, metres
    share: np.ndarray  # (L,) float64, how likely each is the object; they sum to 1

    @property
    def doubt(self) -> float:
        """Variance of the depth by which layer it is, square metres; 0 with one alone."""
        return float(self.share @ (self.depths - self.depths[self.share.argmax()]) ** 2)


def layers(depths: np.ndarray, before: Before | None) -> Layers:
    """The layers of the depths (N,) inside a mask, metres, N > 0.

    A mask that leaks shows what is behind the object, or before it, as a second peak among the depths. How likely a
    layer is the object goes with the share of the mask that it has, and with how near it is to where the object was.
    The peaks are those of a histogram of the logarithm, as errors and extents go with the distance.
    """
    nearest = float(depths.min())
    bins = (np.log(depths * np.float32(1 / nearest)) * np.float32(1 / BIN)).astype(np.intp)
    heights = np.bincount(bins)
    peaks = _peaks(heights)
    counts = np.bincount(peaks + 1, heights)[1:]
    large = np.flatnonzero(counts >= SMALLEST * len(depths))
    if not len(large):  # no peak is one, as of depths that are anywhere: one layer
        peaks, counts, large = np.zeros_like(peaks), np.array([float(len(depths))]), np.array([0])
    middles = np.bincount(peaks + 1, heights * (np.arange(len(heights)) + 0.5))[1:][large] / counts[large]
    centres = nearest * np.exp(BIN * middles)
    likely = counts[large] * _prior(centres, before)
    return Layers((peaks == large[likely.argmax()])[bins], centres, likely / likely.sum())


def _peaks(heights: np.ndarray) -> np.ndarray:
    """(B,) the number of the peak that each bin of a histogram (B,) belongs to, -1 between two."""
    smooth = np.convolve(heights, np.ones(3))[1:-1]
    before = np.maximum.accumulate(smooth)
    behind = np.maximum.accumulate(smooth[::-1])[::-1]
    between = smooth < VALLEY * np.minimum(before, behind)
    begins = ~between
    begins[1:] &= between[:-1]
    return np.asarray(np.where(between, -1, np.cumsum(begins) - 1))


def _prior(depths: np.ndarray, before: Before | None) -> np.ndarray:
    """(L,) how likely an object is at depths (L,), up to a factor."""
    if before is None:
        return np.ones(len(depths))
    spread = SPREAD * before.depth + SPEED * before.seconds
    return np.asarray(ELSEWHERE + np.exp(-(((depths - before.depth) / spread) ** 2) / 2))
