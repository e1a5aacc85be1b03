"""The bag that a replay writes, under the topic names of the live node."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..stream.messages import masks_message, objects_message, overlay_message
from ..stream.pipeline import Processed
from ..stream.places import Placed
from ..stream.space_messages import cloud_message, detections_message, transform_messages
from .definitions import (
    DETECTION_3D_ARRAY,
    IMAGE,
    POINT_CLOUD,
    PROMPT_ARRAY,
    TF_MESSAGE,
    TRACKED_OBJECT_ARRAY,
    message_types,
    space_types,
    transforms,
)
from .names import DETECTIONS_3D_TOPIC, MASKS_TOPIC, OBJECTS_TOPIC, OVERLAY_TOPIC, POINTS_TOPIC, TF_TOPIC
from .reader import Recorded, Topic
from .writer import BagWriter


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """What goes into the bag besides results and prompts."""

    image_topic: Topic
    prompts_topic: str
    keep_images: bool
    overlay: bool
    space: "SpaceOptions | None" = None  # None: nothing about where objects are


@dataclass(frozen=True, slots=True)
class SpaceOptions:
    """What of space goes into the bag besides detections."""

    inputs: Sequence[Topic]  # copied like the images
    points: bool
    object_frames: bool


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
        if options.space is not None:
            for topic, kind in _space_topics(options.space, options.keep_images).items():
                writer.add_topic(topic, kind)

    @property
    def has_overlay(self) -> bool:
        """Whether `result` takes a picture."""
        return self._options.overlay

    def prompts(self, time_ns: int, message: Any) -> None:
        """Write a sam2_ros/PromptArray."""
        self._writer.write(self._options.prompts_topic, time_ns, message)

    def image(self, recorded: Recorded) -> None:
        """Copy an image, or what says where things in it are, as it lies in the input bag."""
        if self._options.keep_images:
            self._writer.copy(recorded.topic.name, recorded.time_ns, recorded.data)

    def result(
        self, time_ns: int, processed: Processed, picture: np.ndarray | None, placed: Placed | None = None
    ) -> None:
        """Write what the tracker found; ``picture``: the overlay (H, W, 3) uint8 RGB, ``placed``: where it is."""
        types, header = message_types(), processed.header
        self._writer.write(MASKS_TOPIC, time_ns, masks_message(types, header, processed.result))
        latency = processed.processing_latency
        objects = objects_message(types, header, processed.result, latency, False, placed)
        self._writer.write(OBJECTS_TOPIC, time_ns, objects)
        if self._options.overlay and picture is not None:
            self._writer.write(OVERLAY_TOPIC, time_ns, overlay_message(types, header, picture))
        if placed is not None and self._options.space is not None:
            self._space(time_ns, processed, placed, self._options.space)

    def _space(self, time_ns: int, processed: Processed, placed: Placed, options: SpaceOptions) -> None:
        types, stamp, states = space_types(), processed.header.stamp, processed.result.objects
        self._writer.write(DETECTIONS_3D_TOPIC, time_ns, detections_message(types, stamp, placed, states))
        if options.points:
            self._writer.write(POINTS_TOPIC, time_ns, cloud_message(types, stamp, placed, states, processed.frame))
        if options.object_frames:
            frames = transform_messages(types, stamp, placed, states, by_label=False)
            self._writer.write(TF_TOPIC, time_ns, transforms(frames))


def _space_topics(options: SpaceOptions, keep_inputs: bool) -> dict[str, str]:
    """Types by the names of topics."""
    topics = {topic.name: topic.type for topic in options.inputs if keep_inputs}
    topics[DETECTIONS_3D_TOPIC] = DETECTION_3D_ARRAY
    topics |= {POINTS_TOPIC: POINT_CLOUD} if options.points else {}
    return topics | ({TF_TOPIC: TF_MESSAGE} if options.object_frames else {})
