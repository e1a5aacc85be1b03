"""What the node publishes, made only when somebody listens."""

from collections.abc import Sequence
from typing import Any, Protocol

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

from ..drawing.overlay import draw
from ..stream.boxes import around, box_message
from ..stream.messages import masks_message, objects_message, overlay_message
from ..stream.pipeline import Processed
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
        self._masks = _offer(node, Image, "~/masks", QoSProfile(depth=5))
        self._objects = _offer(node, TrackedObjectArray, "~/objects", QoSProfile(depth=10))
        self._overlay = _offer(node, Image, "~/overlay", QoSProfile(depth=5))
        self._detections = _offer(node, Detection2DArray, "~/detections", QoSProfile(depth=10))
        self._label_info = _offer(node, LabelInfo, "~/label_info", LATCHED)
        self._labels: tuple[tuple[int, str], ...] | None = None  # last published

    @property
    def publishers(self) -> tuple[Publisher, ...]:
        """All of them."""
        return (self._masks, self._objects, self._overlay, self._detections, self._label_info)

    def publish(self, processed: Processed) -> None:
        """Everything of one image that somebody wants."""
        header, result = processed.header, processed.result
        if self._masks.get_subscription_count():
            self._masks.publish(masks_message(TYPES, header, result))
        if self._objects.get_subscription_count():
            latency = processed.processing_latency
            self._objects.publish(objects_message(TYPES, header, result, latency, self.crop_masks))
        if self._detections.get_subscription_count():
            self._detections.publish(_detections(header, result.objects))
        if self._overlay.get_subscription_count():
            self._overlay.publish(overlay_message(TYPES, header, draw(processed.frame, result)))
        labels = tuple((state.object_id, state.label) for state in result.objects)
        if labels != self._labels:  # latched: whoever comes later gets it too
            self._label_info.publish(_label_info(header, labels))
            self._labels = labels


def _offer(node: PublisherMaker, message: Any, topic: str, qos: QoSProfile) -> Publisher:
    return node.create_lifecycle_publisher(
        message, topic, qos, qos_overriding_options=QoSOverridingOptions.with_default_policies()
    )


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
