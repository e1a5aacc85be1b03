"""Small bags for tests, written by rosbags itself, and what is read back from bags."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Reader, StoragePlugin, Writer

from sam2_ros.bag import definitions
from sam2_ros.stream.boxes import box_message

SECOND = 1_000_000_000
FIRST_STAMP_NS = 100 * SECOND
STEP_NS = SECOND // 10
DELAY_NS = 7_000_000  # from an image's stamp to its recording
HEIGHT, WIDTH = 48, 64
STORAGES = ("mcap", "sqlite3")


@dataclass(frozen=True)
class Message:
    """One message of a bag."""

    topic: str
    time_ns: int
    type: str
    content: Any


def stamp_of(index: int) -> int:
    return FIRST_STAMP_NS + index * STEP_NS


def picture(index: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """(H, W, 3) uint8: a bright block that moves over noise."""
    pixels = np.random.default_rng(7).integers(0, 90, (height, width, 3), dtype=np.uint8)
    pixels[10:30, 8 + 2 * index : 28 + 2 * index] = (250, 200, 40)
    return pixels


def image(
    index: int, topic: str = "/camera/image", encoding: str = "rgb8", pixels: np.ndarray | None = None
) -> Message:
    header = definitions.header(stamp_of(index), "eye")
    content = definitions.image(encoding, picture(index) if pixels is None else pixels, header)
    return Message(topic, stamp_of(index) + DELAY_NS, definitions.IMAGE, content)


def compressed(index: int, topic: str = "/camera/image/compressed") -> Message:
    data = cv2.imencode(".png", picture(index)[..., ::-1])[1].reshape(-1)
    header = definitions.header(stamp_of(index), "eye")
    content = definitions.message(definitions.COMPRESSED_IMAGE, header=header, format="rgb8; png", data=data)
    return Message(topic, stamp_of(index) + DELAY_NS, definitions.COMPRESSED_IMAGE, content)


def box_prompt(object_id: int = 1, box: tuple[float, ...] = (8, 10, 28, 30), action: int = 0) -> Any:
    return definitions.message(
        "sam2_ros/msg/Prompt",
        object_id=object_id,
        label="block",
        action=action,
        points=[],
        point_labels=np.zeros(0, dtype=np.uint8),
        has_box=True,
        box=box_message(definitions.message_types(), box),
        mask=definitions.image("", np.zeros((0, 0), dtype=np.uint8), definitions.header(0)),
    )


def prompts(stamp_ns: int, time_ns: int, *items: Any, topic: str = "/prompts") -> Message:
    header = definitions.header(stamp_ns)
    content = definitions.message(definitions.PROMPT_ARRAY, header=header, prompts=list(items or [box_prompt()]))
    return Message(topic, time_ns, definitions.PROMPT_ARRAY, content)


def text(time_ns: int) -> Message:
    return Message("/chatter", time_ns, "std_msgs/msg/String", definitions.message("std_msgs/msg/String", data="hello"))


def write_bag(path: Path, messages: list[Message], storage: str = "mcap", topics: tuple[Message, ...] = ()) -> Path:
    """A bag of these messages; ``topics``: messages whose topics are announced without a message."""
    store = definitions.typestore()
    with Writer(path, version=8, storage_plugin=StoragePlugin[storage.upper()]) as writer:
        connections = {
            message.topic: writer.add_connection(message.topic, message.type, typestore=store)
            for message in {m.topic: m for m in [*messages, *topics]}.values()
        }
        for message in messages:
            data = message.content
            if not isinstance(data, bytes):
                data = store.serialize_cdr(data, message.type)
            writer.write(connections[message.topic], message.time_ns, data)
    return path


def camera_bag(path: Path, frames: int = 4, storage: str = "mcap", *more: Message) -> Path:
    """A bag of raw images and other messages, in the order of recording."""
    messages = [*(image(index) for index in range(frames)), *more]
    return write_bag(path, sorted(messages, key=lambda message: message.time_ns), storage)


def read_bag(path: Path) -> list[Message]:
    """Every message of a bag, decoded by nothing but the definitions inside it."""
    with AnyReader([path]) as reader:
        return [
            Message(connection.topic, time_ns, connection.msgtype, reader.deserialize(data, connection.msgtype))
            for connection, time_ns, data in reader.messages()
        ]


def raw(path: Path, topic: str) -> list[bytes]:
    """The serialised messages of a topic."""
    with Reader(path) as reader:
        return [bytes(data) for connection, _, data in reader.messages() if connection.topic == topic]


def header_of(content: Any) -> tuple[int, int, str]:
    return content.header.stamp.sec, content.header.stamp.nanosec, content.header.frame_id


def on_topic(messages: list[Message], topic: str) -> list[Message]:
    return [message for message in messages if message.topic == topic]


def stamp_of_header(content: Any) -> int:
    return int(content.header.stamp.sec) * SECOND + int(content.header.stamp.nanosec)


def label_images(messages: list[Message]) -> list[np.ndarray]:
    """The label images (H, W) of a bag in their order."""
    return [
        message.content.data.reshape(message.content.height, message.content.width)
        for message in on_topic(messages, "/sam2_tracker/masks")
    ]
