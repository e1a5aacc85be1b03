"""Whatever a client of the graph asks at whatever time: the node answers, and goes on."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from graph import Listener, Process, camera, listener, run_tracker
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.qos import QoSProfile

from sam2_ros.msg import TrackedObjectArray

NAME = "/sam2_tracker"
TOY = ("model:=toy", "checkpoint:=random", "device:=cpu")
AUTO = "autostart_node:=true"
CONFIGURE, ACTIVATE = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE
DEACTIVATE, CLEANUP = Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP


@pytest.fixture
def ears() -> Iterator[Listener]:
    with listener() as ears:
        yield ears


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts trackers that end with the test."""
    trackers = []

    def run(*parameters: str, **options: dict[str, str]) -> Process:
        trackers.append(run_tracker(tmp_path / f"tracker{len(trackers)}.log", *parameters, **options))
        return trackers[-1]

    yield run
    for tracker in trackers:
        tracker.kill()


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment in which a download takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield {"SAM2_ROS_DOWNLOAD_URL": address, "SAM2_ROS_CACHE": str(tmp_path / "cache")}


def until(ears: Listener, tracker: Process, text: str) -> None:
    ears.wait(lambda: text in tracker.text(), f"{text!r} in the log", 120)


def test_transitions_that_cannot_be_are_refused_with_one_line_and_tracking_goes_on(
    tmp_path: Path, ears: Listener, start: Callable[..., Process]
) -> None:
    eye, tracker = camera(tmp_path / "camera.log", "/image"), start(*TOY, AUTO)
    try:
        objects = ears.hear(TrackedObjectArray, f"{NAME}/objects", QoSProfile(depth=10))
        ears.wait(lambda: objects, "objects", 120)
        # Configure again, clean up while active, one that no client may ask for, one that does not exist.
        wrong = (CONFIGURE, CLEANUP, Transition.TRANSITION_ON_ACTIVATE_SUCCESS, 99)
        assert [ears.change(transition) for transition in wrong] == [False] * len(wrong)
        request = ChangeState.Request(transition=Transition(label="nonsense"))
        assert not ears.call(ChangeState, f"{NAME}/change_state", request).success
        text = "is refused: the node is active; possible: deactivate, shutdown"
        assert tracker.text().count(text) == len(wrong) + 1
        objects.clear()
        ears.wait(lambda: objects, "more objects")
        assert ears.state() == "active"
        assert "Traceback" not in tracker.text()
    finally:
        eye.kill()


def test_two_managers_at_once_and_each_transition_is_done_once(ears: Listener, start: Callable[..., Process]) -> None:
    start(*TOY)
    with listener() as others:
        for transition, state in ((CONFIGURE, "inactive"), (ACTIVATE, "active"), (DEACTIVATE, "inactive")):
            request = ChangeState.Request(transition=Transition(id=transition))
            answers = [one.ask(ChangeState, f"{NAME}/change_state", request) for one in (ears, others)]
            for one, answer in zip((ears, others), answers, strict=True):
                one.wait(answer.done, "an answer", 120)
            assert sorted(answer.result().success for answer in answers) == [False, True]
            assert ears.state() == state


def test_while_it_loads_it_answers_and_a_shutdown_interrupts_it(
    ears: Listener, start: Callable[..., Process], hanging: dict[str, str]
) -> None:
    tracker = start("model:=tiny", "device:=cpu", environment=hanging)
    heard = ears.hear(DiagnosticArray, "/diagnostics", QoSProfile(depth=10))
    request = ChangeState.Request(transition=Transition(id=CONFIGURE))
    configured = ears.ask(ChangeState, f"{NAME}/change_state", request)
    until(ears, tracker, "loading the model tiny")
    assert ears.state() == "configuring"
    assert not ears.change(CONFIGURE)
    refused = ears.set("max_objects", 3)
    assert not refused.successful
    assert "can be set while the node is unconfigured only" in refused.reason
    assert ears.set("fill_hole_area", 7).successful
    heard.clear()
    ears.wait(lambda: heard, "diagnostics")
    assert heard[-1].status[0].message.startswith("configuring: loading the model tiny")
    assert not configured.done()

    started = time.monotonic()
    assert ears.change(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert time.monotonic() - started < 5  # it is at once, on a machine that is not busy
    ears.wait(configured.done, "the answer to who configured")
    assert not configured.result().success
    assert ears.state() == "finalized"
    assert "cannot configure: interrupted" in tracker.text()


def test_after_a_wrong_checkpoint_it_is_set_right_and_configured_without_a_restart(
    ears: Listener, start: Callable[..., Process]
) -> None:
    tracker = start("model:=toy", "checkpoint:=/nowhere/model.pt", "device:=cpu")
    assert not ears.change(CONFIGURE)
    assert "there is no readable checkpoint file /nowhere/model.pt" in tracker.text()
    assert ears.set("checkpoint", "random").successful
    assert ears.set("max_objects", 3).successful
    assert ears.change(CONFIGURE)
    assert "up to 3 objects" in tracker.text()
    assert not ears.set("checkpoint", "auto").successful
    assert ears.set("track_every", 2).successful
    assert ears.change(ACTIVATE)
    assert "`deactivate`" in ears.set("track_every", 1).reason
    assert ears.change(DEACTIVATE)
    assert ears.change(CLEANUP)
    assert ears.set("checkpoint", "auto").successful
