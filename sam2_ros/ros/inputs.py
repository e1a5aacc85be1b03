"""What the node subscribes to while it is active."""

from typing import Any

from geometry_msgs.msg import Point, PointStamped
from rclpy.qos import QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray

from sam2_ros.msg import PromptArray

from ..config import NodeConfig
from ..errors import PromptError
from ..stream.association import Associator
from ..stream.pointing import click_from, detections_from
from .mailbox import Mailbox
from .reliability import wanted_reliability

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # ROS 2 Humble
    from rclpy.qos_event import SubscriptionEventCallbacks


class Inputs:
    """Subscriptions that put everything into a mailbox."""

    def __init__(self, node: Any, mailbox: Mailbox, associator: Associator, config: NodeConfig) -> None:
        self._node = node
        self._mailbox = mailbox
        self._reliability_choice = config.image_reliability
        raw = config.image_transport == "raw"
        self._kind = Image if raw else CompressedImage
        # Beside the image, wherever that was led to, as image_transport has it.
        base = node.resolve_topic_name("image")
        self.image_topic: str = base if raw else node.resolve_topic_name(f"{base}/compressed")
        self._image = self._subscribe_images(self._wanted())
        self._others = [
            self._subscribe(kind, topic, callback, QoSProfile(depth=depth))
            for kind, topic, callback, depth in (
                (PromptArray, "prompts", mailbox.put_prompts, 100),
                (
                    Detection2DArray,
                    "detections",
                    lambda message: self._put_detections(message, associator),
                    10,
                ),
                (PointStamped, "click", lambda message: mailbox.put_pointing(click_from(message)), 10),
                (Point, "click_point", lambda message: mailbox.put_pointing(click_from(message)), 10),
            )
        ]

    def follow_publishers(self) -> None:
        """Subscribe to images as their publishers offer them now."""
        wanted = self._wanted()
        if wanted != self._reliability:
            self._node.destroy_subscription(self._image)
            self._image = self._subscribe_images(wanted)

    def publishers_of_images(self) -> list[Any]:
        """What the graph knows of the publishers of the image topic."""
        offered: list[Any] = self._node.get_publishers_info_by_topic(self.image_topic)
        return offered

    def close(self) -> None:
        """Stop listening."""
        for subscription in (self._image, *self._others):
            self._node.destroy_subscription(subscription)

    def _put_detections(self, message: Detection2DArray, associator: Associator) -> None:
        try:
            self._mailbox.put_pointing(detections_from(message, associator))
        except PromptError as error:
            self._node.get_logger().warning(str(error), throttle_duration_sec=10.0)

    def _wanted(self) -> ReliabilityPolicy:
        return wanted_reliability(self._node, self.image_topic, self._reliability_choice)

    def _subscribe_images(self, reliability: ReliabilityPolicy) -> Subscription:
        self._reliability = reliability
        qos = QoSProfile(depth=1, reliability=reliability)  # the newest is all that is wanted
        # An override of the reliability would hold on to the first one; image_reliability is there for that.
        kinds = QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH
        options = QoSOverridingOptions(policy_kinds=kinds)
        return self._subscribe(self._kind, self.image_topic, self._mailbox.put_image, qos, options)

    def _subscribe(
        self, kind: Any, topic: str, callback: Any, qos: QoSProfile, options: QoSOverridingOptions | None = None
    ) -> Subscription:
        def mismatch(event: Any) -> None:
            self._node.get_logger().warning(
                f"a publisher of {self._node.resolve_topic_name(topic)} offers a quality of service that does not fit "
                f"({event.last_policy_kind}): nothing of it arrives; set image_reliability to auto, or change the "
                "publisher or qos_overrides; `ros2 topic info -v` shows both sides",
                throttle_duration_sec=10.0,
            )

        return self._node.create_subscription(
            kind,
            topic,
            callback,
            qos,
            qos_overriding_options=options or QoSOverridingOptions.with_default_policies(),
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=mismatch),
        )
