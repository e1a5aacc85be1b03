"""Look-alikes that cross the way of what they look like, and part from it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .chance import Stream, generator, smoothstep
from .motion import Way
from .settings import BLOCK

RAMP = (8, 11)  # frames on the way to it and from it
PASS = (10, 18)  # frames from one side of the other thing to its other side
ASIDE = 0.7  # how far beside its middle it may pass, of both radii
APART = 1.2  # how far they are apart before and after, of both radii


@dataclass(frozen=True, slots=True, eq=False)
class Crossing:
    """One meeting, in frames."""

    start: int  # of the pass
    length: int  # of the pass
    ramp: int  # frames on the way to it and from it
    along: np.ndarray  # (2,) from the other thing's middle to where it ends
    aside: np.ndarray  # (2,) by which it misses that middle

    def pull(self, time: float) -> float:
        """0 on its own way, 1 beside the other thing."""
        late = time - self.start - self.length
        return smoothstep(1 - max(self.start - time, late, 0) / self.ramp)

    def offset(self, time: float) -> np.ndarray:
        """(2,) from the other thing's middle."""
        progress = smoothstep((time - self.start) / self.length)
        return self.along * (2 * progress - 1) + self.aside


class CrossingPath:
    """The way of a look-alike: its own, and once in every block across that of another thing, where that is in view."""

    def __init__(self, own: Way, other: Way, who: tuple[int, int], radii: float) -> None:
        """``who``: seed and number of the look-alike; ``radii``: of both things together."""
        self._own = own
        self._other = other
        self._who = who
        self._radii = radii
        self._crossing = lru_cache(maxsize=4)(self._draw)

    def at(self, time: float) -> tuple[np.ndarray, float]:
        """(2,) the position, and 0: it does not hide."""
        position, _ = self._own.at(time)
        crossing = self._crossing(max(0, int(time // BLOCK)))
        there, hidden = self._other.at(time)
        return position + (there + crossing.offset(time) - position) * crossing.pull(time) * (1 - hidden), 0.0

    def size(self, time: float) -> float:
        """How large the look-alike is, of its usual size: as the other thing."""
        return self._other.size(time)

    def _draw(self, block: int) -> Crossing:
        rng = generator(self._who[0], Stream.CROSSING, self._who[1], block)
        length, ramp = int(rng.integers(PASS[0], PASS[1] + 1)), int(rng.integers(RAMP[0], RAMP[1] + 1))
        start = block * BLOCK + int(rng.integers(ramp, BLOCK - length - ramp + 1))
        angle = rng.uniform(0, 2 * np.pi)
        ahead = np.array([np.cos(angle), np.sin(angle)])
        aside = np.array([-ahead[1], ahead[0]])
        return Crossing(
            start, length, ramp, self._radii * APART * ahead, self._radii * rng.uniform(-ASIDE, ASIDE) * aside
        )
