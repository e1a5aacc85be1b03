"""The managed node through all of its states, again and again, on a real graph."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graph import Listener, Process, camera, launch_tracker, listener
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

from sam2_ros.msg import Prompt, PromptArray, TrackedObjectArray
from sam2_ros.ros.types import TYPES
from sam2_ros.stream.boxes import box_message

TOY = ("model:=toy", "checkpoint:=random", "device:=cpu")
ROUNDS = 10
SETTLED = 3  # rounds after which memory has to stay as it is
ALLOWANCE = 20 * 2**20  # bytes
WAY = (
    Transition.TRANSITION_CONFIGURE,
    Transition.TRANSITION_ACTIVATE,
    Transition.TRANSITION_DEACTIVATE,
    Transition.TRANSITION_CLEANUP,
)


@pytest.fixture
def ears() -> Iterator[Listener]:
    with listener() as ears:
        yield ears


def change(ears: Listener, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return bool(ears.call(ChangeState, "/sam2_tracker/change_state", request).success)


def state(ears: Listener) -> int:
    return int(ears.call(GetState, "/sam2_tracker/get_state", GetState.Request()).current_state.id)


def resident(tracker: Process) -> int:
    """Bytes of memory that the tracker's process holds."""
    return int(Path(f"/proc/{tracker.child()}/statm").read_text().split()[1]) * 4096


def box() -> PromptArray:
    return PromptArray(prompts=[Prompt(object_id=1, has_box=True, box=box_message(TYPES, (40, 25, 90, 70)))])


def test_ten_rounds_through_all_states_leave_memory_as_it_was(tmp_path: Path, ears: Listener) -> None:
    eye = camera(tmp_path / "camera.log", "/image")
    tracker = launch_tracker(tmp_path / "tracker.log", *TOY, "autostart:=false")
    prompts = ears.node.create_publisher(PromptArray, "/prompts", QoSProfile(depth=10))
    objects = ears.hear(TrackedObjectArray, "/sam2_tracker/objects", QoSProfile(depth=10))
    memory = []
    try:
        for _ in range(ROUNDS):
            assert state(ears) == State.PRIMARY_STATE_UNCONFIGURED
            for transition in WAY:
                assert change(ears, transition)
                if transition == Transition.TRANSITION_ACTIVATE:
                    ears.wait(prompts.get_subscription_count, "a subscriber of the prompts")
                    prompts.publish(box())
                    objects.clear()
                    ears.wait(lambda: any(message.objects for message in objects), "a tracked object")
            memory.append(resident(tracker))
        assert memory[-1] - memory[SETTLED] < ALLOWANCE, [m >> 20 for m in memory]
    finally:
        tracker.kill()
        eye.kill()


def test_when_every_image_fails_the_node_gives_up_and_can_be_configured_again(tmp_path: Path, ears: Listener) -> None:
    parameters = tmp_path / "parameters.yaml"
    parameters.write_text("/**:\n  ros__parameters:\n    max_consecutive_failures: 5\n")
    tracker = launch_tracker(tmp_path / "tracker.log", *TOY, f"params_file:={parameters}")
    depth = ears.node.create_publisher(Image, "/image", QoSProfile(depth=10))
    try:
        ears.wait(depth.get_subscription_count, "a subscriber of the images", 120)

        def gave_up() -> bool:
            depth.publish(Image(height=2, width=2, encoding="16UC1", step=4, data=[0] * 8))
            return "images in a row failed (max_consecutive_failures is 5); giving up" in tracker.text()

        ears.wait(gave_up, "the node to give up")
        ears.wait(lambda: state(ears) == State.PRIMARY_STATE_UNCONFIGURED, "the unconfigured state")
        assert change(ears, Transition.TRANSITION_CONFIGURE)
        assert state(ears) == State.PRIMARY_STATE_INACTIVE
    finally:
        tracker.kill()
