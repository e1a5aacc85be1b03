"""Boxes in space, drawn over the picture, with how far away they are."""

from collections.abc import Mapping

import cv2
import numpy as np

from ..space.camera import PinholeCamera
from ..space.place import Box3D, Nowhere, Place
from .overlay import FONT, LIGHT, colour_of, pen_for

EDGES = tuple((i, i | 1 << axis) for i in range(8) for axis in range(3) if not i >> axis & 1)  # pairs of corners
SHIFT = 4  # bits of a pixel's fraction
NEAREST = 0.05  # metres: what is not farther from the camera is not drawn


def draw_boxes(picture: np.ndarray, places: Mapping[int, Place | Nowhere], camera: PinholeCamera) -> None:
    """Draw the boxes of objects, by id, into a picture (H, W, 3) uint8 RGB.

    ``places`` are in the camera's optical frame, metres; ``camera`` may be that of images of another size.
    """
    height, width = picture.shape[:2]
    seen = camera.resized(width, height)
    line = pen_for(height, width).line
    for object_id, place in places.items():
        if isinstance(place, Place) and (place.box.corners[:, 2] > NEAREST).all():
            _draw_box(picture, place.box, seen, colour_of(object_id), line)
            _write_distance(picture, place.position, seen)


def _draw_box(picture: np.ndarray, box: Box3D, camera: PinholeCamera, colour: tuple[int, int, int], line: int) -> None:
    corners = np.round(camera.pixels(box.corners) * 2**SHIFT)
    most = 2**15 * 2**SHIFT  # OpenCV counts in 32 bits
    ends = np.clip(corners, -most, most).astype(np.int32)
    for first, second in EDGES:
        cv2.line(picture, ends[first].tolist(), ends[second].tolist(), colour, line, cv2.LINE_AA, SHIFT)


def _write_distance(picture: np.ndarray, position: np.ndarray, camera: PinholeCamera) -> None:
    """A cross where the object is, and beside it metres from the camera: to the right, where there is room."""
    height, width = picture.shape[:2]
    pen = pen_for(height, width)
    x, y = np.round(camera.pixels(position[None])[0]).astype(int).tolist()
    cv2.drawMarker(picture, (x, y), LIGHT, cv2.MARKER_CROSS, 4 * pen.margin, pen.line, cv2.LINE_AA)
    text = f"{float(np.linalg.norm(position)):.2f} m"
    away, length = 3 * pen.margin, pen.width(text)
    left = x + away if x + away + length <= width else x - away - length + pen.margin
    place = (left, min(max(y + pen.ascent // 2, pen.ascent), height - pen.descent))
    cv2.putText(picture, text, place, FONT, pen.scale, (0, 0, 0), pen.line + 2, cv2.LINE_AA)
    cv2.putText(picture, text, place, FONT, pen.scale, LIGHT, pen.line, cv2.LINE_AA)
