"""A live run recorded by `ros2 bag record`: replayed offline, and played back into a node."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from graph import Process, camera, launch_tracker, listener
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import Image

from sam2_ros.bag.reader import BagReader
from sam2_ros.cli import main as sam2_ros
from sam2_ros.msg import Prompt, PromptArray, TrackedObjectArray
from sam2_ros.ros.types import TYPES
from sam2_ros.stream.boxes import box_message
from sam2_ros.stream.messages import stamp_ns

IMAGES, PROMPTS = "/camera/image", "/prompts"
MASKS, OBJECTS = "/sam2_tracker/masks", "/sam2_tracker/objects"
RELIABLE = QoSProfile(depth=10)
LIVE = ("device:=cpu", f"image_topic:={IMAGES}")
TRACKED = 25  # images, at least


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bag of a live run at a camera that is faster than the tracker, prompted late on an image of its past."""
    folder = tmp_path_factory.mktemp("live")
    bag = folder / "bag"
    eye = camera(folder / "camera.log", IMAGES, "30", "320", "240")
    tracker = launch_tracker(folder / "tracker.log", *LIVE)
    recorder = Process(
        ["ros2", "bag", "record", "-o", str(bag), IMAGES, PROMPTS, MASKS, OBJECTS], folder / "record.log"
    )
    try:
        with listener() as ears:
            objects = ears.hear(TrackedObjectArray, OBJECTS, RELIABLE)
            images = ears.hear(Image, IMAGES, qos_profile_sensor_data)
            prompts = ears.node.create_publisher(PromptArray, PROMPTS, RELIABLE)
            ears.wait(lambda: len(objects) > 5 and prompts.get_subscription_count() == 2, "tracker and recorder", 120)
            ears.wait(lambda: all(topic in recorder.text() for topic in (IMAGES, PROMPTS, MASKS, OBJECTS)), "recording")
            time.sleep(1.0)  # of images that are remembered
            images.clear()
            objects.clear()
            ears.wait(lambda: len(objects) > 5, "results")
            box = box_message(TYPES, (110, 70, 240, 170))
            disc = Prompt(object_id=5, label="disc", has_box=True, box=box)
            prompts.publish(PromptArray(header=objects[2].header, prompts=[disc]))
            ears.wait(lambda: sum(bool(m.objects) for m in objects) > 2 * TRACKED, "tracked images")
            recorder.send(signal.SIGINT)
            recorder.wait()
    finally:
        for process in (recorder, tracker, eye):
            process.kill()
    return bag


def label_images(bag: Path) -> dict[int, np.ndarray]:
    with BagReader(bag) as reader:
        return {stamp_ns(m.header.stamp): np.array(m.data) for m in messages(reader, MASKS)}


def messages(reader: BagReader, name: str) -> Iterator[object]:
    (topic,) = (topic for topic in reader.topics if topic.name == name)
    return (reader.decode(message) for message in reader.messages(topic, reader.span()))


def test_replayed_offline_it_gives_the_same_masks(recorded: Path, tmp_path: Path) -> None:
    output = tmp_path / "replayed"
    assert sam2_ros(["replay", str(recorded), "--output", str(output), "--as-live", "--device", "cpu", "--quiet"]) == 0
    with BagReader(recorded) as reader:
        tracked = [stamp_ns(m.header.stamp) for m in messages(reader, OBJECTS) if m.objects]
    live, offline = label_images(recorded), label_images(output)
    assert len(tracked) > TRACKED
    assert all(live[stamp].any() for stamp in tracked)
    different = [stamp for stamp in tracked if not np.array_equal(live[stamp], offline[stamp])]
    assert not different, f"{len(different)} of {len(tracked)} label images differ"


def test_played_back_into_a_node_it_gives_the_same_objects(recorded: Path, tmp_path: Path) -> None:
    tracker = launch_tracker(tmp_path / "tracker.log", *LIVE)
    player: Process | None = None
    try:
        with listener() as ears:
            objects = ears.hear(TrackedObjectArray, OBJECTS, RELIABLE)
            ears.wait(lambda: "tracking on" in tracker.text(), "an active tracker", 120)
            command = ["ros2", "bag", "play", str(recorded), "--delay", "3", "--topics", IMAGES, PROMPTS]
            player = Process(command, tmp_path / "play.log")
            ears.wait(lambda: any(m.objects for m in objects), "tracked objects")
            player.wait()
            assert {(one.id, one.label) for m in objects for one in m.objects} == {(5, "disc")}
    finally:
        tracker.kill()
        if player is not None:
            player.kill()
