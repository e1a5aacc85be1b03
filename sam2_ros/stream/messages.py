"""Message fields to what the tracker takes, and what it gives back to message fields.

Works on message-shaped objects: rclpy's instances and the dataclasses of messages read from a bag alike.
"""

import array
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ImageError, PromptError, quoted
from ..space.place import Place
from ..tracking.prompt import Prompt
from ..tracking.result import FrameResult, ObjectState
from .boxes import UPRIGHT_WANTED, around, box_message, corners_of, is_turned
from .pixels import MASK_ENCODINGS, plane

if TYPE_CHECKING:
    from .places import Placed, Whereabouts

NS_PER_S = 1_000_000_000
BIG_ENDIAN = int(sys.byteorder == "big")


class Action(IntEnum):
    """The actions of sam2_ros/Prompt."""

    ADD = 0
    REPLACE = 1
    REMOVE = 2
    RESET = 3


@dataclass(frozen=True, slots=True)
class Remove:
    """Stop tracking one object."""

    object_id: int


@dataclass(frozen=True, slots=True)
class Reset:
    """Stop tracking all objects."""


Command = Prompt | Remove | Reset | PromptError  # the last: a prompt that cannot be used, and why


@dataclass(frozen=True, slots=True)
class MessageTypes:
    """The classes of outgoing messages, rclpy's or those that a bag is written by; called with every field named."""

    Time: Callable[..., Any]  # builtin_interfaces
    Image: Callable[..., Any]  # sensor_msgs
    Point2D: Callable[..., Any]  # vision_msgs
    Pose2D: Callable[..., Any]
    BoundingBox2D: Callable[..., Any]
    Point: Callable[..., Any]  # geometry_msgs
    Vector3: Callable[..., Any]
    TrackedObject: Callable[..., Any]  # sam2_ros
    TrackedObjectArray: Callable[..., Any]
    pack: Callable[[np.ndarray], Any]  # contiguous array of uint8 or uint32, of any shape, to a field of many of them

    @classmethod
    def found(cls, find: Callable[[str], Callable[..., Any]], pack: Callable[[np.ndarray], Any]) -> "MessageTypes":
        """Those that ``find`` gives for their full names, such as sensor_msgs/msg/Image."""
        return cls(
            Time=find("builtin_interfaces/msg/Time"),
            Image=find("sensor_msgs/msg/Image"),
            Point2D=find("vision_msgs/msg/Point2D"),
            Pose2D=find("vision_msgs/msg/Pose2D"),
            BoundingBox2D=find("vision_msgs/msg/BoundingBox2D"),
            Point=find("geometry_msgs/msg/Point"),
            Vector3=find("geometry_msgs/msg/Vector3"),
            TrackedObject=find("sam2_ros/msg/TrackedObject"),
            TrackedObjectArray=find("sam2_ros/msg/TrackedObjectArray"),
            pack=pack,
        )


def pack_array(numbers: np.ndarray) -> "array.array[int]":
    """Contiguous array of uint8 or uint32 to one of Python's, which rclpy takes without checking each element."""
    packed = array.array(numbers.dtype.char)
    packed.frombytes(numbers.reshape(-1).view(np.uint8).data)
    return packed


def stamp_ns(time: Any) -> int:
    """Nanoseconds of a builtin_interfaces/Time."""
    return int(time.sec) * NS_PER_S + int(time.nanosec)


def time_message(types: MessageTypes, ns: int) -> Any:
    """builtin_interfaces/Time of nanoseconds."""
    sec, nanosec = divmod(ns, NS_PER_S)
    return types.Time(sec=sec, nanosec=nanosec)


# --- incoming --------------------------------------------------------------------------------------------------------


def commands_from(message: Any) -> list[Command]:
    """What a sam2_ros/PromptArray asks for, in its order; a PromptError in place of each prompt that cannot be used."""
    return [_command(prompt) for prompt in message.prompts]


def _command(message: Any) -> Command:
    object_id, action = int(message.object_id), int(message.action)
    if action == Action.REMOVE:
        return Remove(object_id)
    if action == Action.RESET:
        return Reset()
    try:
        if action not in (Action.ADD, Action.REPLACE):
            known = ", ".join(f"{known.value} ({known.name})" for known in Action)
            raise _prompt_error(object_id, f"its action is {action}; use one of {known}")
        return _prompt(message)
    except PromptError as error:
        return error.with_traceback(None)  # which would hold on to the message for as long as the answer waits


def _prompt(message: Any) -> Prompt:
    points = [(float(point.x), float(point.y)) for point in message.points]
    return Prompt(
        object_id=int(message.object_id),
        points=np.array(points, dtype=np.float64).reshape(-1, 2),
        point_labels=np.array(list(message.point_labels), dtype=np.int64),
        box=_box(message.box, int(message.object_id)) if message.has_box else None,
        mask=_mask(message.mask, int(message.object_id)) if len(message.mask.data) else None,
        label=str(message.label),
        replace=int(message.action) == Action.REPLACE,
    )


def _box(message: Any, object_id: int) -> np.ndarray:
    """(4,) of a vision_msgs/BoundingBox2D. Raises PromptError."""
    if is_turned(message):
        raise _prompt_error(object_id, f"its box is {UPRIGHT_WANTED}")
    return corners_of(message)


def _mask(message: Any, object_id: int) -> np.ndarray:
    """(H, W) bool of a sensor_msgs/Image. Raises PromptError."""
    if message.encoding not in MASK_ENCODINGS:
        raise _prompt_error(
            object_id, f"its mask has the encoding {quoted(message.encoding)}; give mono8, non-zero where the object is"
        )
    try:
        mask: np.ndarray = plane(message, channels=1) != 0
    except ImageError as error:
        raise _prompt_error(object_id, f"its mask cannot be read: {error}") from error
    return mask


def _prompt_error(object_id: int, what: str) -> PromptError:
    who = f"object {object_id}" if object_id else "a new object"
    return PromptError(f"prompt for {who}: {what}")


# --- outgoing --------------------------------------------------------------------------------------------------------


def masks_message(types: MessageTypes, header: Any, result: FrameResult) -> Any:
    """sensor_msgs/Image of the label image (H, W): mono8, or mono16 in this machine's byte order when it is uint16."""
    encoding = "mono16" if result.label_image.dtype == np.uint16 else "mono8"
    return image_message(types, header, encoding, result.label_image)


def overlay_message(types: MessageTypes, header: Any, rgb: np.ndarray) -> Any:
    """sensor_msgs/Image, rgb8, of a picture (H, W, 3) uint8 RGB."""
    return image_message(types, header, "rgb8", rgb)


def objects_message(
    types: MessageTypes,
    header: Any,
    result: FrameResult,
    latency: float,
    cropped_masks: bool,
    placed: "Placed | None" = None,
) -> Any:
    """sam2_ros/TrackedObjectArray.

    ``latency``: seconds from image to result; ``cropped_masks``: give each object its mask, cropped to its box;
    ``placed``: where the objects are in space.
    """
    height, width = result.label_image.shape
    return types.TrackedObjectArray(
        header=header,
        image_width=int(width),
        image_height=int(height),
        objects=[
            _tracked_object(types, header, result.frame_index, state, cropped_masks, placed) for state in result.objects
        ],
        processing_latency=float(latency),
        position_frame="" if placed is None else str(placed.frame_id),
    )


def _tracked_object(
    types: MessageTypes, header: Any, frame: int, state: ObjectState, cropped_masks: bool, placed: "Placed | None"
) -> Any:
    x_min, y_min, _, _ = state.box or (0, 0, 0, 0)
    x, y = state.centroid or (0.0, 0.0)
    note = state.memory
    ages = () if note is None or note.attended is None else note.attended.ages(frame)
    crop = _crop(state) if cropped_masks else np.zeros((0, 0), dtype=np.uint8)
    return types.TrackedObject(
        id=int(state.object_id),
        label=str(state.label),
        state=int(state.state),
        visible=bool(state.visible),
        object_score=float(state.object_score),
        visibility=float(state.visibility),
        mask_score=float(state.mask_score),
        box=box_message(types, around(state.box)),
        area=int(state.area),
        centroid=types.Point2D(x=float(x), y=float(y)),
        first_seen=time_message(types, state.first_seen_ns),
        last_seen=time_message(types, state.last_seen_ns),
        frames_since_seen=int(state.frames_since_seen),
        remembered=note is None or note.kept,
        anchor=note is not None and note.promoted,
        memory_note="" if note is None or (note.kept and not note.promoted) else note.why,
        attended=types.pack(np.array(ages, dtype=np.uint32)),
        mask=image_message(types, header, "mono8", crop),
        mask_x_offset=int(x_min) if crop.size else 0,
        mask_y_offset=int(y_min) if crop.size else 0,
        **(nowhere(types) if placed is None else _where(types, placed.objects[state.object_id], placed.stamp_ns)),
    )


def nowhere(types: MessageTypes) -> dict[str, Any]:
    """The fields of a TrackedObject about space, of an object of which nothing is known."""
    return {
        "has_position": False,
        "position": types.Point(x=0.0, y=0.0, z=0.0),
        "position_covariance": np.zeros(9),
        "no_position": "",
        "has_last_position": False,
        "last_position": types.Point(x=0.0, y=0.0, z=0.0),
        "last_position_age": 0.0,
        "has_velocity": False,
        "velocity": types.Vector3(x=0.0, y=0.0, z=0.0),
    }


def _where(types: MessageTypes, known: "Whereabouts", image_ns: int) -> dict[str, Any]:
    """The same of an object in an image of that stamp."""
    fields, place = nowhere(types), known.place
    if isinstance(place, Place):
        fields |= {"has_position": True, "position": _triple(types.Point, place.position)}
        fields["position_covariance"] = place.covariance.reshape(-1)
    else:
        fields["no_position"] = place.reason
    if known.last is not None:
        fields |= {"has_last_position": True, "last_position": _triple(types.Point, known.last.position)}
        fields["last_position_age"] = (image_ns - known.last.stamp_ns) / NS_PER_S
    if known.velocity is not None:
        fields |= {"has_velocity": True, "velocity": _triple(types.Vector3, known.velocity)}
    return fields


def _triple(kind: Callable[..., Any], values: np.ndarray) -> Any:
    x, y, z = values.tolist()
    return kind(x=x, y=y, z=z)


def _crop(state: ObjectState) -> np.ndarray:
    """The mask inside its box (box height, box width), uint8 0 or 255; (0, 0) when it is empty."""
    if state.box is None:
        return np.zeros((0, 0), dtype=np.uint8)
    x_min, y_min, x_max, y_max = state.box
    crop: np.ndarray = state.mask[y_min : y_max + 1, x_min : x_max + 1] * np.uint8(255)
    return crop


def image_message(types: MessageTypes, header: Any, encoding: str, pixels: np.ndarray) -> Any:
    """sensor_msgs/Image of pixels (H, W) or (H, W, C) in this machine's byte order."""
    height, width = pixels.shape[:2]
    return types.Image(
        header=header,
        height=int(height),
        width=int(width),
        encoding=encoding,
        is_bigendian=BIG_ENDIAN,
        step=pixels.nbytes // height if height else 0,
        data=types.pack(np.ascontiguousarray(pixels).view(np.uint8)),
    )
