"""Things that leave the picture for long, and come back elsewhere and at another size."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .camera import Camera
from .chance import Stream, Wave, generator, smoothstep
from .motion import RAMP, Place
from .settings import SceneSettings

IN_VIEW = 14  # frames in full view at least, before and after
SLACK = 8  # frames by which the longest absence may shift
OUTWARD = np.array([(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])


@dataclass(frozen=True, slots=True, eq=False)
class Absence:
    """One time out of the picture, in frames."""

    start: int  # first frame fully out of view
    hold: int  # frames fully out of view
    ramp: int
    leaves: np.ndarray  # (2,) beyond the edge over which it leaves
    comes: np.ndarray  # (2,) and over which it comes back

    def pull(self, time: float) -> float:
        """0 in full view, 1 out of it."""
        end = self.start + self.hold - 1
        return smoothstep(1 - max(self.start - time, time - end, 0) / self.ramp)

    def is_over(self, time: float) -> bool:
        """Whether the way is the one back."""
        return time >= self.start + self.hold / 2


class LeavingPath:
    """The way of a thing that leaves the picture once in every period.

    Where it is in view, it sways about a home; while it is away, it takes another home, and another size.
    """

    def __init__(self, who: tuple[int, int], first: np.ndarray, place: Place, sway: Wave, reach: float, camera: Camera):
        """``who``: seed and number of the thing; ``first``: (2,) where it begins; ``reach``: from its centre."""
        self._who = who
        self._first = first
        self._place = place
        self._sway = sway
        self._reach = reach * float(np.exp(camera.settings.return_scale))
        self._camera = camera
        self._settings = camera.settings
        self._period = period(camera.settings)
        # Drawn again for every period, so that a path of any length takes no memory.
        self._stay = lru_cache(maxsize=4)(self._draw_stay)
        self._absence = lru_cache(maxsize=4)(self._draw_absence)

    def at(self, time: float) -> tuple[np.ndarray, float]:
        """(2,) the position, and from 0 to 1 how far it is on the way out of the picture."""
        number = self._number(time)
        absence = self._absence(number)
        back = absence.is_over(time)
        home = self._stay(number + back)[0] + self._settings.sway * self._sway.at(time)
        away, pull = absence.comes if back else absence.leaves, absence.pull(time)
        return home + (away - home) * pull, pull

    def size(self, time: float) -> float:
        """How large the thing is, of its usual size."""
        number = self._number(time)
        return self._stay(number + self._absence(number).is_over(time))[1]

    def _number(self, time: float) -> int:
        return max(0, int(time // self._period))

    def _draw_stay(self, number: int) -> tuple[np.ndarray, float]:
        """Home (2,) and size between two absences."""
        if not number:
            return self._first, 1.0
        rng = generator(self._who[0], Stream.ABSENCE, self._who[1], number, 0)
        change = self._settings.return_scale
        return self._place.draw(rng), float(np.exp(rng.uniform(-change, change)))

    def _draw_absence(self, number: int) -> Absence:
        rng = generator(self._who[0], Stream.ABSENCE, self._who[1], number, 1)
        s = self._settings
        hold = int(rng.integers(s.absent_frames_min, s.absent_frames_max + 1))
        ramp = int(rng.integers(RAMP[0], RAMP[1] + 1))
        earliest, latest = ramp + IN_VIEW, self._period - hold - ramp - IN_VIEW
        start = number * self._period + int(rng.integers(earliest, latest + 1))
        over, back = rng.permutation(len(OUTWARD))[:2].tolist()
        leaves, comes = (self._outside(OUTWARD[edge], start, hold, rng.uniform(-0.4, 0.4)) for edge in (over, back))
        return Absence(start, hold, ramp, leaves, comes)

    def _outside(self, outward: np.ndarray, start: int, hold: int, across: float) -> np.ndarray:
        """(2,) a point from which nothing reaches into the picture while the thing is away."""
        far = max(self._camera.extent(time, outward) for time in range(start, start + hold)) + self._reach
        return outward * far + across * np.abs(outward[::-1])


def period(settings: SceneSettings) -> int:
    """Frames in which a thing that leaves does so once: enough for the longest absence and to see it between two."""
    return settings.absent_frames_max + 2 * (RAMP[1] + IN_VIEW) + SLACK
