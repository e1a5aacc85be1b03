"""The demo as a newcomer launches it: a synthetic camera, the tracker with the weights of the package."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph import Listener, Process, listener
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

from sam2_ros.measures.similarity import region_similarity
from sam2_ros.msg import TrackedObjectArray

RELIABLE = QoSProfile(depth=50)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Process]:
    arguments = ("difficulty:=easy", "seed:=2", "fps:=4.0")
    process = Process(["ros2", "launch", "sam2_ros", "demo.launch.py", *arguments], tmp_path / "demo.log")
    yield process
    process.kill()


@pytest.fixture
def ears() -> Iterator[Listener]:
    with listener() as ears:
        yield ears


def stamp(message: Any) -> tuple[int, int]:
    return message.header.stamp.sec, message.header.stamp.nanosec


def labels(message: Any) -> np.ndarray:
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width)


def test_the_demo_tracks_what_the_synthetic_camera_shows(demo: Process, ears: Listener) -> None:
    truth = ears.hear(Image, "/ground_truth/masks", RELIABLE)
    masks = ears.hear(Image, "/sam2_tracker/masks", RELIABLE)
    objects = ears.hear(TrackedObjectArray, "/sam2_tracker/objects", RELIABLE)
    ears.wait(lambda: len([m for m in objects if m.objects]) >= 8 and len(masks) >= 8, "tracked images", 120)

    assert "nano on cpu" in demo.text() or "nano on cuda" in demo.text()
    true = {stamp(message): labels(message) for message in truth}
    tracked = [stamp(message) for message in objects if message.objects]
    pairs = [(labels(m), true[stamp(m)]) for m in masks if stamp(m) in tracked and stamp(m) in true]
    assert len(pairs) >= 6
    assert np.mean([region_similarity(found == 1, mask == 1) for found, mask in pairs]) > 0.6
