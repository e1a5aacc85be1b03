"""Where objects are: from a result with its depth to places in the camera's frame, then in the frame that is wanted."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..config import SpaceConfig
from ..errors import SpaceError
from ..space.camera import PinholeCamera
from ..space.depth import DepthImage
from ..space.layers import Before
from ..space.locate import locate
from ..space.motion import Course, Last
from ..space.place import Nowhere, Place
from ..space.transform import Transform
from ..tracking.result import FrameResult, ObjectState
from .depth_messages import camera_from, depth_from
from .depth_ring import DepthRing
from .messages import NS_PER_S, stamp_ns
from .pixels import MAX_PIXELS

HIDDEN = Nowhere("it is not visible")
RECTIFIED = "rect"  # in the topic of an image without distortion: image_rect, image_rect_color, color/rect/image


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The depth of an image, and the camera that sees it."""

    depth: DepthImage
    camera: PinholeCamera  # of the depth's size
    assumed: tuple[str, ...]  # what is taken to be so, for the user to know


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Where the objects of an image are in the camera's optical frame."""

    frame_id: str
    stamp_ns: int
    places: Mapping[int, Place | Nowhere]  # by object id, all that are tracked
    view: View | None  # None: there was no depth
    notes: tuple[str, ...] = ()  # what the user should be told, once


@dataclass(frozen=True, slots=True, eq=False)
class Whereabouts:
    """What is known of where one object is."""

    place: Place | Nowhere
    last: Last | None  # without a place: where it was last
    velocity: np.ndarray | None  # (3,) metres per second


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Where the objects of an image are."""

    frame_id: str
    objects: Mapping[int, Whereabouts]  # by object id
    located: Located  # in the camera's frame
    notes: tuple[str, ...] = ()  # what the user should be told, once

    @property
    def stamp_ns(self) -> int:
        """Of the image."""
        return self.located.stamp_ns


class Once:
    """Sentences of which each kind is to be told once, whatever numbers are in it."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def new(self, *sentences: str) -> tuple[str, ...]:
        """Those of a kind that was not told yet."""
        fresh = {re.sub(r"[\d.]+", "#", sentence): sentence for sentence in sentences}
        found = tuple(sentence for kind, sentence in fresh.items() if kind not in self._told)
        self._told |= fresh.keys()
        return found


class Locator:
    """Depth messages and results to places in the camera's frame. What it is given may come from another thread."""

    def __init__(self, config: SpaceConfig, image_topic: str, max_pixels: int = MAX_PIXELS) -> None:
        """``max_pixels``: compressed depth of more is not unpacked."""
        self._config, self._max_pixels = config, max_pixels
        self._rectified = config.image_rectified == "yes" or (
            config.image_rectified == "auto" and RECTIFIED in image_topic
        )
        self._once = Once()
        self._camera_info: Any = None
        self._seen: dict[int, tuple[int, float]] = {}  # by object id: stamp and depth in metres of its last place
        self.ring = DepthRing(config.depth_tolerance)

    def put_camera_info(self, message: Any) -> None:
        """Keep the newest sensor_msgs/CameraInfo."""
        self._camera_info = message

    def locate(self, header: Any, result: FrameResult) -> Located:
        """Where the objects of a result are; ``header`` is that of its image."""
        height, width = result.label_image.shape
        places: dict[int, Place | Nowhere] = {state.object_id: HIDDEN for state in result.objects}
        view: View | None = None
        notes: tuple[str, ...] = ()
        seen = [(state, state.box) for state in result.objects if state.in_view and state.box is not None]
        try:
            if seen:  # nobody is told of missing depth that nobody misses
                view = self._view(header, width, height)
                notes = view.assumed
                stamp = stamp_ns(header.stamp)
                places |= {state.object_id: self._place(state, box, view, stamp) for state, box in seen}
                self._remember(places, stamp)
        except SpaceError as error:
            notes = (f"objects have no position: {error}",)
            places |= {state.object_id: Nowhere(str(error)) for state, _ in seen}
        return Located(header.frame_id, stamp_ns(header.stamp), places, view, self._once.new(*notes))

    def _place(self, state: ObjectState, box: tuple[int, int, int, int], view: View, stamp: int) -> Place | Nowhere:
        least = self._config.position_mask_score
        if state.mask_score < least:
            return Nowhere(
                f"its mask is most likely wrong: its predicted IoU is {state.mask_score:.2f}, and position_mask_score "
                f"is {least:g}"
            )
        before = None
        if state.object_id in self._seen:
            seen_ns, metres = self._seen[state.object_id]
            if seen_ns <= stamp:  # what is later is of another time, as of a bag that loops
                before = Before(metres, (stamp - seen_ns) / NS_PER_S)
        return locate(state.mask, box, view.depth, view.camera, self._config, state.mask_score, before)

    def _remember(self, places: Mapping[int, Place | Nowhere], stamp: int) -> None:
        """How far away objects are at this stamp; those that are no longer tracked are forgotten."""
        self._seen = {object_id: known for object_id, known in self._seen.items() if object_id in places}
        for object_id, place in places.items():
            if isinstance(place, Place):
                self._seen[object_id] = (stamp, float(place.position[2]))

    def _view(self, header: Any, width: int, height: int) -> View:
        """The depth of an image of that size. Raises SpaceError."""
        message = self.ring.take(stamp_ns(header.stamp))
        info = self._camera_info
        if info is None:
            raise SpaceError("no camera_info has come; give the topic of the image's own camera_info")
        assumed = [
            *_same_frame("depth image", message.header.frame_id, header.frame_id),
            *_same_frame("camera_info", info.header.frame_id, header.frame_id),
        ]
        depth = depth_from(message, self._max_pixels)
        camera = camera_from(info, self._rectified).resized(width, height).resized(*depth.size)
        if depth.size != (width, height):
            assumed.append(
                f"depth is {depth.size[0]}x{depth.size[1]} pixels and the image {width}x{height}: both are taken to "
                "show the same field of view"
            )
        if camera.distortion:
            assumed.append(
                f"the image is taken to have the distortion that camera_info tells ({info.distortion_model}), which is "
                "taken out; set image_rectified to yes when it is rectified"
            )
        return View(depth, camera, tuple(assumed))


def _same_frame(what: str, frame_id: str, image_frame: str) -> list[str]:
    """What is assumed of the frame of depth or camera_info. Raises SpaceError when it is that of another camera."""
    if frame_id == image_frame:
        return []
    if not frame_id or not image_frame:
        return [f"the {what} is in frame '{frame_id}' and the image in '{image_frame}': taken to be the same"]
    raise SpaceError(
        f"the {what} is in frame {frame_id} and the image in {image_frame}: it is not registered to the image; let the "
        "camera align depth to colour, and give the aligned topic with the image's own camera_info"
    )


class Placer:
    """Places in the camera's frame to those in the frame that is wanted, with what is remembered of each object."""

    def __init__(self, config: SpaceConfig) -> None:
        self._config = config
        self._course = Course(config.velocity_noise)
        self._once = Once()

    def place(self, located: Located, find: Callable[[str, str, int], Transform]) -> Placed:
        """Where objects are.

        ``find``: target frame, source frame and stamp in nanoseconds to the transform; raises SpaceError.
        """
        frame_id, places, note = self._in_frame(located, find)
        for object_id, found in places.items():
            if isinstance(found, Place):
                self._course.see(object_id, frame_id, located.stamp_ns, found.position, found.covariance)
        self._course.keep(set(places))
        return Placed(
            frame_id=frame_id,
            objects={
                object_id: self._whereabouts(object_id, found, frame_id, located.stamp_ns)
                for object_id, found in places.items()
            },
            located=located,
            notes=(*located.notes, *self._once.new(*note)),
        )

    def _in_frame(
        self, located: Located, find: Callable[[str, str, int], Transform]
    ) -> tuple[str, Mapping[int, Place | Nowhere], list[str]]:
        """The frame, the places in it, and what the user should be told."""
        target = self._config.target_frame
        if not target or target == located.frame_id:
            return located.frame_id, located.places, []
        try:
            transform = find(target, located.frame_id, located.stamp_ns)
        except SpaceError as error:
            if self._config.without_transform == "camera":
                return located.frame_id, located.places, [f"positions are in {located.frame_id}: {error}"]
            places = {
                object_id: Nowhere(str(error)) if isinstance(found, Place) else found
                for object_id, found in located.places.items()
            }
            return target, places, [f"objects have no position: {error}"]
        moved = {
            object_id: found.moved(transform) if isinstance(found, Place) else found
            for object_id, found in located.places.items()
        }
        return target, moved, []

    def _whereabouts(self, object_id: int, found: Place | Nowhere, frame_id: str, stamp: int) -> Whereabouts:
        if isinstance(found, Place):
            return Whereabouts(found, None, self._course.velocity(object_id, stamp))
        return Whereabouts(found, self._course.last(object_id, frame_id, stamp), None)
