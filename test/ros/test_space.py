"""Where objects are, on a real graph: images, depth, camera_info and tf come from another process."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from graph import Listener, Process, listener
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray

from sam2_ros.bag.reader import BagReader
from sam2_ros.cli import main as sam2_ros
from sam2_ros.errors import SpaceError
from sam2_ros.msg import Prompt, PromptArray, TrackedObjectArray
from sam2_ros.ros.transforms import Transforms
from sam2_ros.ros.types import TYPES
from sam2_ros.stream.boxes import box_message
from sam2_ros.stream.messages import stamp_ns

RELIABLE = QoSProfile(depth=50)
INPUTS = ("/image", "/depth", "/camera_info", "/prompts", "/tf", "/tf_static")
OUTPUTS = ("/sam2_tracker/objects", "/sam2_tracker/detections_3d")
TRACKED = 10  # images, at least


@dataclass(frozen=True)
class Live:
    """What was heard of a live run, and its recording."""

    bag: Path
    objects: list[TrackedObjectArray]
    detections: list[Detection3DArray]
    truth: list[Detection3DArray]
    clouds: list[PointCloud2]
    transforms: list[TFMessage]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Live:
    folder = tmp_path_factory.mktemp("space")
    bag = folder / "bag"
    recorder = Process(["ros2", "bag", "record", "-o", str(bag), *INPUTS, *OUTPUTS], folder / "record.log")
    arguments = ("depth:=true", "target_frame:=map", "publish_tf:=true", "difficulty:=easy", "seed:=2", "fps:=3.0")
    demo: Process | None = None
    try:
        with listener() as ears:
            ears.wait(lambda: "Listening for topics" in recorder.text(), "the recorder")
            demo = Process(["ros2", "launch", "sam2_ros", "demo.launch.py", *arguments], folder / "demo.log")
            heard = hear(ears)
            point_at_objects(ears, heard[0])
            ears.wait(lambda: len(with_positions(heard[0])) > TRACKED and len(heard[3]) > 3, "positions", 120)
            recorder.send(signal.SIGINT)
            recorder.wait()
    finally:
        for process in (recorder, demo):
            if process is not None:
                process.kill()
    return Live(bag, *heard)


def hear(ears: Listener) -> tuple[list[Any], ...]:
    return (
        ears.hear(TrackedObjectArray, "/sam2_tracker/objects", RELIABLE),
        ears.hear(Detection3DArray, "/sam2_tracker/detections_3d", RELIABLE),
        ears.hear(Detection3DArray, "/ground_truth/detections_3d", RELIABLE),
        ears.hear(PointCloud2, "/sam2_tracker/points", RELIABLE),
        ears.hear(TFMessage, "/tf", RELIABLE),
    )


def point_at_objects(ears: Listener, objects: list[TrackedObjectArray]) -> None:
    """A box for each object, made on an image that was tracked in; the recorder, too, hears it."""
    masks = ears.hear(Image, "/ground_truth/masks", RELIABLE)
    prompts = ears.node.create_publisher(PromptArray, "/prompts", RELIABLE)

    def common() -> Image | None:
        stamps = {stamp_ns(message.header.stamp) for message in objects}
        return next((mask for mask in reversed(masks) if stamp_ns(mask.header.stamp) in stamps), None)

    ears.wait(
        lambda: common() is not None and prompts.get_subscription_count() > 1, "images, tracker and recorder", 120
    )
    mask = common()
    assert mask is not None
    labels = np.frombuffer(mask.data, np.uint8).reshape(mask.height, mask.width)
    boxes = []
    for object_id in np.unique(labels[labels > 0]).tolist():
        rows, columns = np.nonzero(labels == object_id)
        corners = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        boxes.append(Prompt(object_id=object_id, has_box=True, box=box_message(TYPES, corners)))
    prompts.publish(PromptArray(header=mask.header, prompts=boxes))


def with_positions(objects: list[TrackedObjectArray]) -> list[TrackedObjectArray]:
    return [message for message in objects if any(one.has_position for one in message.objects)]


def xyz(point: Any) -> np.ndarray:
    return np.array((point.x, point.y, point.z))


def positions(messages: list[Any]) -> dict[tuple[int, int], np.ndarray]:
    """By stamp and object."""
    return {
        (stamp_ns(message.header.stamp), one.id): xyz(one.position)
        for message in messages
        for one in message.objects
        if one.has_position
    }


def test_positions_are_in_the_map_and_near_the_truth(live: Live) -> None:
    tracked = with_positions(live.objects)
    assert {message.position_frame for message in tracked} == {"map"}
    assert {message.header.frame_id for message in tracked} == {"camera_color_optical_frame"}
    # The scene's camera hardly moves, and its optical axis is the map's x.
    truth = {stamp_ns(m.header.stamp): {int(d.id): d for d in m.detections} for m in live.truth}
    errors = []
    for (stamp, object_id), position in positions(tracked).items():
        if object_id in truth.get(stamp, {}):
            true = xyz(truth[stamp][object_id].results[0].pose.pose.position)
            errors.append(abs(np.linalg.norm(position) - np.linalg.norm(true)) / np.linalg.norm(true))
    assert len(errors) > TRACKED // 2
    assert np.median(errors) < 0.05
    sure = [np.sqrt(np.diag(one.position_covariance.reshape(3, 3))) for one in tracked[-1].objects if one.has_position]
    assert all((sigma > 0.0).all() and (sigma < 0.1).all() for sigma in sure)


def test_detections_points_and_frames_say_the_same(live: Live) -> None:
    known = positions(live.objects)
    pairs = [
        (known[stamp_ns(m.header.stamp), int(d.id)], xyz(d.results[0].pose.pose.position))
        for m in live.detections
        for d in m.detections
        if (stamp_ns(m.header.stamp), int(d.id)) in known
    ]
    assert pairs
    assert all(np.array_equal(one, other) for one, other in pairs)
    frames = {
        (stamp_ns(t.header.stamp), t.child_frame_id): t
        for message in live.transforms
        for t in message.transforms
        if t.child_frame_id.startswith("sam2_object_")
    }
    assert {t.header.frame_id for t in frames.values()} == {"map"}
    compared = [
        np.array_equal(xyz(frames[stamp, f"sam2_object_{object_id}"].transform.translation), position)
        for (stamp, object_id), position in known.items()
        if (stamp, f"sam2_object_{object_id}") in frames
    ]
    assert compared
    assert all(compared)
    cloud = next(cloud for cloud in live.clouds if cloud.width)
    assert [field.name for field in cloud.fields] == ["x", "y", "z", "rgb", "id"]
    kind = np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4"), ("rgb", "u4"), ("id", "u4")])
    points = np.frombuffer(cloud.data, kind)
    one = int(points["id"][0])
    mean = [float(points[axis][points["id"] == one].mean()) for axis in "xyz"]
    assert mean == pytest.approx(known[stamp_ns(cloud.header.stamp), one], abs=1e-3)


def test_replayed_offline_the_positions_are_the_same(live: Live, tmp_path: Path) -> None:
    output = tmp_path / "replayed"
    arguments = ("--as-live", "--depth", "/depth", "--camera-info", "/camera_info", "--target-frame", "map")
    assert sam2_ros(["replay", str(live.bag), "--output", str(output), *arguments, "--device", "cpu", "--quiet"]) == 0
    with BagReader(output) as offline, BagReader(live.bag) as recorded:
        again, before = (positions(list(messages(bag, "/sam2_tracker/objects"))) for bag in (offline, recorded))
    assert len(before) > TRACKED
    # Live, the late prompt is applied to a past image, whose result was out already; offline to that image.
    assert before.keys() <= again.keys()
    largest = max(float(np.abs(again[key] - position).max()) for key, position in before.items())
    assert largest < 1e-9


def test_without_the_transform_positions_are_the_cameras_and_the_log_says_so_once(tmp_path: Path) -> None:
    arguments = ("depth:=true", "target_frame:=nowhere", "difficulty:=easy", "seed:=2", "fps:=3.0")
    demo = Process(["ros2", "launch", "sam2_ros", "demo.launch.py", *arguments], tmp_path / "demo.log")
    try:
        with listener() as ears:
            objects = ears.hear(TrackedObjectArray, "/sam2_tracker/objects", RELIABLE)
            ears.wait(lambda: len(with_positions(objects)) > 3, "positions", 120)
        assert {message.position_frame for message in objects} == {"camera_color_optical_frame"}
        assert demo.text().count("there is no transform from camera_color_optical_frame to nowhere") == 1
    finally:
        demo.kill()


def test_of_a_bag_that_loops_the_transforms_are_taken_again() -> None:
    with listener() as ears:
        transforms = Transforms(ears.node)
        tell = ears.node.create_publisher(TFMessage, "/tf", RELIABLE)

        def known(seconds: int) -> bool:
            header = Header(stamp=Time(sec=seconds), frame_id="map")
            tell.publish(TFMessage(transforms=[TransformStamped(header=header, child_frame_id="camera")]))
            try:
                transforms.find("map", "camera", seconds * 10**9, until=0.0)
            except SpaceError:
                return False
            return True

        ears.wait(lambda: known(1000), "the transform")
        ears.wait(lambda: known(10), "the transform of the second time round", 10)
        transforms.close()


def messages(bag: BagReader, name: str) -> Iterator[Any]:
    (topic,) = (topic for topic in bag.topics if topic.name == name)
    return (bag.decode(message) for message in bag.messages(topic, bag.span()))
