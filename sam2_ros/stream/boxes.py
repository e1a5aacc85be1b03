"""Boxes: those of vision_msgs have a middle and a size, ours corners.

A box that holds the columns 2 to 6 reaches from 2 to 7, as detectors and cv::Rect have it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .messages import MessageTypes

TURNED = 1e-3  # radians: what is turned by less is rounded
UPRIGHT_WANTED = (
    "turned (its center has a theta), and SAM 2 takes upright ones; give the upright box around it, theta 0"
)


def is_turned(message: Any) -> bool:
    """Whether a vision_msgs/BoundingBox2D is not upright."""
    return abs(float(message.center.theta)) > TURNED


def corners_of(message: Any) -> np.ndarray:
    """(4,) x_min, y_min, x_max, y_max in pixels, float64, of an upright vision_msgs/BoundingBox2D."""
    centre, half = message.center.position, (float(message.size_x) / 2, float(message.size_y) / 2)
    return np.array((centre.x - half[0], centre.y - half[1], centre.x + half[0], centre.y + half[1]), dtype=np.float64)


def box_message(types: "MessageTypes", corners: Sequence[float] | np.ndarray | None) -> Any:
    """vision_msgs/BoundingBox2D of x_min, y_min, x_max, y_max in pixels; all zero of None."""
    left, top, right, bottom = (0.0,) * 4 if corners is None else map(float, corners)
    centre = types.Point2D(x=(left + right) / 2, y=(top + bottom) / 2)
    pose = types.Pose2D(position=centre, theta=0.0)
    return types.BoundingBox2D(center=pose, size_x=right - left, size_y=bottom - top)


def around(pixels: Sequence[int] | None) -> tuple[int, int, int, int] | None:
    """The corners of the box that holds a first to a last pixel (x_min, y_min, x_max, y_max)."""
    return None if pixels is None else (pixels[0], pixels[1], pixels[2] + 1, pixels[3] + 1)
