"""A memory policy in the live node: said at the launch, and what objects then tell of their memory and state."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graph import Listener, camera, launch_tracker, listener
from rclpy.qos import QoSProfile

from sam2_ros.msg import Prompt, PromptArray, TrackedObject, TrackedObjectArray
from sam2_ros.ros.types import TYPES
from sam2_ros.stream.boxes import box_message


@pytest.fixture
def ears() -> Iterator[Listener]:
    with listener() as ears:
        yield ears


@pytest.mark.parametrize("policy", ["distractor", "motion"])
def test_objects_say_how_they_are_and_what_became_of_their_memory(policy: str, ears: Listener, tmp_path: Path) -> None:
    heard = ears.hear(TrackedObjectArray, "/sam2_tracker/objects", QoSProfile(depth=10))
    prompts = ears.node.create_publisher(PromptArray, "/prompts", QoSProfile(depth=100))
    settings = ("model:=nano", "device:=cpu", "image_topic:=/camera/image", f"memory_policy:={policy}")
    tracker, eye = (
        launch_tracker(tmp_path / "tracker.log", *settings),
        camera(tmp_path / "eye.log", "/camera/image", "5"),
    )
    try:
        ears.wait(lambda: heard, "the first objects message", 120)
        nothing = box_message(TYPES, (0, 0, 128, 20))  # a strip of background
        prompts.publish(PromptArray(prompts=[Prompt(object_id=1, has_box=True, box=nothing)]))
        heard.clear()
        ears.wait(lambda: sum(len(message.objects) for message in heard) > 5, "objects")
        states = {TrackedObject.CONFIRMED, TrackedObject.UNSURE, TrackedObject.ABSENT, TrackedObject.LOST}
        for message in heard:
            for item in message.objects:
                assert item.state in states
                in_view = item.visible and item.area > 0
                assert in_view == (item.state in (TrackedObject.CONFIRMED, TrackedObject.UNSURE))
                assert item.remembered or item.memory_note
                assert not (item.remembered and not item.anchor and item.memory_note)
    finally:
        for process in (eye, tracker):
            process.kill()
