"""Clicks and detections: what points at things in an image, to be understood by what the tracker saw there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..errors import PromptError
from ..tracking.prompt import SHARES, Prompt, are_shares
from .association import Associator, Detection
from .boxes import UPRIGHT_WANTED, corners_of, is_turned
from .history import Remembered
from .messages import stamp_ns


class Pointing(Protocol):
    """Something that asks for prompts on an image that was tracked in."""

    @property
    def stamp_ns(self) -> int:
        """Of the image, 0 for the latest."""

    def prompts(self, frame: Remembered, room: int) -> list[Prompt]:
        """What is asked for. ``room``: objects that may begin. Raises PromptError."""


@dataclass(frozen=True, slots=True)
class Click:
    """A click on the picture: it means the object that is there, or a new one."""

    stamp_ns: int
    x: float  # pixels
    y: float

    def prompts(self, frame: Remembered, room: int) -> list[Prompt]:
        """One positive point."""
        height, width = frame.labels.shape
        if not (0 <= self.x < width and 0 <= self.y < height):
            raise PromptError(
                f"the click at ({self.x:g}, {self.y:g}) is outside the {width}x{height} image; give pixels of it"
            )
        there = int(frame.labels[int(self.y), int(self.x)])
        return [Prompt(there, points=np.array([[self.x, self.y]]), point_labels=np.array([1]))]


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes of a detector in one image."""

    stamp_ns: int
    found: Sequence[Detection]
    associator: Associator

    def prompts(self, frame: Remembered, room: int) -> list[Prompt]:
        """Those that the tracker needs. Raises PromptError when the detector does not speak of pixels."""
        usable = [detection for detection in self.found if _has_pixels(detection.box)]
        if self.found and not usable:
            raise PromptError(f"no box of {len(self.found)} detections is as large as a pixel, {SHARES}")
        return self.associator.prompts(usable, frame.seen, room)


def click_from(message: Any) -> Click:
    """Of a geometry_msgs/PointStamped in pixels, or of a geometry_msgs/Point, which has no stamp."""
    if hasattr(message, "header"):
        return Click(stamp_ns(message.header.stamp), float(message.point.x), float(message.point.y))
    return Click(0, float(message.x), float(message.y))


def detections_from(message: Any, associator: Associator) -> Detections:
    """Of a vision_msgs/Detection2DArray; detections without an area are left out. Raises PromptError."""
    if any(is_turned(detection.bbox) for detection in message.detections):
        raise PromptError(f"detections are left out: a box of them is {UPRIGHT_WANTED}")
    found = [_detection(detection) for detection in message.detections]
    return Detections(stamp_ns(message.header.stamp), [d for d in found if d is not None], associator)


def _has_pixels(box: np.ndarray) -> bool:
    return not are_shares(box) and bool((box[2:] - box[:2] >= 1).all())


def _detection(message: Any) -> Detection | None:
    box = corners_of(message.bbox)
    if not np.isfinite(box).all() or (box[2:] <= box[:2]).any():
        return None
    best = max((result.hypothesis for result in message.results), key=lambda one: float(one.score), default=None)
    if best is None:  # a detector that gives no classes has decided already
        return Detection(box, 1.0, "", str(message.id))
    return Detection(box, float(best.score), str(best.class_id), str(message.id))
