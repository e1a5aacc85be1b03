"""The message definitions that bags are read and written by, and the classes that rosbags makes of them."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from ..errors import BagError
from ..space.camera import PinholeCamera
from ..stream.messages import MessageTypes, time_message
from ..stream.space_messages import SpaceTypes

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage"
PROMPT_ARRAY = "sam2_ros/msg/PromptArray"
TRACKED_OBJECT_ARRAY = "sam2_ros/msg/TrackedObjectArray"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
DETECTION_3D_ARRAY = "vision_msgs/msg/Detection3DArray"
POINT_CLOUD = "sensor_msgs/msg/PointCloud2"
TF_MESSAGE = "tf2_msgs/msg/TFMessage"

# What is used of vision_msgs (4, of Humble and later), which is not among the common messages.
VISION_MSGS = {
    "vision_msgs/msg/Point2D": "float64 x\nfloat64 y",
    "vision_msgs/msg/Pose2D": "vision_msgs/Point2D position\nfloat64 theta",
    "vision_msgs/msg/BoundingBox2D": "vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y",
    "vision_msgs/msg/BoundingBox3D": "geometry_msgs/Pose center\ngeometry_msgs/Vector3 size",
    "vision_msgs/msg/ObjectHypothesis": "string class_id\nfloat64 score",
    "vision_msgs/msg/ObjectHypothesisWithPose": (
        "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose"
    ),
    "vision_msgs/msg/Detection3D": (
        "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
        "vision_msgs/BoundingBox3D bbox\nstring id"
    ),
    "vision_msgs/msg/Detection3DArray": "std_msgs/Header header\nvision_msgs/Detection3D[] detections",
}

_MODULES = Path(__file__).absolute().parents[1]  # the folder of the package sam2_ros


def definitions_folder(modules: Path = _MODULES) -> Path:
    """Where our .msg files are: with a pip install, in a source checkout, or with a colcon install. Raises BagError.

    ``modules``: the folder of the package sam2_ros.
    """
    places = [modules / "definitions", modules.parent / "msg"]
    places += [prefix / "share" / "sam2_ros" / "msg" for prefix in modules.parents]
    for place in places:
        if (place / "PromptArray.msg").is_file():
            return place
    raise BagError(f"the message definitions of sam2_ros are not installed beside {modules}; install the package again")


def new_typestore() -> Typestore:
    """A typestore with the common messages, ours and what those use."""
    # Of the supported releases the oldest: the common messages have not changed since.
    store = get_typestore(Stores.ROS2_HUMBLE)
    for name, text in VISION_MSGS.items():
        store.register(get_types_from_msg(text, name))
    for file in sorted(definitions_folder().glob("*.msg")):
        store.register(get_types_from_msg(file.read_text(encoding="utf-8"), f"sam2_ros/msg/{file.stem}"))
    return store


@cache
def typestore() -> Typestore:
    """The typestore that this package reads and writes by; not to be changed."""
    return new_typestore()


def message(type_name: str, **fields: Any) -> Any:
    """A message of a type such as ``sam2_ros/msg/Prompt``; every field has to be given."""
    return typestore().types[type_name](**fields)


def header(stamp_ns: int, frame_id: str = "") -> Any:
    """std_msgs/Header; stamp in nanoseconds."""
    return message("std_msgs/msg/Header", stamp=time_message(message_types(), stamp_ns), frame_id=frame_id)


def image(encoding: str, pixels: np.ndarray, head: Any) -> Any:
    """sensor_msgs/Image of pixels (H, W) or (H, W, C), little-endian; ``head``: its std_msgs/Header."""
    height, width = pixels.shape[:2]
    return message(
        IMAGE,
        header=head,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=pixels.nbytes // height if height else 0,
        data=_flat(np.ascontiguousarray(pixels).view(np.uint8)),
    )


def camera_info(head: Any, camera: PinholeCamera) -> Any:
    """sensor_msgs/CameraInfo of a camera without distortion; ``head``: its std_msgs/Header."""
    k = camera.matrix
    p = np.column_stack((k, np.zeros(3)))
    region = dict.fromkeys(("x_offset", "y_offset", "height", "width"), 0)
    return message(
        CAMERA_INFO,
        header=head,
        height=camera.height,
        width=camera.width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=k.reshape(-1),
        r=np.eye(3).reshape(-1),
        p=p.reshape(-1),
        binning_x=0,
        binning_y=0,
        roi=message("sensor_msgs/msg/RegionOfInterest", **region, do_rectify=False),
    )


def transforms(found: list[Any]) -> Any:
    """tf2_msgs/TFMessage of geometry_msgs/TransformStamped."""
    return message(TF_MESSAGE, transforms=found)


@cache
def message_types() -> MessageTypes:
    """The classes of outgoing messages."""
    return MessageTypes.found(typestore().types.__getitem__, _flat)


@cache
def space_types() -> SpaceTypes:
    """The classes of outgoing messages about space."""
    return SpaceTypes.found(typestore().types.__getitem__, _flat)


def _flat(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(-1)
