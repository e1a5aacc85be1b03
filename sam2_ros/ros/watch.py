"""Says what is wrong when nothing arrives, with the remedy."""

import time
from typing import Any

from .inputs import Inputs
from .statistics import Statistics
from .steady import steady_timer

SILENCE = 5.0  # seconds without an image
UNPROMPTED = 10.0  # seconds of images without a prompt
AGAIN = 30.0  # seconds until the same is said again
OBJECTS_TYPE = "sam2_ros/msg/TrackedObjectArray"  # what a tracker publishes beside its pictures
IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


class Watch:
    """Looks once a second."""

    def __init__(self, node: Any, inputs: Inputs, statistics: Statistics) -> None:
        self._node, self._inputs, self._statistics = node, inputs, statistics
        self._began = time.monotonic()
        self._said: dict[str, float] = {}  # kind of warning: when
        self._timer = steady_timer(node, 1.0, self._look)

    def close(self) -> None:
        """Stop looking."""
        self._node.destroy_timer(self._timer)

    def _look(self) -> None:
        self._inputs.follow_publishers()
        statistics = self._statistics
        if statistics.silence > SILENCE:
            self._say("silence", self._why_no_image())
        elif statistics.received and not statistics.prompted and time.monotonic() - self._began > UNPROMPTED:
            self._say(
                "unprompted",
                "images come, but nothing said yet what to track: send a box to "
                f"{self._node.resolve_topic_name('prompts')}, a click to "
                f"{self._node.resolve_topic_name('click_point')}, or detections",
            )

    def _why_no_image(self) -> str:
        topic, silence = self._inputs.image_topic, f"no image for {self._statistics.silence:.0f} s on "
        publishers = self._inputs.publishers_of_images()
        if publishers:
            names = ", ".join(sorted({info.node_name for info in publishers}))
            return (
                f"{silence}{topic}, though {names} publishes it: is the camera running (`ros2 topic hz {topic}`), does "
                "the quality of service fit (`ros2 topic info -v`), are socket buffers large enough?"
            )
        topics = self._node.get_topic_names_and_types()
        trackers = tuple(name.removesuffix("objects") for name, kinds in topics if OBJECTS_TYPE in kinds)
        known = sorted(
            name
            for name, kinds in topics
            if set(kinds) & set(IMAGE_TYPES) and self._node.count_publishers(name) and not name.startswith(trackers)
        )
        there = f"images are published on {', '.join(known)}" if known else "no images are published anywhere"
        return f"{silence}{topic}: nobody publishes it; {there}; start with image_topic:=TOPIC"

    def _say(self, kind: str, sentence: str) -> None:
        if time.monotonic() - self._said.get(kind, -AGAIN) >= AGAIN:
            self._said[kind] = time.monotonic()
            self._node.get_logger().warning(sentence)
