"""Images with their label images from a bag."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sam2_ros.bag.reader import BagReader
from sam2_ros.bag.topics import image_topic
from sam2_ros.stream.messages import stamp_ns
from sam2_ros.stream.pixels import to_rgb

from .config import BagData, TrainingError

ENCODINGS = ("mono8", "8UC1")


def labelled_frames(data: BagData) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of image (H, W, 3) uint8 RGB and labels (H, W) uint8 with equal stamps, in the order of their stamps.

    Images without labels are left out. Raises TrainingError, BagError, ImageError.
    """
    found = False
    with BagReader(Path(data.bag).expanduser()) as bag:
        truths = _messages(bag, data.labels)
        truth = next(truths, None)
        for image in _messages(bag, data.images):
            while truth is not None and stamp_ns(truth.header.stamp) < stamp_ns(image.header.stamp):
                truth = next(truths, None)
            if truth is not None and stamp_ns(truth.header.stamp) == stamp_ns(image.header.stamp):
                found = True
                yield to_rgb(image), _labels(truth, data)
    if not found:
        raise TrainingError(
            f"{data.bag} has no image on {data.images} with the stamp of one on {data.labels}; give label images the "
            "headers of their images"
        )


def _messages(bag: BagReader, name: str) -> Iterator[Any]:
    topic = image_topic(bag, name)
    return (bag.decode(recorded) for recorded in bag.messages(topic, bag.span()))


def _labels(message: Any, data: BagData) -> np.ndarray:
    if message.encoding not in ENCODINGS:
        raise TrainingError(f"{data.labels} of {data.bag} is {message.encoding}; label images have to be mono8")
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    labels: np.ndarray = rows[:, : message.width]
    return labels
