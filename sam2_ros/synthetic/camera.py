"""The camera: how the world's plane lies in the picture at a time."""

from dataclasses import dataclass

import numpy as np

from .chance import Wave, draw_wave
from .settings import SceneSettings


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The world in one picture: pixel = matrix @ (x, y, 1). The world's unit is the picture's shorter side."""

    matrix: np.ndarray  # (2, 3)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) world to pixels; (0, 0) is the centre of the top-left pixel."""
        moved: np.ndarray = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return moved

    @property
    def scale(self) -> float:
        """Pixels per unit of the world."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A hand-held camera over the world's plane; it begins upright above the origin."""

    settings: SceneSettings
    slow: Wave  # pan x, y, zoom, roll
    fast: Wave  # shake x, y, roll

    def view(self, time: float, nearness: float = 1.0) -> View:
        """What is seen at a time in frames; ``nearness`` above 1: of things that pass by faster than the stage."""
        s = self.settings
        slow, fast = self.slow.at(time), self.fast.at(time)
        centre = nearness * (s.pan * slow[:2]) + s.shake * fast[:2]
        scale = min(s.width, s.height) * np.exp(s.zoom * slow[2])
        angle = np.radians(s.roll * slow[3] + 100 * s.shake * fast[2])
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        turn = np.array([(cos, -sin), (sin, cos)])
        middle = np.array([s.width - 1, s.height - 1]) / 2
        return View(np.column_stack((turn, middle - turn @ centre)))

    def extent(self, time: float, direction: np.ndarray) -> float:
        """How far the picture reaches from the world's origin in a direction, (2,) of length 1."""
        s = self.settings
        matrix = self.view(time).matrix
        corners = np.array([(x, y) for x in (0, s.width) for y in (0, s.height)], dtype=np.float64)
        world = np.linalg.solve(matrix[:, :2], (corners - matrix[:, 2]).T).T
        return float((world @ direction).max())


def draw_camera(rng: np.random.Generator, settings: SceneSettings) -> Camera:
    """A random camera as shaky and restless as the settings say."""
    return Camera(settings, draw_wave(rng, 4, 40, 140), draw_wave(rng, 3, 3, 9))
