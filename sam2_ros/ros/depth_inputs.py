"""What the node subscribes to in order to say where objects are."""

from typing import Any

from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from ..stream.places import Locator
from .reliability import wanted_reliability
from .steady import steady_timer

QUEUE = 5
PERIOD = 1.0  # seconds between two looks at what publishers offer


class DepthInputs:
    """Depth and camera model, from their subscriptions to a locator."""

    def __init__(self, node: Any, locator: Locator, transport: str, reliability: str) -> None:
        """``transport``: raw or compressedDepth; ``reliability``: as of the image."""
        self._node, self._choice = node, reliability
        base = node.resolve_topic_name("depth")
        raw = transport == "raw"
        self.topic: str = base if raw else node.resolve_topic_name(f"{base}/{transport}")
        self._kind, self._put = Image if raw else CompressedImage, locator.ring.put
        self._depth = self._subscribe(wanted_reliability(node, self.topic, self._choice))
        qos = QoSProfile(depth=QUEUE, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._info = node.create_subscription(CameraInfo, "camera_info", locator.put_camera_info, qos)
        self._timer = steady_timer(node, PERIOD, self._follow)

    @property
    def info_topic(self) -> str:
        """Where the camera model comes from."""
        return str(self._info.topic_name)

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_timer(self._timer)
        for subscription in (self._depth, self._info):
            self._node.destroy_subscription(subscription)

    def _follow(self) -> None:
        """Subscribe to depth as its publishers offer it now."""
        wanted = wanted_reliability(self._node, self.topic, self._choice)
        if wanted != self._reliability:
            self._node.destroy_subscription(self._depth)
            self._depth = self._subscribe(wanted)

    def _subscribe(self, reliability: ReliabilityPolicy) -> Subscription:
        self._reliability = reliability
        qos = QoSProfile(depth=QUEUE, reliability=reliability)
        return self._node.create_subscription(self._kind, self.topic, self._put, qos)
