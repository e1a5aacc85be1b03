"""Where objects are, as messages of other packages: detections in space, a cloud of points, transforms."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..space.place import Place
from ..space.transform import Transform, quaternion_of
from ..tracking.result import ObjectState
from .messages import BIG_ENDIAN
from .places import Placed

# A direction that nobody estimated may be any: the variance of an even distribution over a whole turn, square radians.
ANY_DIRECTION = math.pi**2 / 3
FLOAT32, UINT32 = 7, 6  # sensor_msgs/PointField
POINT = np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4"), ("rgb", "u4"), ("id", "u4")])
FRAME_PREFIX = "sam2_object_"


@dataclass(frozen=True, slots=True)
class SpaceTypes:
    """The classes of outgoing messages, rclpy's or those that a bag is written by; called with every field named."""

    Header: Callable[..., Any]  # std_msgs
    Point: Callable[..., Any]  # geometry_msgs
    Vector3: Callable[..., Any]
    Quaternion: Callable[..., Any]
    Pose: Callable[..., Any]
    PoseWithCovariance: Callable[..., Any]
    Transform: Callable[..., Any]
    TransformStamped: Callable[..., Any]
    PointField: Callable[..., Any]  # sensor_msgs
    PointCloud2: Callable[..., Any]
    ObjectHypothesis: Callable[..., Any]  # vision_msgs
    ObjectHypothesisWithPose: Callable[..., Any]
    BoundingBox3D: Callable[..., Any]
    Detection3D: Callable[..., Any]
    Detection3DArray: Callable[..., Any]
    pack: Callable[[np.ndarray], Any]  # as in `MessageTypes`

    @classmethod
    def found(cls, find: Callable[[str], Callable[..., Any]], pack: Callable[[np.ndarray], Any]) -> "SpaceTypes":
        """Those that ``find`` gives for their full names, such as sensor_msgs/msg/PointCloud2."""
        packages = {
            "std_msgs": ("Header",),
            "geometry_msgs": (
                *("Point", "Vector3", "Quaternion", "Pose", "PoseWithCovariance"),
                *("Transform", "TransformStamped"),
            ),
            "sensor_msgs": ("PointField", "PointCloud2"),
            "vision_msgs": (
                *("ObjectHypothesis", "ObjectHypothesisWithPose", "BoundingBox3D"),
                *("Detection3D", "Detection3DArray"),
            ),
        }
        return cls(
            **{name: find(f"{package}/msg/{name}") for package, names in packages.items() for name in names}, pack=pack
        )


def detections_message(types: SpaceTypes, stamp: Any, placed: Placed, states: Sequence[ObjectState]) -> Any:
    """vision_msgs/Detection3DArray of the objects that have a place, by id; ``stamp``: the image's, as in its header.

    ``bbox`` is the box, the pose of the result the position with its covariance.
    """
    header = types.Header(stamp=stamp, frame_id=placed.frame_id)
    found = [
        detection_message(types, header, state.object_id, state.label, state.visibility, place)
        for state, place in _seen(placed, states)
    ]
    return types.Detection3DArray(header=header, detections=found)


def detection_message(types: SpaceTypes, header: Any, object_id: int, label: str, score: float, place: Place) -> Any:
    """vision_msgs/Detection3D of one object; its class is the label, or the id where it has none."""
    covariance = np.diag((0.0, 0.0, 0.0, *(ANY_DIRECTION,) * 3))
    covariance[:3, :3] = place.covariance
    box, pose = place.box, _pose(types, place.position, place.box.rotation)
    result = types.ObjectHypothesisWithPose(
        hypothesis=types.ObjectHypothesis(class_id=label or str(object_id), score=float(score)),
        pose=types.PoseWithCovariance(pose=pose, covariance=covariance.reshape(-1)),
    )
    bbox = types.BoundingBox3D(center=_pose(types, box.centre, box.rotation), size=types.Vector3(**_xyz(box.size)))
    return types.Detection3D(header=header, results=[result], bbox=bbox, id=str(object_id))


def cloud_message(
    types: SpaceTypes, stamp: Any, placed: Placed, states: Sequence[ObjectState], frame: np.ndarray
) -> Any:
    """sensor_msgs/PointCloud2 (x, y, z, rgb, id) of the objects that have a place: one after the other, by id.

    ``frame``: the image (H, W, 3) uint8 RGB, which gives the colours.
    """
    parts = [_points(state.object_id, place, frame, placed) for state, place in _seen(placed, states)]
    points = np.concatenate(parts) if parts else np.zeros(0, dtype=POINT)
    fields = [
        types.PointField(
            name=name, offset=int(POINT.fields[name][1]), datatype=UINT32 if name == "id" else FLOAT32, count=1
        )
        for name in POINT.names or ()
        if POINT.fields is not None
    ]
    return types.PointCloud2(
        header=types.Header(stamp=stamp, frame_id=placed.frame_id),
        height=1,
        width=len(points),
        fields=fields,
        is_bigendian=bool(BIG_ENDIAN),
        point_step=POINT.itemsize,
        row_step=POINT.itemsize * len(points),
        data=types.pack(points.view(np.uint8)),
        is_dense=True,
    )


def transform_messages(
    types: SpaceTypes, stamp: Any, placed: Placed, states: Sequence[ObjectState], by_label: bool
) -> list[Any]:
    """geometry_msgs/TransformStamped for each object that has a place: at its position, turned as its box.

    They are called sam2_object_ID; ``by_label``: the object's label instead, where it has one that no other object has.
    """
    header = types.Header(stamp=stamp, frame_id=placed.frame_id)
    names = _frame_names(states, by_label)
    return [
        transform_message(types, header, names[state.object_id], Transform(place.box.rotation, place.position))
        for state, place in _seen(placed, states)
    ]


def transform_message(types: SpaceTypes, header: Any, child: str, transform: Transform) -> Any:
    """geometry_msgs/TransformStamped from the frame ``child`` to that of the header."""
    moved = types.Transform(
        translation=types.Vector3(**_xyz(transform.translation)), rotation=_quaternion(types, transform.rotation)
    )
    return types.TransformStamped(header=header, child_frame_id=child, transform=moved)


def _seen(placed: Placed, states: Sequence[ObjectState]) -> Iterator[tuple[ObjectState, Place]]:
    for state in states:
        known = placed.objects.get(state.object_id)
        if known is not None and isinstance(known.place, Place):
            yield state, known.place


def _pose(types: SpaceTypes, position: np.ndarray, rotation: np.ndarray) -> Any:
    return types.Pose(position=types.Point(**_xyz(position)), orientation=_quaternion(types, rotation))


def _quaternion(types: SpaceTypes, rotation: np.ndarray) -> Any:
    x, y, z, w = quaternion_of(rotation).tolist()
    return types.Quaternion(x=x, y=y, z=z, w=w)


def _xyz(values: np.ndarray) -> dict[str, float]:
    x, y, z = values.tolist()
    return {"x": x, "y": y, "z": z}


def _points(object_id: int, place: Place, frame: np.ndarray, placed: Placed) -> np.ndarray:
    assert placed.located.view is not None  # there is a place
    width, height = placed.located.view.depth.size
    x = ((place.pixels[:, 0] + 0.5) * (frame.shape[1] / width)).astype(np.intp)
    y = ((place.pixels[:, 1] + 0.5) * (frame.shape[0] / height)).astype(np.intp)
    red, green, blue = frame[y, x].T.astype(np.uint32)
    points = np.empty(len(place.points), dtype=POINT)
    points["x"], points["y"], points["z"] = place.points.T
    points["rgb"] = red << 16 | green << 8 | blue
    points["id"] = object_id
    return points


def _frame_names(states: Sequence[ObjectState], by_label: bool) -> dict[int, str]:
    labels = [_frame_name(state.label) for state in states]
    return {
        state.object_id: label
        if by_label and label and labels.count(label) == 1
        else f"{FRAME_PREFIX}{state.object_id}"
        for state, label in zip(states, labels, strict=True)
    }


def _frame_name(label: str) -> str:
    return re.sub(r"\W+", "_", label).strip("_")
