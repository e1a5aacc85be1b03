"""What the launch file takes, and how it brings a node back."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from graph import Listener, camera, launch_tracker, listener
from rcl_interfaces.srv import GetParameters
from rclpy.qos import QoSProfile

from sam2_ros.msg import TrackedObjectArray

TOY = ("model:=toy", "checkpoint:=random", "device:=cpu")


@pytest.fixture
def ears() -> Iterator[Listener]:
    with listener() as ears:
        yield ears


def test_name_transport_clock_and_log_level(tmp_path: Path, ears: Listener) -> None:
    tracker = launch_tracker(
        tmp_path / "tracker.log",
        *TOY,
        *("name:=eye", "namespace:=left", "image_transport:=compressed", "image_topic:=/cam"),
        *("use_sim_time:=true", "log_level:=warn"),
    )
    try:
        ears.wait(lambda: ears.state("/left/eye") == "active", "an active node", 120)
        look = ears.node.get_subscriptions_info_by_topic
        ears.wait(lambda: look("/cam/compressed"), "the subscription to be known")
        (listening,) = look("/cam/compressed")
        assert (listening.node_namespace, listening.node_name) == ("/left", "eye")
        request = GetParameters.Request(names=["use_sim_time"])
        assert ears.call(GetParameters, "/left/eye/get_parameters", request).values[0].bool_value
        assert "tracking on" not in tracker.text()
        assert "the weights are random" in tracker.text()
    finally:
        tracker.kill()


def test_a_node_that_died_comes_back_to_active(tmp_path: Path, ears: Listener) -> None:
    eye = camera(tmp_path / "camera.log", "/image")
    tracker = launch_tracker(tmp_path / "tracker.log", *TOY, "respawn:=true")
    objects = ears.hear(TrackedObjectArray, "/sam2_tracker/objects", QoSProfile(depth=10))
    try:
        ears.wait(lambda: objects, "objects", 120)
        os.kill(tracker.child(), signal.SIGKILL)
        ears.wait(lambda: tracker.text().count("tracking on /image") == 2, "a second life", 120)
        objects.clear()
        ears.wait(lambda: objects, "objects again", 120)
    finally:
        tracker.kill()
        eye.kill()
