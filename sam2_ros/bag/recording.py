"""The bag that a replay writes, under the topic names of the live node."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..stream.messages import masks_message, objects_message, overlay_message
from ..stream.pipeline import Processed
from .definitions import IMAGE, PROMPT_ARRAY, TRACKED_OBJECT_ARRAY, message_types
from .names import MASKS_TOPIC, OBJECTS_TOPIC, OVERLAY_TOPIC
from .reader import Recorded, Topic
from .writer import BagWriter


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """What goes into the bag besides results and prompts."""

    image_topic: Topic
    prompts_topic: str
    keep_images: bool
    overlay: bool


class Recording:
    """Writes prompts, images and results; results at the time at which their image was recorded.

    Replaying the bag gives the same results: prompts lie right before the image that they were applied to.
    """

    def __init__(self, writer: BagWriter, options: RecordingOptions) -> None:
        self._writer = writer
        self._options = options
        writer.add_topic(options.prompts_topic, PROMPT_ARRAY)
        if options.keep_images:
            writer.add_topic(options.image_topic.name, options.image_topic.type)
        writer.add_topic(MASKS_TOPIC, IMAGE)
        writer.add_topic(OBJECTS_TOPIC, TRACKED_OBJECT_ARRAY)
        if options.overlay:
            writer.add_topic(OVERLAY_TOPIC, IMAGE)

    @property
    def has_overlay(self) -> bool:
        """Whether `result` takes a picture."""
        return self._options.overlay

    def prompts(self, time_ns: int, message: Any) -> None:
        """Write a sam2_ros/PromptArray."""
        self._writer.write(self._options.prompts_topic, time_ns, message)

    def image(self, recorded: Recorded) -> None:
        """Copy an image as it lies in the input bag."""
        if self._options.keep_images:
            self._writer.copy(recorded.topic.name, recorded.time_ns, recorded.data)

    def result(self, time_ns: int, processed: Processed, picture: np.ndarray | None) -> None:
        """Write what the tracker found; ``picture``: the overlay (H, W, 3) uint8 RGB."""
        types, header = message_types(), processed.header
        self._writer.write(MASKS_TOPIC, time_ns, masks_message(types, header, processed.result))
        latency = processed.processing_latency
        objects = objects_message(types, header, processed.result, latency, cropped_masks=False)
        self._writer.write(OBJECTS_TOPIC, time_ns, objects)
        if self._options.overlay and picture is not None:
            self._writer.write(OVERLAY_TOPIC, time_ns, overlay_message(types, header, picture))
