"""One thing that moves through a scene."""

from dataclasses import dataclass

import numpy as np

from .camera import View
from .chance import Wave
from .motion import Way
from .shapes import Shape, Slab

TURNING_PERIOD = (20, 80)  # frames of the sines by which things turn and grow
SWING = 7  # frames: a turning wave's amplitude for a speed of 1 per frame


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """One thing that moves through a scene."""

    number: int  # each has its own
    object_id: int  # from 1; 0: not to be tracked
    model: int  # number of the actor whose looks it has, its own unless it is a distractor
    shape: Shape | Slab
    radius: float  # of the shape, in the world's unit
    path: Way
    angle: float  # radians at the beginning
    spin: float  # radians per frame at most, about
    wave: Wave  # growth, turning
    growth: float
    depth: float  # the larger the nearer
    nearness: float = 1.0
    twin: bool = False  # it has the very pattern of its model, turned over and a little tinted

    def pose(self, time: float) -> np.ndarray:
        """(2, 3) from the shape's frame to the world's."""
        position, hidden = self.path.at(time)
        wave = self.wave.at(time)
        scale = float(np.exp(self.growth * wave[0]))
        # Behind its occluder it is no larger than that was made for.
        scale = self.path.size(time) * self.radius * (scale * (1 - hidden) + min(scale, 1.0) * hidden)
        angle = self.angle + self.spin * SWING * wave[1]
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        return np.array([(cos, -sin, position[0]), (sin, cos, position[1])])

    def outline(self, time: float, view: View) -> np.ndarray:
        """(K, 2) in pixels."""
        pose = self.pose(time)
        return view.pixels(self.shape.outline(time) @ pose[:, :2].T + pose[:, 2])
