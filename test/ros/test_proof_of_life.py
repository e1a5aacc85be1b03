"""The launch file by launch_testing: the tracker comes up by itself, gives results, and goes without an error."""

import sys
import time
import unittest
from pathlib import Path

import launch_testing.actions
import launch_testing.asserts
import pytest
import rclpy
from ament_index_python.packages import get_package_share_directory
from launch.actions import ExecuteProcess, IncludeLaunchDescription
from rclpy.qos import QoSProfile

from launch import LaunchDescription
from sam2_ros.msg import TrackedObjectArray

CAMERA = Path(__file__).parent / "camera.py"
TOPIC = "/proof/image"
PATIENCE = 60.0  # seconds


@pytest.mark.launch_test
def generate_test_description() -> LaunchDescription:
    tracker = Path(get_package_share_directory("sam2_ros")) / "launch" / "tracker.launch.py"
    arguments = {"model": "toy", "checkpoint": "random", "device": "cpu", "image_topic": TOPIC, "namespace": "proof"}
    return LaunchDescription(
        [
            IncludeLaunchDescription(str(tracker), launch_arguments=arguments.items()),
            ExecuteProcess(cmd=[sys.executable, str(CAMERA), TOPIC]),
            launch_testing.actions.ReadyToTest(),
        ]
    )


class TestWhileItRuns(unittest.TestCase):
    def test_results_carry_the_header_of_their_images(self) -> None:
        rclpy.init()
        node = rclpy.create_node("proof")
        heard: list[TrackedObjectArray] = []
        node.create_subscription(TrackedObjectArray, "/proof/sam2_tracker/objects", heard.append, QoSProfile(depth=10))
        end = time.monotonic() + PATIENCE
        while len(heard) < 3 and time.monotonic() < end:
            rclpy.spin_once(node, timeout_sec=0.1)
        node.destroy_node()
        rclpy.shutdown()
        assert len(heard) >= 3
        assert {message.header.frame_id for message in heard} == {"camera_color_optical_frame"}
        assert {(message.image_width, message.image_height) for message in heard} == {(128, 96)}


@launch_testing.post_shutdown_test()
class TestAfterwards(unittest.TestCase):
    def test_the_tracker_ended_cleanly(self, proc_info: launch_testing.ProcInfoHandler) -> None:
        tracker = next(name for name in proc_info.process_names() if "tracker" in name)
        launch_testing.asserts.assertExitCodes(proc_info, process=tracker)
