"""A stream in which everything happens that a user does: what a tracker says of it is compared between ways to run."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from sam2_ros.measures.similarity import region_similarity
from sam2_ros.ros.ahead import ahead
from sam2_ros.synthetic import SceneFrame
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.result import FrameResult
from sam2_ros.tracking.tracker import EncodedFrame, PastFrame, Tracker

FIRST, SECOND, THIRD, LATE = 1, 2, 3, 4  # ids of objects
BEHIND = 4  # frames by which the late prompt is late
SIZES = ((1.0, 1.0), (0.75, 0.75), (0.5, 1.0))  # of images, one after the other, beside those of the clip


@dataclass(frozen=True, slots=True)
class Script:
    """What happens at which frame."""

    frames: int
    add: int  # a third object
    corrections: tuple[int, ...]  # of the first object
    late: int  # a prompt for a fourth, made on an earlier frame
    remove: int  # the second
    reset: int  # of all; on the next frame the first two begin anew
    resized: tuple[int, int]  # images have another size from here on


LONG = Script(100, 5, (25, 40, 60, 90), 50, 70, 75, (33, 66))
SHORT = Script(24, 2, (5, 9, 14, 22), 11, 16, 18, (7, 13))


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """An image, and where objects are in it."""

    image: np.ndarray  # (H, W, 3) uint8
    boxes: tuple[np.ndarray, ...]  # (4,) of those that are seen, in pixels


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What came of one image."""

    result: FrameResult
    seconds: float
    plain: bool  # nothing was prompted

    @property
    def masks(self) -> dict[int, np.ndarray]:
        """By id."""
        return {state.object_id: state.mask for state in self.result.objects}


def shots(clip: Sequence[SceneFrame], script: Script) -> list[Shot]:
    """The clip, there and back, in the sizes of the script."""
    frames = [*clip, *clip[-2:0:-1]]
    starts = (0, *script.resized)
    return [
        _sized(frames[index % len(frames)], SIZES[sum(index >= start for start in starts) - 1])
        for index in range(script.frames)
    ]


def _sized(frame: SceneFrame, scale: tuple[float, float]) -> Shot:
    height, width = frame.image.shape[:2]
    size = round(width * scale[0]), round(height * scale[1])
    image = frame.image if size == (width, height) else cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    return Shot(image, tuple(np.array(box, float) * (*scale, *scale) for box in frame.boxes if box is not None))


def box(shot: Shot, object_id: int) -> Prompt:
    """A box for an object; where there are more objects than boxes, some share one."""
    return Prompt(object_id, box=shot.boxes[(object_id - 1) % len(shot.boxes)])


def _click(shot: Shot, object_id: int) -> Prompt:
    corners = box(shot, object_id).box
    assert corners is not None
    return Prompt(object_id, points=(corners[:2] + corners[2:])[None] / 2, point_labels=np.array([1]))


def prompts(script: Script, index: int, shot: Shot) -> list[Prompt]:
    """Those for this image."""
    if index in (0, script.reset + 1):
        return [box(shot, FIRST), box(shot, SECOND)]
    if index == script.add:
        return [box(shot, THIRD)]
    return [_click(shot, FIRST)] if index in script.corrections else []


def play(tracker: Tracker, script: Script, film: Sequence[Shot], look_ahead: bool = False) -> Iterator[Played]:
    """Everything, image by image. ``look_ahead``: a thread of its own encodes the next image meanwhile."""
    images = iter([shot.image for shot in film])
    frames: Iterator[np.ndarray | EncodedFrame] = images
    if look_ahead:
        frames = ahead(lambda: next(images, None), tracker.encode)
    for index, (shot, frame) in enumerate(zip(film, frames, strict=True)):
        if index == script.remove:
            tracker.remove(SECOND)
        if index == script.reset:
            tracker.reset()
        wanted = prompts(script, index, shot)
        begun = time.perf_counter()
        result = tracker.step(frame, wanted)
        yield Played(result, time.perf_counter() - begun, not wanted)
        if index == script.late:
            past = range(result.frame_index - BEHIND, result.frame_index + 1)
            images_past = film[index - BEHIND : index + 1]
            tracker.catch_up(
                [PastFrame(number, 0, old.image) for number, old in zip(past, images_past, strict=True)],
                [box(film[index - BEHIND], LATE)],
            )


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two ways to run agree."""

    mean: float  # IoU of the masks of all objects and images; a missing object counts as 0
    worst: float
    same_objects: bool  # in every image


Masks = dict[int, np.ndarray]


def agreement(found: Sequence[Masks], expected: Sequence[Masks]) -> Agreement:
    """Of the masks of all images, by id."""
    ious = [
        region_similarity(a[number], b[number]) if number in a and number in b else 0.0
        for a, b in zip(found, expected, strict=True)
        for number in a.keys() | b.keys()
    ]
    same = all(a.keys() == b.keys() for a, b in zip(found, expected, strict=True))
    return Agreement(float(np.mean(ious)), min(ious), same)
