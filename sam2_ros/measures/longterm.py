"""What a long-term tracker does right and wrong, as the VOT toolkit counts it.

Kristan et al., "The First Visual Object Tracking Segmentation VOTS2023 Challenge Results", ICCVW 2023.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .statistics import mean

ABSENT_FRAMES = 10  # with no more of them, nothing is said about absence
SUCCESS = 0.0  # an overlap above it is a success


@dataclass(frozen=True, slots=True)
class Sighting:
    """One object on one frame."""

    there: bool  # in truth it has a pixel
    found: bool  # in the prediction it has a pixel
    overlap: float  # J; 1 when neither has one


@dataclass(frozen=True, slots=True)
class LongTerm:
    """The frames of one object, sorted."""

    absent: int  # N: not there, and nothing found
    hallucinated: int  # H: not there, but something found
    tracked: int  # T: there, and overlapped
    failed: int  # F: there, and something else found
    missed: int  # M: there, and nothing found
    accuracy: float  # mean overlap of the frames that count to T; NaN without any
    quality: float  # mean overlap, in which a frame without the object counts 1 or 0; NaN without frames

    @property
    def robustness(self) -> float:
        """T / (T + F + M)."""
        return _share(self.tracked, self._there)

    @property
    def not_reported(self) -> float:
        """NRE = M / (T + F + M)."""
        return _share(self.missed, self._there)

    @property
    def drift(self) -> float:
        """DRE = F / (T + F + M)."""
        return _share(self.failed, self._there)

    @property
    def absence_detected(self) -> float:
        """ADQ = N / (N + H); NaN unless N + H > 10."""
        gone = self.absent + self.hallucinated
        return _share(self.absent, gone) if gone > ABSENT_FRAMES else float("nan")

    @property
    def _there(self) -> int:
        return self.tracked + self.failed + self.missed


def long_term(sightings: Iterable[Sighting]) -> LongTerm:
    """Sort the frames of one object."""
    absent = hallucinated = tracked = failed = missed = 0
    overlaps, successes = [], []
    for sighting in sightings:
        overlaps.append(sighting.overlap)
        if not sighting.there:
            absent += not sighting.found
            hallucinated += sighting.found
        elif sighting.overlap > SUCCESS:
            tracked += 1
            successes.append(sighting.overlap)
        else:
            failed += sighting.found
            missed += not sighting.found
    return LongTerm(absent, hallucinated, tracked, failed, missed, mean(successes), mean(overlaps))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
