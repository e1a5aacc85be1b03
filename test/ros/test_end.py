"""The end of the process: in two seconds, whatever is going on, and at once when it is asked for twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import rclpy
from graph import DOMAIN, ENVIRONMENT, Listener, Process, camera, listener, run_tracker
from lifecycle_msgs.msg import Transition
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from std_srvs.srv import Trigger

from sam2_ros.msg import Prompt, PromptArray, TrackedObjectArray
from sam2_ros.ros.process import spin_once
from sam2_ros.ros.types import TYPES
from sam2_ros.stream.boxes import box_message

NAME = "/sam2_tracker"
TOY = ("model:=toy", "checkpoint:=random", "device:=cpu", "autostart_node:=true")
IN_TIME = 2.5  # seconds: two, and what it takes to be told on a busy machine
MANY = 100  # objects that take any machine seconds for an image


@pytest.fixture
def ears() -> Iterator[Listener]:
    with listener() as ears:
        yield ears


def ends(tracker: Process, number: signal.Signals = signal.SIGINT) -> float:
    """Seconds until it has ended, in order."""
    started = time.monotonic()
    tracker.send(number)
    assert tracker.wait() == 0, tracker.text()
    assert "Traceback" not in tracker.text()
    return time.monotonic() - started


def test_a_caller_who_waits_is_answered_when_the_node_ends(tmp_path: Path, ears: Listener) -> None:
    tracker = run_tracker(tmp_path / "tracker.log", *TOY)
    try:
        ears.wait(lambda: "tracking on" in tracker.text(), "an active tracker", 120)
        answer = ears.ask(Trigger, f"{NAME}/reset", Trigger.Request())
        before = time.monotonic() + 0.5
        ears.wait(lambda: time.monotonic() > before, "the request to arrive")
        assert ends(tracker) < IN_TIME
        ears.wait(answer.done, "the answer")
        assert "the tracker was deactivated first" in answer.result().message
    finally:
        tracker.kill()


@pytest.fixture
def busy(tmp_path: Path, ears: Listener) -> Iterator[Process]:
    """A tracker at work on an image that takes it seconds."""
    eye = camera(tmp_path / "camera.log", "/image")
    tracker = run_tracker(tmp_path / "tracker.log", "device:=cpu", "autostart_node:=true", f"max_objects:={MANY}")
    try:
        prompts = ears.node.create_publisher(PromptArray, "/prompts", QoSProfile(depth=10))
        objects = ears.hear(TrackedObjectArray, f"{NAME}/objects", QoSProfile(depth=10))
        ears.wait(lambda: objects and prompts.get_subscription_count(), "an active tracker", 120)
        box = box_message(TYPES, (40, 25, 90, 70))
        prompts.publish(PromptArray(prompts=[Prompt(object_id=i, has_box=True, box=box) for i in range(1, MANY + 1)]))
        ears.wait(lambda: any(message.objects for message in objects), "objects", 120)
        yield tracker
    finally:
        tracker.kill()
        eye.kill()


def test_a_deactivation_and_an_end_do_not_wait_for_the_worker(busy: Process, ears: Listener) -> None:
    started = time.monotonic()
    assert ears.change(Transition.TRANSITION_DEACTIVATE)
    assert time.monotonic() - started < IN_TIME
    assert "the last image takes more than 1.5 s; it is not waited for" in busy.text()
    assert not ears.change(Transition.TRANSITION_ACTIVATE)
    assert "the image of before the deactivation is not finished yet" in busy.text()
    assert ends(busy) < IN_TIME


def test_sigint_ends_it_while_the_worker_is_busy(busy: Process) -> None:
    assert ends(busy) < IN_TIME


@pytest.mark.parametrize("text", ["", "unconfigured", "loading the model", "tracking on"])
def test_it_ends_in_whatever_state(tmp_path: Path, ears: Listener, text: str) -> None:
    tracker = run_tracker(tmp_path / "tracker.log", *TOY)
    try:
        begun = time.monotonic() + 1.0  # Python and its first imports
        ears.wait(lambda: time.monotonic() > begun and text in tracker.text(), text or "a beginning", 120)
        assert ends(tracker, signal.SIGTERM) < IN_TIME
    finally:
        tracker.kill()


WAITS = "import time; from sam2_ros.ros.process import Stop; Stop(); print('ready', flush=True); time.sleep(60)"


@pytest.mark.parametrize(("twice", "code"), [(False, 0), (True, 128 + signal.SIGINT)])
def test_what_does_not_end_in_order_is_ended(twice: bool, code: int) -> None:
    """A process that does nothing about the first signal."""
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        process.stdout.readline()
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        if twice:
            time.sleep(0.6)
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == code
        assert time.monotonic() - started < IN_TIME


def test_a_callback_that_fails_is_logged_with_its_place_and_survived(capfd: pytest.CaptureFixture[str]) -> None:
    context = Context()
    rclpy.init(context=context, domain_id=DOMAIN)
    node = rclpy.create_node("clumsy", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    calls = []

    def fail() -> None:
        calls.append(len(calls))
        raise ValueError("nobody thought of this")

    node.create_timer(0.01, fail)
    while len(calls) < 3:
        spin_once(executor, node, 0.1)
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)
    said = capfd.readouterr().err
    assert said.count("a callback failed: ValueError: nobody thought of this") == 1  # the others in the same second
    assert os.path.basename(__file__) in said
