"""Prompts, images and clocks that are late, early or jump; on a real graph."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from disc import Scene, box_at, offset, scene_for_tracker
from graph import listener, run_tracker
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from sam2_ros.msg import PromptArray

LATE = 400  # ms from an image to what a slow detector says of it
SHOWN = 50  # ms from image to image
AWAY = 15  # pixels between a mask and the disc from which on it is not on it; the disc moves 24 in those 400 ms


def parameters(folder: Path, *lines: str) -> str:
    file = folder / "parameters.yaml"
    file.write_text("/**:\n  ros__parameters:\n" + "".join(f"    {line}\n" for line in lines))
    return f"params_file:={file}"


def told_late(scene: Scene) -> float:
    """How far from the disc the mask is, when its box came 400 ms after the image it was made on."""
    for ms in range(0, LATE + SHOWN, SHOWN):
        scene.show(ms)
    scene.send(scene.prompts, PromptArray(header=scene.header(0), prompts=[box_at(0)]))
    return offset(scene.show(LATE + SHOWN), LATE + SHOWN)


def test_with_history_a_late_box_puts_the_mask_on_the_moving_object_and_without_off_it(tmp_path: Path) -> None:
    with scene_for_tracker(tmp_path) as scene:
        assert told_late(scene) < 8
    with scene_for_tracker(tmp_path, parameters(tmp_path, "history_seconds: 0.0")) as scene:
        assert told_late(scene) > AWAY


def test_looking_ahead_changes_no_result(tmp_path: Path) -> None:
    with scene_for_tracker(tmp_path, parameters(tmp_path, "look_ahead: true")) as scene:
        assert told_late(scene) < 8
        scene.send(scene.images, Image(header=scene.header(500), encoding="32FC1", height=2, width=2, step=8))
        scene.ears.wait(lambda: "image skipped" in scene.tracker.text(), "a word on the image that is none")
        assert offset(scene.show(550), 550) < 8


def test_every_other_image_is_passed_over_when_that_is_asked_for(tmp_path: Path) -> None:
    with scene_for_tracker(tmp_path, parameters(tmp_path, "track_every: 2")) as scene:
        for ms in range(0, 250, 50):
            scene.send(scene.images, scene.image(ms))
        wanted = [scene.header(ms).stamp for ms in (0, 100, 200)]
        scene.ears.wait(lambda: len(scene.objects) >= len(wanted), "objects of three images")
        assert [message.header.stamp for message in scene.objects] == wanted


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with scene_for_tracker(tmp_path, parameters(tmp_path, "use_sim_time: true")) as scene:
        yield scene


def test_a_bag_that_begins_again_under_simulated_time(scene: Scene) -> None:
    clock = scene.ears.node.create_publisher(Clock, "/clock", 10)
    scene.ears.wait(clock.get_subscription_count, "a subscriber of the clock")
    for lap in range(2):
        for ms in range(0, 1500, 100):
            clock.publish(Clock(clock=scene.header(ms).stamp))
            objects = scene.show(ms)
            if ms == 0 and lap == 0:
                scene.send(scene.prompts, PromptArray(prompts=[box_at(100, 7)]))
    assert [one.id for one in objects.objects] == [7]
    said = scene.tracker.text()
    assert said.count("stamps jumped back by 1.4 s") == 1

    # A prompt for an image of the second lap finds it: the history is of one time.
    scene.send(scene.prompts, PromptArray(header=scene.header(1300), prompts=[box_at(1300, 8)]))
    assert [one.id for one in scene.show(1500).objects] == [7, 8]
    # One from before the history is refused with its bounds.
    scene.send(scene.prompts, PromptArray(header=scene.header(-5000), prompts=[box_at(0, 9)]))
    assert [one.id for one in scene.show(1600).objects] == [7, 8]
    scene.ears.wait(lambda: "for no image that is remembered: those are from" in scene.tracker.text(), "the refusal")


def test_without_a_running_clock_callers_are_answered_and_warnings_and_diagnostics_come(tmp_path: Path) -> None:
    tracker = run_tracker(
        tmp_path / "tracker.log",
        *("model:=toy", "checkpoint:=random", "device:=cpu", "autostart_node:=true"),
        *("use_sim_time:=true", "max_consecutive_failures:=3"),
    )
    try:
        with listener() as ears:
            told = ears.hear(DiagnosticArray, "/diagnostics", 10)
            ears.wait(lambda: "tracking on" in tracker.text(), "an active tracker", 120)
            assert "no image came within 5 s" in ears.call(Trigger, "/sam2_tracker/reset", Trigger.Request()).message
            ears.wait(lambda: "on /image: nobody publishes it" in tracker.text(), "a warning")
            ears.wait(lambda: told and told[-1].status[0].message.startswith("no image for"), "diagnostics")
            depth = ears.node.create_publisher(Image, "/image", 10)
            ears.wait(depth.get_subscription_count, "a subscriber of the images")

            def gave_up() -> bool:
                depth.publish(Image(height=2, width=2, encoding="16UC1", step=4, data=[0] * 8))
                return "images in a row failed (max_consecutive_failures is 3); giving up" in tracker.text()

            ears.wait(gave_up, "the node to give up")
    finally:
        tracker.kill()


def test_images_out_of_order_with_equal_stamps_and_without_stamps_are_tracked(scene: Scene) -> None:
    scene.send(scene.prompts, PromptArray(prompts=[box_at(0, 3)]))
    for ms in (0, 50, 100, 60, 60, 150):
        assert [one.id for one in scene.show(ms).objects] == [3], ms
    now, scene.base = scene.base, 0
    assert [one.id for one in scene.show(0).objects] == [3]
    scene.base = now
    assert offset(scene.show(200), 200) < 8
    assert "Traceback" not in scene.tracker.text()
