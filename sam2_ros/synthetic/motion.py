"""Where things are: smooth random paths with no end, on which a thing may hide and come back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from .camera import Camera
from .chance import Stream, Wave, generator, smoothstep
from .settings import BLOCK

RAMP = (6, 9)  # frames from full view to the hiding place and back
QUIET = 2  # frames in full view before
CANDIDATES = 32  # points among which a place is chosen


class Way(Protocol):
    """Where one thing is over time."""

    def at(self, time: float) -> tuple[np.ndarray, float]:
        """(2,) the position, and from 0 to 1 how far it is on the way to where nobody sees it; ``time`` in frames."""

    def size(self, time: float) -> float:
        """How large the thing is, of its usual size."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing stays between its ways: anywhere in the area, or at a distance from its hiding place."""

    half_width: float  # of the area around the origin
    half_height: float
    hideout: "Hideout | None" = None
    near: float = 0.0  # not closer to the hideout
    far: float = 9.0  # nor farther

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """(2,) a random point, the best of a few."""
        points = self.points(rng)
        return np.asarray(points[self.miss(points).argmin()])

    def points(self, rng: np.random.Generator) -> np.ndarray:
        """(CANDIDATES, 2) random points of the area."""
        half = np.array([self.half_width, self.half_height])
        return rng.uniform(-half, half, (CANDIDATES, 2))

    def miss(self, points: np.ndarray) -> np.ndarray:
        """(P,) how badly each of the points (P, 2) is placed, 0 for not at all."""
        if self.hideout is None:
            return np.zeros(len(points))
        distance = self.hideout.distance(points)
        return np.maximum(self.near - distance, 0) * 3 + np.maximum(distance - self.far, 0)


@dataclass(frozen=True, slots=True)
class Window:
    """When a thing is hidden, in frames, and where."""

    start: int  # first fully hidden frame
    hold: int  # frames fully hidden
    ramp: int
    enters: np.ndarray  # (2,) where it is as it goes in
    leaves: np.ndarray  # (2,) and as it comes out

    def pull(self, time: float) -> float:
        """0 in full view, 1 hidden."""
        end = self.start + self.hold - 1
        return smoothstep(1 - max(self.start - time, time - end, 0) / self.ramp)

    def progress(self, time: float) -> float:
        """0 before it is hidden, 1 after."""
        return smoothstep((time - self.start) / max(self.hold - 1, 1))


@dataclass(frozen=True, slots=True)
class Hideout:
    """A place behind an occluder, or beyond an edge of the picture."""

    centre: np.ndarray  # (2,)
    along: np.ndarray  # (2,) half the way that a thing may move unseen
    outward: np.ndarray | None = None  # (2,) of length 1: the way out of the picture
    reach: float = 0.0  # of what goes out of the picture

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(P,) of points (P, 2) from the place, or from the line through it along which things move unseen."""
        away = points - self.centre
        length = float(np.hypot(*self.along))
        if not length:
            return np.hypot(*away.T)
        return np.abs(away @ np.array([-self.along[1], self.along[0]])) / length

    def window(self, rng: np.random.Generator, block: int, hold_range: tuple[int, int], camera: Camera) -> Window:
        """When and where exactly in a block of frames."""
        hold, ramp = int(rng.integers(hold_range[0], hold_range[1] + 1)), int(rng.integers(RAMP[0], RAMP[1] + 1))
        earliest, latest = ramp + QUIET, BLOCK - hold - ramp - 1
        start = block * BLOCK + int(rng.integers(earliest, max(earliest, latest) + 1))
        enters, leaves = (self.centre + self.along * rng.uniform(-1, 1) for _ in range(2))
        if self.outward is not None:
            out = max(camera.extent(time, self.outward) for time in range(start, start + hold)) + self.reach
            enters, leaves = (point + (out - point @ self.outward) * self.outward for point in (enters, leaves))
        return Window(start, hold, ramp, enters, leaves)


class Path:
    """The way of one thing; from block to block it moves from home to home."""

    def __init__(self, who: tuple[int, int], first: np.ndarray, place: Place, sway: Wave, roam: float, reach: float):
        """``who``: seed and number of the thing; ``first``: (2,) where it begins; ``reach``: of its swaying."""
        self._who = who
        self._first = first
        self._place = place
        self._sway = sway
        self._roam = roam
        self._reach = reach
        self._window: Callable[[int], Window] | None = None
        # Drawn again for every block, so that a path of any length takes no memory.
        self._home = lru_cache(maxsize=4)(self._draw_home)

    def hide(self, hideout: Hideout, hold_range: tuple[int, int], camera: Camera) -> None:
        """From now on hide there once in every block."""

        def window(block: int) -> Window:
            seed, number = self._who
            rng = generator(seed, Stream.HIDING, number, block)
            return hideout.window(rng, block, hold_range, camera)

        self._window = lru_cache(maxsize=4)(window)

    def size(self, time: float) -> float:
        """How large the thing is, of its usual size."""
        return 1.0

    def at(self, time: float) -> tuple[np.ndarray, float]:
        """(2,) the position, and from 0 to 1 how far it is on the way to its hiding place."""
        block = max(0, int(time // BLOCK))
        before, after = self._home(block), self._home(block + 1)
        sway = self._reach * self._sway.at(time)
        if self._window is None:
            return before + (after - before) * smoothstep(time / BLOCK - block) + sway, 0.0
        window = self._window(block)
        # It changes homes unseen: whoever expects it back where it went is wrong.
        progress, pull = window.progress(time), window.pull(time)
        home = before + (after - before) * progress + sway
        hidden = window.enters + (window.leaves - window.enters) * progress
        return home + (hidden - home) * pull, pull

    def _draw_home(self, block: int) -> np.ndarray:
        if not block:
            return self._first
        seed, number = self._who
        point = self._place.draw(generator(seed, Stream.HOMES, number, block))
        if self._place.hideout is not None:
            return point
        return self._first + self._roam * (point - self._first)
