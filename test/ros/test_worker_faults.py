"""The thread that tracks meets what nobody foresaw: it goes on, or the node says that it gives up."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from disc import Scene
from graph import HERE, Listener, Process, listener
from lifecycle_msgs.msg import Transition

from sam2_ros.msg import Prompt, PromptArray
from sam2_ros.ros.types import TYPES
from sam2_ros.stream.boxes import box_message

TOY = ("model:=toy", "checkpoint:=random", "device:=cpu", "autostart_node:=true")


@pytest.fixture
def ears() -> Iterator[Listener]:
    with listener() as ears:
        yield ears


def broken(kind: str, folder: Path, *more: str) -> Process:
    options = [word for parameter in (*TOY, *more) for word in ("-p", parameter)]
    remap = ("-r", "/detections:=/detector/boxes")
    command = [sys.executable, str(HERE / "broken_tracker.py"), kind, "--ros-args", *options, *remap]
    return Process(command, folder / "tracker.log")


def has_failed(tracker: Process) -> bool:
    return "SystemExit" in tracker.text() or "MemoryError" in tracker.text()


@pytest.mark.parametrize("ahead", ["false", "true"])
@pytest.mark.parametrize("kind", ["exit in tracking", "memory in tracking", "exit in the mailbox"])
def test_the_tracking_goes_on_with_its_objects(tmp_path: Path, ears: Listener, kind: str, ahead: str) -> None:
    tracker = broken(kind, tmp_path, f"look_ahead:={ahead}")
    try:
        scene = Scene(ears, tracker)
        ears.wait(scene.images.get_subscription_count, "a subscriber", 120)
        ears.wait(scene.prompts.get_subscription_count, "a subscriber of prompts")
        box = box_message(TYPES, (20, 40, 60, 80))
        scene.send(scene.prompts, PromptArray(prompts=[Prompt(object_id=4, has_box=True, box=box)]))
        ids: list[int] = []
        for number in range(60):
            scene.objects.clear()
            scene.images.publish(scene.image(50 * number))
            if number > 8 and ids == [4] and has_failed(tracker):
                break
            _spin(ears, 0.2)
            ids = [one.id for message in scene.objects for one in message.objects]
        assert ids == [4]
        assert ears.state() == "active"
        assert has_failed(tracker)
    finally:
        tracker.kill()


def test_a_thread_that_is_gone_is_noticed_and_the_node_gives_up(tmp_path: Path, ears: Listener) -> None:
    tracker = broken("end", tmp_path)
    try:
        ears.wait(lambda: "the thread that tracks has ended; giving up" in tracker.text(), "the news", 120)
        ears.wait(lambda: ears.state() == "unconfigured", "the state after the error transition")
        assert "unconfigured after an error" in tracker.text()
        assert tracker.running()
    finally:
        tracker.kill()


def test_a_thread_that_hangs_is_noticed_and_another_takes_its_place(tmp_path: Path, ears: Listener) -> None:
    tracker = broken("hang", tmp_path, "max_image_seconds:=8.0")
    try:
        scene = Scene(ears, tracker)
        told = ears.hear(DiagnosticArray, "/diagnostics", 10)
        ears.wait(scene.images.get_subscription_count, "a subscriber", 120)
        for number in range(6):
            scene.images.publish(scene.image(50 * number))
            _spin(ears, 0.2)
        ears.wait(
            lambda: any("the image at hand has taken" in one.message for news in told for one in news.status),
            "diagnostics that say so",
        )
        ears.wait(lambda: "an image takes longer than 8 s (max_image_seconds)" in tracker.text(), "the news")
        ears.wait(lambda: ears.state() == "unconfigured", "the state after the error transition")
        assert ears.change(Transition.TRANSITION_CONFIGURE)
        assert ears.change(Transition.TRANSITION_ACTIVATE)
        scene.show(5_000)
    finally:
        tracker.kill()


def test_a_node_that_was_stopped_for_a_while_goes_on(tmp_path: Path, ears: Listener) -> None:
    """As by a debugger, or in a virtual machine that stood still: by the clock its image takes very long."""
    tracker = broken("slow", tmp_path, "max_image_seconds:=4.0")
    try:
        scene = Scene(ears, tracker)
        ears.wait(scene.images.get_subscription_count, "a subscriber", 120)
        scene.show(0)
        scene.images.publish(scene.image(50))
        _spin(ears, 0.5)
        tracker.send(signal.SIGSTOP)
        _spin(ears, 6.0)
        tracker.send(signal.SIGCONT)
        scene.show(100)
        _spin(ears, 1.5)
        assert ears.state() == "active"
        assert "giving up" not in tracker.text()
    finally:
        tracker.kill()


def _spin(ears: Listener, seconds: float) -> None:
    end = ears.node.get_clock().now().nanoseconds + int(seconds * 1e9)
    ears.wait(lambda: ears.node.get_clock().now().nanoseconds > end, "time to pass")
