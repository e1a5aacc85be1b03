"""How things move: the last place of each, and its velocity by a filter."""

from dataclasses import dataclass

import numpy as np

from .transform import NS_PER_S

FIRST_SPEED = 1.0  # metres per second: standard deviation of a velocity of which nothing is known yet
FORGOTTEN_NS = 2 * NS_PER_S  # without a place for so long, a velocity begins anew


@dataclass(frozen=True, slots=True, eq=False)
class Moving:
    """Position and velocity of a thing, and how sure both are."""

    stamp_ns: int
    state: np.ndarray  # (6,) x, y, z in metres, then metres per second
    covariance: np.ndarray  # (6, 6)

    @property
    def velocity(self) -> np.ndarray:
        """(3,) metres per second."""
        return self.state[3:]


def begun(stamp_ns: int, position: np.ndarray, covariance: np.ndarray) -> Moving:
    """A thing that was seen once, at (3,) with a covariance (3, 3)."""
    unknown = np.zeros((6, 6))
    unknown[:3, :3], unknown[3:, 3:] = covariance, np.eye(3) * FIRST_SPEED**2
    return Moving(stamp_ns, np.concatenate((position, np.zeros(3))), unknown)


def followed(before: Moving, stamp_ns: int, position: np.ndarray, covariance: np.ndarray, noise: float) -> Moving:
    """One step of a Kalman filter of constant velocity, to a position (3,) that was measured at a later stamp.

    ``noise``: standard deviation of the acceleration, metres per second squared, which is taken as constant between two
    stamps (Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and Navigation, 6.3.2).
    """
    seconds = (stamp_ns - before.stamp_ns) / NS_PER_S
    forth = np.eye(6)
    forth[:3, 3:] = np.eye(3) * seconds
    push = np.concatenate((np.eye(3) * seconds**2 / 2, np.eye(3) * seconds)) * noise
    state, known = forth @ before.state, forth @ before.covariance @ forth.T + push @ push.T
    gain = np.linalg.solve(known[:3, :3] + covariance, known[:3]).T  # (6, 3); both are symmetric
    return Moving(stamp_ns, state + gain @ (position - state[:3]), known - gain @ known[:3])


@dataclass(frozen=True, slots=True, eq=False)
class Last:
    """Where a thing was seen last."""

    frame_id: str
    stamp_ns: int
    position: np.ndarray  # (3,) metres


class Course:
    """What is remembered of where things were. The only state of this room."""

    def __init__(self, noise: float) -> None:
        """``noise``: see `followed`; 0: no velocities."""
        self._noise = noise
        self._last: dict[int, Last] = {}  # by object id
        self._moving: dict[int, Moving] = {}

    def last(self, object_id: int, frame_id: str, stamp_ns: int) -> Last | None:
        """Where an object was last before a stamp, if that is known in this frame.

        What is later is of another time: the stamps of a bag that loops jump back.
        """
        found = self._last.get(object_id)
        return found if found is not None and found.frame_id == frame_id and found.stamp_ns <= stamp_ns else None

    def velocity(self, object_id: int, stamp_ns: int) -> np.ndarray | None:
        """(3,) metres per second in the frame of its last place, when it was measured at this stamp; else None."""
        found = self._moving.get(object_id)
        return found.velocity if found is not None and found.stamp_ns == stamp_ns else None

    def see(self, object_id: int, frame_id: str, stamp_ns: int, position: np.ndarray, covariance: np.ndarray) -> None:
        """An object is at (3,) with a covariance (3, 3)."""
        before = self.last(object_id, frame_id, stamp_ns)
        self._last[object_id] = Last(frame_id, stamp_ns, position)
        if not self._noise:
            return
        moving = self._moving.get(object_id)
        if before is None or moving is None or not 0 < stamp_ns - moving.stamp_ns < FORGOTTEN_NS:
            self._moving[object_id] = begun(stamp_ns, position, covariance)
        else:
            self._moving[object_id] = followed(moving, stamp_ns, position, covariance, self._noise)

    def keep(self, object_ids: "set[int]") -> None:
        """Forget all other objects."""
        for known in (self._last, self._moving):
            for object_id in known.keys() - object_ids:
                del known[object_id]
