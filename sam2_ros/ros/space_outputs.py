"""What the node publishes of where objects are, made only when somebody listens."""

from typing import Any

from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from sensor_msgs.msg import PointCloud2
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray

from ..config import SpaceNodeConfig
from ..stream.pipeline import Processed
from ..stream.places import Placed
from ..stream.space_messages import cloud_message, detections_message, transform_messages
from .outputs import offer
from .types import SPACE_TYPES

TF_QUEUE = 100  # as tf2's own broadcasters


class SpaceOutputs:
    """Publishers about space."""

    def __init__(self, node: Any, config: SpaceNodeConfig) -> None:
        self._node, self._by_label = node, config.tf_names == "label"
        self._detections = offer(node, Detection3DArray, "~/detections_3d", QoSProfile(depth=10))
        self._points = offer(node, PointCloud2, "~/points", QoSProfile(depth=5))
        self._tf = offer(node, TFMessage, "/tf", QoSProfile(depth=TF_QUEUE)) if config.publish_tf else None

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        listeners = self._detections.get_subscription_count() + self._points.get_subscription_count()
        return self._tf is not None or listeners > 0

    def publish(self, processed: Processed, placed: Placed) -> None:
        """Everything of one image that somebody wants."""
        stamp, states = processed.header.stamp, processed.result.objects
        if self._detections.get_subscription_count():
            self._detections.publish(detections_message(SPACE_TYPES, stamp, placed, states))
        if self._points.get_subscription_count():
            self._points.publish(cloud_message(SPACE_TYPES, stamp, placed, states, processed.frame))
        if self._tf is not None:
            frames = transform_messages(SPACE_TYPES, stamp, placed, states, self._by_label)
            self._tf.publish(TFMessage(transforms=frames))

    def close(self) -> None:
        """Let go of the publishers."""
        publishers: tuple[Publisher | None, ...] = (self._detections, self._points, self._tf)
        for publisher in publishers:
            if publisher is not None:
                self._node.destroy_lifecycle_publisher(publisher)
