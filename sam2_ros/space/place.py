"""Where one object is."""

from dataclasses import dataclass, replace

import numpy as np

from .transform import Transform


@dataclass(frozen=True, slots=True, eq=False)
class Box3D:
    """A box with a direction, in metres."""

    centre: np.ndarray  # (3,)
    size: np.ndarray  # (3,) along its own axes
    rotation: np.ndarray  # (3, 3) from its own axes to those of the frame

    @property
    def corners(self) -> np.ndarray:
        """(8, 3) its corners in the frame; corner i is on the high side of axis a where bit a of i is set."""
        signs = (np.arange(8)[:, None] >> np.arange(3) & 1) - 0.5
        corners: np.ndarray = (signs * self.size) @ self.rotation.T + self.centre
        return corners


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where an object is, in some frame: what is seen of it, not what it hides."""

    position: np.ndarray  # (3,) mean of its measured points, metres
    covariance: np.ndarray  # (3, 3) of the position, square metres
    box: Box3D
    points: np.ndarray  # (N, 3) float32, the measured points that count, metres
    pixels: np.ndarray  # (N, 2) x, y of these in the depth image

    def moved(self, transform: Transform) -> "Place":
        """The same place in another frame."""
        box = Box3D(transform.points(self.box.centre), self.box.size, transform.rotation @ self.box.rotation)
        return replace(
            self,
            position=transform.points(self.position),
            covariance=transform.covariance(self.covariance),
            box=box,
            points=transform.points(self.points).astype(np.float32),
        )


@dataclass(frozen=True, slots=True)
class Nowhere:
    """An object of which it cannot be said where it is."""

    reason: str  # one sentence
