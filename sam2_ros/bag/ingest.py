"""A folder of images, an image of several pages, an animation or a video to a bag with one camera topic."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from ..errors import BagError
from ..stream.messages import NS_PER_S
from . import definitions
from .names import CAMERA_TOPIC, DEFAULT_STORAGE
from .picture import Picture
from .sources import open_source
from .staging import check_free, staged
from .writer import bag_writer

FRAME_ID = "camera"
# Neither zero, which stands for no stamp, nor the time of day: the same pictures make the same bag.
START_NS = 1_000_000_000 * NS_PER_S
JPEG_QUALITY = 95
SLOWEST = 0.001  # frames per second; stamps of a bag end in the year 2106
TOPIC_NAME = re.compile(r"(/[A-Za-z_][A-Za-z0-9_]*)+")  # absolute, as a bag holds it


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """Which pictures become which bag."""

    source: Path  # folder of images, an image with pages, an animation, or a video
    output: Path
    fps: float | None = None  # None: the own times of a video or an animation, else 30
    topic: str = CAMERA_TOPIC
    compressed: bool = False  # jpeg instead of raw pixels, on TOPIC/compressed
    storage: str = DEFAULT_STORAGE  # or sqlite3
    progress: bool = True  # a bar, on a terminal

    @property
    def image_topic(self) -> str:
        """The topic that is written; compressed images go where image_transport looks for them."""
        is_named = not self.compressed or self.topic.endswith("/compressed")
        return self.topic if is_named else f"{self.topic}/compressed"


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """What was written."""

    frames: int
    topic: str
    output: Path


def ingest(request: IngestRequest) -> IngestSummary:
    """Write the pictures to a new bag; it appears whole at the end, or not at all. Raises BagError."""
    check_free(request.output)
    if request.fps is not None and not (math.isfinite(request.fps) and request.fps >= SLOWEST):
        raise BagError(f"the rate is {request.fps:g} frames per second; give more than 0, at least {SLOWEST:g}")
    if not TOPIC_NAME.fullmatch(request.topic):
        raise BagError(f"{request.topic!r} is no name of a topic; give one such as {CAMERA_TOPIC}")
    source = open_source(request.source)
    fps = source.fps if request.fps is None else request.fps
    topic = request.image_topic
    frames = 0
    with staged(request.output) as part, bag_writer(part, request.storage) as writer:
        writer.add_topic(topic, definitions.COMPRESSED_IMAGE if request.compressed else definitions.IMAGE)
        bar = tqdm(source.pictures(), total=source.count, unit=" frames", disable=None if request.progress else True)
        for index, picture in enumerate(bar):
            is_timed = request.fps is None and picture.time_ns is not None
            stamp_ns = START_NS + (picture.time_ns if is_timed else round(index * NS_PER_S / fps))
            writer.write(topic, stamp_ns, _message(picture, stamp_ns, request.compressed))
            frames += 1
    return IngestSummary(frames, topic, request.output)


def _message(picture: Picture, stamp_ns: int, compressed: bool) -> Any:
    """sensor_msgs/Image, bgr8, or sensor_msgs/CompressedImage, jpeg."""
    header = definitions.header(stamp_ns, FRAME_ID)
    if not compressed:
        return definitions.image("bgr8", picture.bgr, header)
    data = np.frombuffer(picture.jpeg, dtype=np.uint8) if picture.jpeg else _jpeg(picture.bgr)
    return definitions.message(definitions.COMPRESSED_IMAGE, header=header, format="jpeg", data=data)


def _jpeg(bgr: np.ndarray) -> np.ndarray:
    encoded, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not encoded:
        raise BagError(f"an image of {bgr.shape[1]}x{bgr.shape[0]} pixels cannot be jpeg; leave out --compressed")
    return data.reshape(-1)
