"""Every way to say where an object is: services, clicks, detections, late prompts; on a real graph."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from disc import NAME, RELIABLE, SIZE, Scene, box_at, centre, offset, picture, scene_for_tracker
from geometry_msgs.msg import Point, PointStamped
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool, Trigger
from vision_msgs.msg import Detection2DArray, LabelInfo, Point2D

from sam2_ros.msg import Prompt, PromptArray
from sam2_ros.srv import AddPrompts, RemoveObject
from sam2_ros.stream.messages import pack_array

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene_for_tracker(tmp_path_factory.mktemp("sources")) as scene:
        yield scene


@pytest.fixture
def scene(shared: Scene) -> Scene:
    shared.base += 100_000
    shared.send(shared.prompts, PromptArray(prompts=[Prompt(action=Prompt.RESET)]))
    shared.show(-500)
    return shared


def call_while_showing(scene: Scene, service: Any, name: str, request: Any, start_ms: int) -> Any:
    """The answer of a service that waits for an image."""
    client = scene.ears.node.create_client(service, name)
    scene.ears.wait(client.service_is_ready, name)
    future = client.call_async(request)
    for ms in range(start_ms, start_ms + 2000, 50):
        if future.done():
            break
        scene.show(ms)
    scene.ears.wait(future.done, f"the answer of {name}")
    return future.result()


def test_the_reliability_of_images_follows_their_publisher(scene: Scene) -> None:
    def reliability() -> list[ReliabilityPolicy]:
        return [info.qos_profile.reliability for info in scene.ears.node.get_subscriptions_info_by_topic("/image")]

    scene.ears.wait(lambda: reliability() == [ReliabilityPolicy.RELIABLE], "a reliable subscription")
    other = scene.ears.node.create_publisher(Image, "/image", qos_profile_sensor_data)
    scene.ears.wait(lambda: reliability() == [ReliabilityPolicy.BEST_EFFORT], "a subscription that fits both")
    scene.ears.node.destroy_publisher(other)
    scene.ears.wait(lambda: reliability() == [ReliabilityPolicy.RELIABLE], "a reliable subscription again")
    scene.ears.wait(scene.images.get_subscription_count, "the images' subscriber")


def test_diagnostics_tell_what_is_going_on(scene: Scene) -> None:
    heard = scene.ears.hear(DiagnosticArray, "/diagnostics", RELIABLE)
    scene.send(scene.prompts, PromptArray(prompts=[box_at(0)]))
    for ms in range(0, 300, 50):
        scene.show(ms)
    heard.clear()
    scene.ears.wait(lambda: heard, "diagnostics")
    (status,) = heard[0].status
    assert status.name == "sam2_tracker: tracking"
    assert (status.level, status.message) == (DiagnosticStatus.OK, "tracking 1 objects")
    values = {pair.key: pair.value for pair in status.values}
    assert int(values["images tracked"]) > 0
    assert int(values["objects"]) == 1
    assert 0 < int(values["memory bank, bytes per object"]) <= int(values["memory bank, bytes"])
    assert values["network runs"] == "uncompiled"
    p50, p95, most = (float(value) for value in values["computing, p50 / p95 / max, ms"].split(" / "))
    assert 0 < p50 <= p95 <= most
    assert float(values["images per second tracked"]) > 0


def test_a_late_detection_puts_the_mask_on_the_moving_object(scene: Scene) -> None:
    for ms in range(0, 500, 50):
        scene.show(ms)
    scene.send(scene.detections, scene.found(50))  # 400 ms late; by now the disc is 27 pixels further
    objects = scene.show(500)
    assert [one.label for one in objects.objects] == ["disc"]
    assert objects.objects[0].first_seen == scene.header(50).stamp
    assert offset(objects, 500) < 8
    for ms in range(550, 1500, 50):
        objects = scene.show(ms)
        scene.send(scene.detections, scene.found(ms - 400))
    assert len(objects.objects) == 1  # repeated detections never double it
    assert offset(objects, ms) < 8


def test_an_object_that_is_lost_is_told_again_by_its_detector(scene: Scene) -> None:
    """The prompt was wrong, the mask sits on the background; the detector disagrees until that is forgotten."""
    scene.show(0)
    wrong = box_at(1400, 1)
    wrong.label = "disc"
    scene.send(scene.prompts, PromptArray(prompts=[wrong]))
    scene.show(50)
    for ms in range(100, 600, 50):
        scene.show(ms)
        scene.send(scene.detections, scene.found(ms, id="disc"))
    for ms in range(600, 800, 50):  # and no more detections
        objects = scene.show(ms)
        assert [one.id for one in objects.objects] == [1]
        assert offset(objects, ms) < 8


def test_add_prompts_answers_after_the_effect(scene: Scene) -> None:
    bad = Prompt(points=[Point2D(x=1.0, y=1.0)], point_labels=[0])
    request = AddPrompts.Request(prompts=PromptArray(prompts=[box_at(0), bad]))
    answer = call_while_showing(scene, AddPrompts, f"{NAME}/add_prompts", request, 0)
    good, refused = answer.outcomes
    assert good.accepted
    assert good.object_id > 0
    assert 0 < good.mask_score <= 1
    assert not refused.accepted
    assert "nothing in it is said to be the object" in refused.reason
    assert [one.id for one in scene.show(1000).objects] == [good.object_id]

    remove = RemoveObject.Request(object_id=good.object_id)
    assert call_while_showing(scene, RemoveObject, f"{NAME}/remove_object", remove, 1050).success
    assert scene.show(1200).objects == []
    answer = call_while_showing(scene, RemoveObject, f"{NAME}/remove_object", remove, 1250)
    assert (answer.success, answer.message.count("is not tracked")) == (False, 1)


def test_reset_and_pause(scene: Scene) -> None:
    scene.send(scene.prompts, PromptArray(prompts=[box_at(0)]))
    assert len(scene.show(0).objects) == 1
    assert call_while_showing(scene, Trigger, f"{NAME}/reset", Trigger.Request(), 50).success
    assert scene.show(500).objects == []

    assert scene.ears.call(SetBool, f"{NAME}/set_paused", SetBool.Request(data=True)).success
    scene.objects.clear()
    message = Image(header=scene.header(550), height=SIZE, width=SIZE, encoding="rgb8", step=3 * SIZE)
    message.data = pack_array(picture(550))
    scene.send(scene.images, message)
    assert scene.objects == []
    assert scene.ears.call(SetBool, f"{NAME}/set_paused", SetBool.Request(data=False)).success
    scene.show(600)


def test_a_caller_is_told_when_no_image_comes(scene: Scene) -> None:
    answer = scene.ears.call(Trigger, f"{NAME}/reset", Trigger.Request())
    assert not answer.success
    assert "no image came within 5 s" in answer.message


def test_a_click_starts_an_object_and_the_next_one_on_it_refines_it(scene: Scene) -> None:
    scene.show(0)
    x, y = centre(0)
    scene.send(scene.click_point, Point(x=x, y=y))
    first = scene.show(50)
    assert len(first.objects) == 1
    x, y = centre(50)
    scene.send(scene.click, PointStamped(header=scene.header(50), point=Point(x=x + 3, y=y)))
    assert [one.id for one in scene.show(100).objects] == [first.objects[0].id]
    scene.send(scene.click, PointStamped(header=scene.header(100), point=Point(x=5000.0, y=2.0)))
    scene.show(150)
    scene.ears.wait(lambda: "click at (5000, 2) is outside the 128x128 image" in scene.tracker.text(), "a word on it")


def test_visible_objects_are_published_as_detections_and_labels_are_latched(scene: Scene) -> None:
    heard = scene.ears.hear(Detection2DArray, f"{NAME}/detections", RELIABLE)
    prompt = box_at(0)
    prompt.label = "ball"
    scene.send(scene.prompts, PromptArray(prompts=[prompt]))
    objects = scene.show(0)
    scene.ears.wait(lambda: any(message.header == objects.header for message in heard), "detections")
    (one,) = next(message for message in heard if message.header == objects.header).detections
    assert (one.id, one.results[0].hypothesis.class_id) == (str(objects.objects[0].id), "ball")
    assert one.bbox == objects.objects[0].box
    assert np.hypot(one.bbox.center.position.x - centre(0)[0], one.bbox.center.position.y - centre(0)[1]) < 8
    labels = scene.ears.hear(LabelInfo, f"{NAME}/label_info", LATCHED)  # only now
    scene.ears.wait(lambda: labels, "the latched labels")
    assert [(c.class_id, c.class_name) for c in labels[-1].class_map] == [(objects.objects[0].id, "ball")]
