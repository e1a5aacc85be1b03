"""What is tracked outlives the node by its state file: when it is killed, deactivated, or ends."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from disc import NAME, NEAR, begin, box_at, offset, scene_for_tracker
from graph import Listener, listener, run_tracker
from lifecycle_msgs.msg import Transition

from sam2_ros.msg import PromptArray
from sam2_ros.srv import SaveState
from sam2_ros.stored.state_file import read_state

TOY = ("model:=toy", "checkpoint:=random")


@pytest.fixture
def ears() -> Iterator[Listener]:
    with listener() as ears:
        yield ears


def test_without_the_parameter_no_file_is_touched(tmp_path: Path, ears: Listener) -> None:
    tracker = run_tracker(tmp_path / "tracker.log", "model:=toy", "checkpoint:=random", "device:=cpu")
    try:
        request = SaveState.Request(path=str(tmp_path / "s.safetensors"))
        assert "the node is not configured" in ears.call(SaveState, f"{NAME}/save_state", request).message
        assert ears.change(Transition.TRANSITION_CONFIGURE)
        assert "set the parameter allow_file_services" in ears.call(SaveState, f"{NAME}/save_state", request).message
        assert ears.set("allow_file_services", str(tmp_path)).successful
        assert ears.call(SaveState, f"{NAME}/save_state", request).success
    finally:
        tracker.kill()


def test_kill_9_loses_no_object(tmp_path: Path) -> None:
    state = tmp_path / "state.safetensors"
    with scene_for_tracker(tmp_path, "respawn:=true", f"state_file:={state}") as scene:
        begin(scene)
        scene.ears.wait(state.exists, "a first save")
        assert offset(scene.show(100), 100) < NEAR
        os.kill(scene.tracker.child(), signal.SIGKILL)
        scene.ears.wait(lambda: scene.tracker.text().count("tracking on /image") == 2, "a second life", 120)
        assert f"restored from {state}" in scene.tracker.text()
        scene.ears.wait(scene.images.get_subscription_count, "a subscriber")
        objects = scene.show(250)
        assert [one.id for one in objects.objects] == [1]
        assert offset(objects, 250) < NEAR


def test_it_is_saved_at_deactivation_and_at_the_end_and_restored_when_it_is_fresh(tmp_path: Path) -> None:
    state = tmp_path / "state.safetensors"
    parameters = f"/**:\n  ros__parameters: {{state_file: {state}, autosave_seconds: 0.0}}\n"
    (tmp_path / "p.yaml").write_text(parameters)
    with scene_for_tracker(
        tmp_path, f"params_file:={tmp_path / 'p.yaml'}", "model:=toy", "checkpoint:=random"
    ) as scene:
        scene.show(0)
        scene.send(scene.prompts, PromptArray(header=scene.header(0), prompts=[box_at(0, 4)]))
        assert len(scene.show(50).objects) == 1
        assert not state.exists()
        assert scene.ears.change(Transition.TRANSITION_DEACTIVATE)
        assert read_state(state).state.object_ids == (4,)
        assert read_state(state).state.frame == 2
        assert scene.ears.change(Transition.TRANSITION_ACTIVATE)
        scene.ears.wait(scene.images.get_subscription_count, "a subscriber")
        assert [one.id for one in scene.show(100).objects] == [4]  # still there, not restored
        assert "restored" not in scene.tracker.text()
        os.kill(scene.tracker.child(), signal.SIGTERM)
        scene.ears.wait(lambda: "process has finished cleanly" in scene.tracker.text(), "the end")
        assert read_state(state).state.frame == 3
    (tmp_path / "p.yaml").write_text(parameters.replace("autosave_seconds: 0.0", "state_max_age: 0.01"))
    with scene_for_tracker(
        tmp_path, f"params_file:={tmp_path / 'p.yaml'}", "model:=toy", "checkpoint:=random"
    ) as scene:
        assert "more than state_max_age (0.01); it is put aside" in scene.tracker.text()
        assert not scene.show(0).objects
        assert state.with_name("state.safetensors.unused").exists()
