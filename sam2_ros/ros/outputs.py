"""What the node publishes, made only when somebody listens."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesisWithPose,
    VisionClass,
)

from sam2_ros.msg import TrackedObjectArray

from ..drawing.boxes_3d import draw_boxes
from ..drawing.overlay import draw
from ..stream.boxes import around, box_message
from ..stream.messages import masks_message, objects_message, overlay_message
from ..stream.pipeline import Processed
from ..stream.places import Located, Placed
from ..tracking.result import ObjectState
from .types import TYPES

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class PublisherMaker(Protocol):
    """A lifecycle node."""

    def create_lifecycle_publisher(self, *arguments: Any, **options: Any) -> Publisher:
        """A publisher that is silent unless the node is active."""


class Outputs:
    """The node's publishers."""

    def __init__(self, node: PublisherMaker, crop_masks: bool) -> None:
        self.crop_masks = crop_masks
        self._masks = offer(node, Image, "~/masks", QoSProfile(depth=5))
        self._objects = offer(node, TrackedObjectArray, "~/objects", QoSProfile(depth=10))
        self._overlay = offer(node, Image, "~/overlay", QoSProfile(depth=5))
        self._detections = offer(node, Detection2DArray, "~/detections", QoSProfile(depth=10))
        self._label_info = offer(node, LabelInfo, "~/label_info", LATCHED)
        self._labels: tuple[tuple[int, str], ...] | None = None  # last published

    @property
    def publishers(self) -> tuple[Publisher, ...]:
        """All of them."""
        return (self._masks, self._objects, self._overlay, self._detections, self._label_info)

    @property
    def shows_places(self) -> bool:
        """Whether somebody listens to what tells where objects are in space, too."""
        return self._objects.get_subscription_count() + self._overlay.get_subscription_count() > 0

    def publish(self, processed: Processed, located: Located | None = None) -> None:
        """Everything of one image that somebody wants.

        ``located``: where the objects are in space; then ~/objects is left to whoever publishes that.
        """
        header, result = processed.header, processed.result
        if self._masks.get_subscription_count():
            self._masks.publish(masks_message(TYPES, header, result))
        if located is None:
            self.publish_objects(processed)
        if self._detections.get_subscription_count():
            self._detections.publish(_detections(header, result.objects))
        if self._overlay.get_subscription_count():
            self._overlay.publish(overlay_message(TYPES, header, _picture(processed, located)))
        labels = tuple((state.object_id, state.label) for state in result.objects)
        if labels != self._labels:  # latched: whoever comes later gets it too
            self._label_info.publish(_label_info(header, labels))
            self._labels = labels

    def publish_objects(self, processed: Processed, placed: Placed | None = None) -> None:
        """~/objects, if somebody wants it; ``placed``: with where they are in space."""
        if self._objects.get_subscription_count():
            latency = processed.processing_latency
            message = objects_message(TYPES, processed.header, processed.result, latency, self.crop_masks, placed)
            self._objects.publish(message)


def offer(node: PublisherMaker, message: Any, topic: str, qos: QoSProfile) -> Publisher:
    """A publisher whose quality of service can be overridden."""
    return node.create_lifecycle_publisher(
        message, topic, qos, qos_overriding_options=QoSOverridingOptions.with_default_policies()
    )


def _picture(processed: Processed, located: Located | None) -> np.ndarray:
    picture = draw(processed.frame, processed.result)
    if located is not None and located.view is not None:
        draw_boxes(picture, located.places, located.view.camera)
    return picture


def _detections(header: Header, states: Sequence[ObjectState]) -> Detection2DArray:
    """The visible objects as vision_msgs/Detection2DArray: class is the label, or the id; score the visibility."""
    seen = [_detection(header, state, state.box) for state in states if state.visible and state.box is not None]
    return Detection2DArray(header=header, detections=seen)


def _detection(header: Header, state: ObjectState, corners: tuple[int, int, int, int]) -> Detection2D:
    result = ObjectHypothesisWithPose()
    result.hypothesis.class_id = state.label or str(state.object_id)
    result.hypothesis.score = state.visibility
    bbox = box_message(TYPES, around(corners))
    return Detection2D(header=header, results=[result], bbox=bbox, id=str(state.object_id))


def _label_info(header: Header, labels: Sequence[tuple[int, str]]) -> LabelInfo:
    classes = [VisionClass(class_id=object_id, class_name=label or str(object_id)) for object_id, label in labels]
    return LabelInfo(header=header, class_map=classes)
