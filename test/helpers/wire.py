"""Messages as they travel: made by the installed definitions, through real serialisation."""

from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from helpers import CHECKOUT
from sam2_ros.stream.messages import MessageTypes

DEFINITIONS = CHECKOUT / "msg"
HEIGHT, WIDTH = 6, 8
PADDINGS = (0, 5)


def make_store() -> Any:
    store = get_typestore(Stores.ROS2_JAZZY)
    types: dict[str, Any] = {}
    for path in DEFINITIONS.glob("*.msg"):
        types |= get_types_from_msg(path.read_text(encoding="utf-8"), f"sam2_ros/msg/{path.stem}")
    store.register(types)
    return store


STORE = make_store()


def kind(name: str) -> Any:
    return STORE.types[name]


TYPES = MessageTypes(
    Time=kind("builtin_interfaces/msg/Time"),
    Image=kind("sensor_msgs/msg/Image"),
    Point2D=kind("sam2_ros/msg/Point2D"),
    BoundingBox2D=kind("sam2_ros/msg/BoundingBox2D"),
    TrackedObject=kind("sam2_ros/msg/TrackedObject"),
    TrackedObjectArray=kind("sam2_ros/msg/TrackedObjectArray"),
    pack=lambda pixels: pixels.reshape(-1),
)
HEADER = kind("std_msgs/msg/Header")(stamp=TYPES.Time(sec=12, nanosec=34), frame_id="camera")


def through_the_wire(message: Any) -> Any:
    """What a subscriber gets."""
    name = message.__msgtype__
    return STORE.deserialize_cdr(STORE.serialize_cdr(message, name), name)


def make_image(encoding: str, pixels: np.ndarray, padding: int = 0, **fields: Any) -> Any:
    """Image message of pixels (H, W) or (H, W, C), each row followed by padding bytes of noise."""
    rows = pixels.reshape(pixels.shape[0], pixels.size // max(1, pixels.shape[0]))
    noise = np.full((rows.shape[0], padding), 123, dtype=np.uint8)
    values = {
        "header": HEADER,
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "encoding": encoding,
        "is_bigendian": 0,
        "step": rows.shape[1] + padding,
        "data": np.concatenate((rows, noise), axis=1).reshape(-1),
    }
    return TYPES.Image(**(values | fields))


def random_pixels(channels: int, width: int = WIDTH) -> np.ndarray:
    shape = (HEIGHT, width) if channels == 1 else (HEIGHT, width, channels)
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
