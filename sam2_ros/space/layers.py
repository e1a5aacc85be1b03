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

    number: np.ndarray  # (N,) which layer each depth is of; -1: of none
    depths: np.ndarray  # (L,) the median of each, metres
    share: np.ndarray  # (L,) float64, how likely each is the object; they sum to 1

    @property
    def likeliest(self) -> int:
        """The layer that is taken for the object."""
        return int(self.share.argmax())

    @property
    def doubt(self) -> float:
        """Variance of the depth by which layer it is, square metres; 0 with one alone."""
        return float(self.share @ (self.depths - self.depths[self.likeliest]) ** 2)


def layers(depths: np.ndarray, before: Before | None) -> Layers:
    """The layers of the depths (N,) inside a mask, metres, N > 0.

    A mask that leaks shows what is behind the object, or before it, as a second peak among the depths. How likely a
    layer is the object goes with the share of the mask that it has, and with how near it is to where the object was.
    The peaks are those of a histogram of the logarithm, as errors and extents go with the distance.
    """
    number = _apart(depths)
    counts = np.bincount(number + 1)[1:]
    large = np.flatnonzero(counts >= SMALLEST * len(depths))
    if not len(large):  # no peak is one, as of depths that are anywhere: one layer
        number, counts, large = np.zeros_like(number), np.array([len(depths)]), np.array([0])
    medians = np.array([_median(depths if len(counts) == 1 else depths[number == layer]) for layer in large])
    renumbered = np.full(len(counts) + 1, -1)  # the last one is for -1
    renumbered[large] = np.arange(len(large))
    likely = counts[large] * _prior(medians, before)
    return Layers(renumbered[number], medians, likely / likely.sum())


def _apart(depths: np.ndarray) -> np.ndarray:
    """(N,) the number of the peak that each depth belongs to, -1 between two."""
    bins = np.log(depths) * np.float32(1 / BIN)
    bins = (bins - bins.min()).astype(np.intp)
    heights = np.convolve(np.bincount(bins), np.ones(3), "same")
    highest_before = np.maximum.accumulate(heights)
    highest_behind = np.maximum.accumulate(heights[::-1])[::-1]
    between = heights < VALLEY * np.minimum(highest_before, highest_behind)
    begins = ~between
    begins[1:] &= between[:-1]
    return np.asarray(np.where(between, -1, np.cumsum(begins) - 1)[bins])


def _prior(depths: np.ndarray, before: Before | None) -> np.ndarray:
    """(L,) how likely an object is at depths (L,), up to a factor."""
    if before is None:
        return np.ones(len(depths))
    spread = SPREAD * before.depth + SPEED * before.seconds
    return np.asarray(ELSEWHERE + np.exp(-(((depths - before.depth) / spread) ** 2) / 2))


def _median(depths: np.ndarray) -> float:
    middle = len(depths) // 2
    return float(np.partition(depths, middle)[middle])
