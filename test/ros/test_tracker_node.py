"""The live node on a real graph: launched as a user would, fed and heard from other processes."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph import Listener, Process, camera, launch_tracker, listener
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import Image
from vision_msgs.msg import Point2D

from sam2_ros.msg import Prompt, PromptArray, TrackedObjectArray
from sam2_ros.ros.types import TYPES
from sam2_ros.stream.boxes import box_message, corners_of

TOY = ("model:=toy", "checkpoint:=random", "device:=cpu")
RELIABLE = QoSProfile(depth=10)
NAME = "/robot/sam2_tracker"


class Graph:
    """A tracker in namespace /robot with a camera, and what was heard of them."""

    def __init__(self, ears: Listener, tracker: Process, folder: Path) -> None:
        self.ears, self.tracker, self.folder = ears, tracker, folder
        self.images = ears.hear(Image, "/camera/image", qos_profile_sensor_data)
        self.masks = ears.hear(Image, f"{NAME}/masks", RELIABLE)
        self.objects = ears.hear(TrackedObjectArray, f"{NAME}/objects", RELIABLE)
        self.prompts = ears.node.create_publisher(PromptArray, "/robot/prompts", QoSProfile(depth=100))
        self.camera = self.new_camera("camera.log")

    def new_camera(self, log: str, *size: str) -> Process:
        return camera(self.folder / log, "/camera/image", "10", *size)

    def prompt(self, *prompts: Prompt) -> None:
        self.ears.wait(self.prompts.get_subscription_count, "a subscriber of the prompts")
        self.prompts.publish(PromptArray(prompts=list(prompts)))

    def wait_for_ids(self, *ids: int) -> TrackedObjectArray:
        """The next message that lists exactly these objects."""
        self.objects.clear()
        self.ears.wait(
            lambda: any([o.id for o in message.objects] == list(ids) for message in self.objects), f"objects {ids}"
        )
        return next(message for message in self.objects if [o.id for o in message.objects] == list(ids))

    def wait_for_log(self, text: str) -> None:
        self.ears.wait(lambda: text in self.tracker.text(), f"{text!r} in the log")


def box(object_id: int, label: str = "") -> Prompt:
    return Prompt(object_id=object_id, label=label, has_box=True, box=box_message(TYPES, (40, 25, 90, 70)))


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    folder = tmp_path_factory.mktemp("graph")
    tracker = launch_tracker(folder / "tracker.log", *TOY, "namespace:=robot", "image_topic:=/camera/image")
    with listener() as ears:
        graph = Graph(ears, tracker, folder)
        try:
            graph.ears.wait(lambda: graph.objects, "the first objects message", 120)
            yield graph
        finally:
            graph.camera.kill()
            tracker.kill()


@pytest.fixture(autouse=True)
def start_empty(graph: Graph) -> None:
    graph.prompt(Prompt(action=Prompt.RESET))
    graph.wait_for_ids()


def key(header: Any) -> tuple[int, int, str]:
    return header.stamp.sec, header.stamp.nanosec, header.frame_id


def test_a_prompt_starts_an_object_and_every_output_has_its_images_header(graph: Graph) -> None:
    graph.prompt(box(7, "cup"))
    message = graph.wait_for_ids(7)
    assert (message.image_width, message.image_height) == (128, 96)
    assert message.processing_latency > 0
    tracked = message.objects[0]
    assert tracked.label == "cup"
    assert tracked.visible == (tracked.object_score > 0)
    assert 0 <= tracked.visibility <= 1
    assert 0 <= tracked.mask_score <= 1
    assert tracked.mask.data == b"" or len(tracked.mask.data) == 0

    graph.masks.clear()
    graph.ears.wait(lambda: len(graph.masks) > 3 and len(graph.objects) > 3, "more output")
    sent = {key(image.header) for image in graph.images}
    for output in [*graph.masks, *graph.objects]:
        graph.ears.wait(lambda: sent or graph.images, "the camera")
        assert key(output.header) in sent | {key(image.header) for image in graph.images}


def test_masks_are_label_images_that_fit_the_objects(graph: Graph) -> None:
    graph.prompt(box(3), Prompt(object_id=9, points=[Point2D(x=70.0, y=50.0)], point_labels=[Prompt.OBJECT]))
    graph.wait_for_ids(3, 9)
    graph.masks.clear()
    graph.objects.clear()
    graph.ears.wait(lambda: graph.masks and graph.objects, "output")
    objects = {key(m.header): m for m in graph.objects}
    graph.ears.wait(lambda: any(key(m.header) in {key(o.header) for o in graph.objects} for m in graph.masks), "a pair")
    objects = {key(m.header): m for m in graph.objects}
    masks = next(m for m in graph.masks if key(m.header) in objects)
    assert (masks.encoding, masks.width, masks.height, masks.step) == ("mono8", 128, 96, 128)
    labels = np.frombuffer(masks.data, np.uint8).reshape(96, 128)
    assert set(np.unique(labels)) <= {0, 3, 9}
    for tracked in objects[key(masks.header)].objects:
        assert (labels == tracked.id).sum() <= tracked.area  # overlaps go to one of the objects


def test_refining_removing_and_new_ids(graph: Graph) -> None:
    graph.prompt(box(0))
    graph.ears.wait(lambda: graph.objects and len(graph.objects[-1].objects) == 1, "a new object")
    first = graph.objects[-1].objects[0].id
    graph.prompt(box(0))
    graph.ears.wait(lambda: len(graph.objects[-1].objects) == 2, "a second object")
    second = next(o.id for o in graph.objects[-1].objects if o.id != first)
    graph.prompt(Prompt(object_id=first, points=[Point2D(x=60.0, y=40.0)], point_labels=[Prompt.BACKGROUND]))
    graph.wait_for_ids(*sorted((first, second)))
    graph.prompt(Prompt(object_id=first, action=Prompt.REMOVE))
    graph.wait_for_ids(second)


def test_bad_prompts_and_bad_images_are_said_and_change_nothing(graph: Graph) -> None:
    graph.prompt(box(5))
    graph.wait_for_ids(5)
    graph.prompt(Prompt(object_id=6, points=[Point2D(x=900.0, y=5.0)], point_labels=[1]))
    graph.wait_for_log("point (900, 5) is outside the 128x96 image")
    graph.prompt(Prompt(object_id=44, action=Prompt.REMOVE))
    graph.wait_for_log("object 44 cannot be removed: it is not tracked; tracked objects: 5")
    depth = graph.ears.node.create_publisher(Image, "/camera/image", qos_profile_sensor_data)
    graph.ears.wait(depth.get_subscription_count, "a subscriber of the images")
    for _ in range(20):  # best effort, and only the newest of the waiting images is taken
        depth.publish(Image(height=2, width=2, encoding="16UC1", step=4, data=bytes(8)))
        graph.ears.wait(lambda: True, "a moment")
        if "image skipped" in graph.tracker.text():
            break
        seen = len(graph.objects)
        graph.ears.wait(lambda seen=seen: len(graph.objects) > seen, "the next frame")
    graph.wait_for_log("image skipped")
    assert "16UC1" in graph.tracker.text()
    graph.ears.node.destroy_publisher(depth)
    graph.wait_for_ids(5)


def test_outputs_serve_reliable_and_best_effort_subscribers(graph: Graph) -> None:
    for topic, depth in (("masks", 5), ("overlay", 5), ("objects", 10)):
        (info,) = graph.ears.node.get_publishers_info_by_topic(f"{NAME}/{topic}")
        assert info.qos_profile.reliability == ReliabilityPolicy.RELIABLE, topic
        assert info.qos_profile.depth in (depth, 0), topic  # not every rmw tells the depth
    heard = graph.ears.hear(TrackedObjectArray, f"{NAME}/objects", qos_profile_sensor_data)
    graph.ears.wait(lambda: heard, "objects by best effort")


def test_the_overlay_is_a_picture_of_the_images_size(graph: Graph) -> None:
    graph.prompt(box(2))
    overlays = graph.ears.hear(Image, f"{NAME}/overlay", RELIABLE)
    graph.ears.wait(lambda: overlays, "an overlay")
    assert (overlays[0].encoding, overlays[0].width, overlays[0].height) == ("rgb8", 128, 96)
    assert key(overlays[0].header) in {key(image.header) for image in graph.images}


def test_objects_survive_a_camera_that_dies_and_comes_back_with_another_size(graph: Graph) -> None:
    graph.prompt(box(11))
    graph.wait_for_ids(11)
    graph.camera.kill()
    graph.camera = graph.new_camera("camera2.log", "160", "120")
    graph.wait_for_log("the image size changed from 128x96 to 160x120; tracked objects are carried over by rescaling")
    assert graph.wait_for_ids(11).image_width == 160
    graph.camera.kill()
    graph.camera = graph.new_camera("camera3.log")
    graph.wait_for_log("changed from 160x120 to 128x96")
    graph.wait_for_ids(11)


def test_parameters_have_meaning_and_range_and_some_change_while_running(graph: Graph) -> None:
    answer = graph.ears.call(GetParameters, f"{NAME}/get_parameters", GetParameters.Request(names=["model"]))
    assert answer.values[0].string_value == "toy"

    def set_to(name: str, value: ParameterValue) -> Any:
        request = SetParameters.Request(parameters=[Parameter(name=name, value=value)])
        return graph.ears.call(SetParameters, f"{NAME}/set_parameters", request).results[0]

    integer = ParameterType.PARAMETER_INTEGER
    assert set_to("fill_hole_area", ParameterValue(type=integer, integer_value=20)).successful
    assert not set_to("fill_hole_area", ParameterValue(type=integer, integer_value=-1)).successful
    assert not set_to("max_objects", ParameterValue(type=integer, integer_value=3)).successful
    crop = ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=True)
    assert set_to("publish_cropped_masks", crop).successful
    graph.prompt(box(4))
    graph.wait_for_ids(4)
    graph.objects.clear()
    graph.ears.wait(lambda: any(o.area and o.mask.width for m in graph.objects for o in m.objects), "a cropped mask")
    tracked = next(o for m in graph.objects for o in m.objects if o.area and o.mask.width)
    mask = np.frombuffer(tracked.mask.data, np.uint8).reshape(tracked.mask.height, tracked.mask.width)
    assert (mask == 255).sum() == tracked.area
    assert (tracked.mask_x_offset, tracked.mask_y_offset) == tuple(corners_of(tracked.box)[:2])


def test_quality_of_service_can_be_overridden(tmp_path: Path) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text(
        "/**:\n  ros__parameters:\n    qos_overrides:\n"
        "      /sam2_tracker/masks: {publisher: {reliability: best_effort}}\n"
        "      /prompts: {subscription: {reliability: best_effort}}\n"
    )
    tracker = launch_tracker(tmp_path / "tracker.log", *TOY, f"params_file:={file}")
    try:
        with listener() as ears:
            ears.wait(lambda: "tracking on" in tracker.text(), "an active tracker", 120)
            for look, topic in (
                (ears.node.get_publishers_info_by_topic, "/sam2_tracker/masks"),
                (ears.node.get_subscriptions_info_by_topic, "/prompts"),
            ):
                ears.wait(lambda look=look, topic=topic: look(topic), topic)
                (info,) = look(topic)
                assert info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT, topic
            assert "there is no parameter" not in tracker.text()
    finally:
        tracker.kill()


def test_the_newest_image_wins_and_sigint_ends_the_launch_cleanly(tmp_path: Path) -> None:
    fast = camera(tmp_path / "fast.log", "/fast/image", "100", "640", "480")
    tracker = launch_tracker(tmp_path / "tracker.log", "device:=cpu", "image_topic:=/fast/image")
    try:
        with listener() as ears:
            objects = ears.hear(TrackedObjectArray, "/sam2_tracker/objects", RELIABLE)
            ears.wait(lambda: len(objects) > 10, "objects", 120)
            tracker.send(signal.SIGINT)
            assert tracker.wait() in (0, 130), tracker.text()
        text = tracker.text()
        assert "process has finished cleanly" in text
        assert "Traceback" not in text
        stamps = [o.header.stamp.sec * 10**9 + o.header.stamp.nanosec for o in objects]
        assert stamps == sorted(stamps)
        dropped = int(text.split("images received, ")[1].split(" dropped")[0])
        assert dropped > 0
    finally:
        fast.kill()
        tracker.kill()


def test_sigterm_to_the_node_ends_it_cleanly_while_it_tracks(tmp_path: Path) -> None:
    eye = camera(tmp_path / "camera.log", "/term/image")
    tracker = launch_tracker(tmp_path / "tracker.log", *TOY, "image_topic:=/term/image")
    try:
        with listener() as ears:
            objects = ears.hear(TrackedObjectArray, "/sam2_tracker/objects", RELIABLE)
            ears.wait(lambda: objects, "objects", 120)
            os.kill(tracker.child(), signal.SIGTERM)
            tracker.wait()  # nothing is left to launch for
        assert "process has finished cleanly" in tracker.text()
        assert "Traceback" not in tracker.text()
    finally:
        eye.kill()
        tracker.kill()


def test_a_subscriber_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    eye = camera(tmp_path / "camera.log", "/busy/image", "10", "640", "480")
    tracker = launch_tracker(tmp_path / "tracker.log", *TOY, "image_topic:=/busy/image")
    hanging = Process(["ros2", "topic", "hz", "/sam2_tracker/masks"], tmp_path / "hz.log")
    try:
        with listener() as ears:
            objects = ears.hear(TrackedObjectArray, "/sam2_tracker/objects", RELIABLE)
            ears.wait(lambda: "average rate" in hanging.text(), "the subscriber to hear masks", 120)
            hanging.send(signal.SIGSTOP)
            objects.clear()
            started = time.monotonic()
            ears.wait(lambda: len(objects) > 50, "50 results while a subscriber hangs")
            assert time.monotonic() - started < 10  # 5 s at the camera's rate
            hanging.send(signal.SIGCONT)
            heard = hanging.text().count("average rate")
            ears.wait(lambda: hanging.text().count("average rate") > heard + 1, "the subscriber to go on")
    finally:
        for process in (hanging, eye, tracker):
            process.kill()


def test_a_checkpoint_that_is_not_there_fails_configure_with_one_line(tmp_path: Path) -> None:
    tracker = launch_tracker(tmp_path / "tracker.log", "model:=toy", "checkpoint:=/nowhere/model.pt")
    try:
        with listener() as ears:
            ears.wait(lambda: "cannot configure" in tracker.text(), "the reason", 120)
            assert "there is no readable checkpoint file /nowhere/model.pt" in tracker.text()
            assert "Traceback" not in tracker.text()
            assert tracker.running()
    finally:
        tracker.kill()


def test_a_parameter_of_the_wrong_type_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("/**:\n  ros__parameters:\n    max_objects: three\n")
    tracker = launch_tracker(tmp_path / "tracker.log", *TOY, f"params_file:={file}")
    try:
        with listener() as ears:
            ears.wait(lambda: "cannot start" in tracker.text(), "the reason", 120)
            assert "max_objects" in tracker.text()
            assert "Traceback" not in tracker.text()
    finally:
        tracker.kill()


@pytest.mark.parametrize("model", ["tiny", "nano"])  # one that has to be fetched, one that comes with the package
def test_sigint_is_heard_while_a_download_hangs_or_a_model_loads(tmp_path: Path, model: str) -> None:
    server = socket.create_server(("127.0.0.1", 0))  # takes connections and never answers
    address = f"http://127.0.0.1:{server.getsockname()[1]}"
    environment = {"SAM2_ROS_DOWNLOAD_URL": address, "SAM2_ROS_CACHE": str(tmp_path / "cache")}
    tracker = launch_tracker(tmp_path / "tracker.log", "device:=cpu", f"model:={model}", environment=environment)
    try:
        with listener() as ears:
            ears.wait(lambda: "loading the model" in tracker.text(), "the start of configure", 120)
            tracker.send(signal.SIGINT)
            tracker.wait()
            assert "process has finished cleanly" in tracker.text()
    finally:
        tracker.kill()
        server.close()
