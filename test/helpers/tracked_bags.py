"""Bags of results and of ground truth, made by hand of label images: what a tracker would have written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from helpers.bags import DELAY_NS, Message, stamp_of, write_bag
from sam2_ros.bag import definitions
from sam2_ros.stream.boxes import box_message
from sam2_ros.stream.messages import image_message, nowhere

TRUTH = "/ground_truth/masks"
MASKS = "/sam2_tracker/masks"
OBJECTS = "/sam2_tracker/objects"


@dataclass(frozen=True)
class Said:
    """What the made-up tracker says of an object."""

    object_id: int
    visible: bool = True
    visibility: float = 0.9
    mask_score: float = 0.8
    label: str = ""


def label_message(
    index: int, pixels: np.ndarray, topic: str = TRUTH, encoding: str = "mono8", late_ns: int = 0
) -> Message:
    """Label image of image number ``index``; its stamp is ``late_ns`` later than the image's."""
    header = definitions.header(stamp_of(index) + late_ns, "eye")
    content = image_message(definitions.message_types(), header, encoding, pixels)
    return Message(topic, stamp_of(index) + DELAY_NS + late_ns, definitions.IMAGE, content)


def png_message(index: int, pixels: np.ndarray, topic: str = TRUTH) -> Message:
    data = cv2.imencode(".png", pixels)[1].reshape(-1)
    header = definitions.header(stamp_of(index), "eye")
    content = definitions.message(definitions.COMPRESSED_IMAGE, header=header, format="mono16; png", data=data)
    return Message(topic, stamp_of(index) + DELAY_NS, definitions.COMPRESSED_IMAGE, content)


def results(
    index: int, pixels: np.ndarray, said: Sequence[Said] | None = None, latency_s: float = 0.02
) -> list[Message]:
    """Masks and objects of image number ``index``; by default every object with a pixel is said to be visible."""
    if said is None:
        said = [Said(int(object_id)) for object_id in np.unique(pixels) if object_id]
    header = definitions.header(stamp_of(index), "eye")
    time_ns = stamp_of(index) + DELAY_NS
    array = definitions.message(
        definitions.TRACKED_OBJECT_ARRAY,
        header=header,
        image_width=pixels.shape[1],
        image_height=pixels.shape[0],
        objects=[_object(each) for each in said],
        processing_latency=latency_s,
        position_frame="",
    )
    return [label_message(index, pixels, MASKS), Message(OBJECTS, time_ns, definitions.TRACKED_OBJECT_ARRAY, array)]


def _object(said: Said) -> Any:
    zero = definitions.header(0)
    return definitions.message(
        "sam2_ros/msg/TrackedObject",
        id=said.object_id,
        label=said.label,
        state=0 if said.visible else 2,
        visible=said.visible,
        object_score=0.0,
        visibility=said.visibility,
        mask_score=said.mask_score,
        box=box_message(definitions.message_types(), None),
        area=0,
        centroid=definitions.message_types().Point2D(x=0.0, y=0.0),
        first_seen=zero.stamp,
        last_seen=zero.stamp,
        frames_since_seen=0,
        remembered=said.visible,
        anchor=False,
        memory_note="" if said.visible else "it is absent",
        attended=np.array([1, 2], np.uint32),
        mask=definitions.image("", np.zeros((0, 0), dtype=np.uint8), zero),
        mask_x_offset=0,
        mask_y_offset=0,
        **nowhere(definitions.message_types()),
    )


def truth_bag(path: Path, labels: Sequence[np.ndarray], late_ns: int = 0) -> Path:
    """A bag of ground truth alone."""
    return write_bag(path, [label_message(index, pixels, late_ns=late_ns) for index, pixels in enumerate(labels)])


def results_bag(path: Path, labels: Sequence[np.ndarray], latency_s: float = 0.02) -> Path:
    """A bag of results alone."""
    messages = [results(index, pixels, latency_s=latency_s) for index, pixels in enumerate(labels)]
    return write_bag(path, [message for both in messages for message in both])


def block(x: int, y: int = 10, object_id: int = 1, size: int = 10, pixels: np.ndarray | None = None) -> np.ndarray:
    """(48, 64) uint8: a square of an object, on top of what is there already."""
    pixels = np.zeros((48, 64), np.uint8) if pixels is None else pixels.copy()
    pixels[y : y + size, x : x + size] = object_id
    return pixels


def write_pngs(folder: Path, frames: "dict[str, np.ndarray]") -> Path:
    """Label images with a palette, as DAVIS has them, by the name of the frame."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, pixels in frames.items():
        picture = Image.fromarray(pixels.astype(np.uint8), mode="P")
        picture.putpalette([value for index in range(256) for value in (index, 255 - index, 7 * index % 256)])
        picture.save(folder / f"{stem}.png")
    return folder
