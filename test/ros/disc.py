"""A disc that crosses the picture, shown to a tracker image by image, and all ways to point at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import Point, PointStamped
from graph import Listener, Process, launch_tracker, listener
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import BoundingBox2D, Detection2D, Detection2DArray, ObjectHypothesisWithPose

from sam2_ros.msg import Prompt, PromptArray, TrackedObjectArray
from sam2_ros.stream.messages import pack_array

NAME = "/sam2_tracker"
SIZE = 128  # pixels
RADIUS = 18
MS = 1_000_000
RELIABLE = QoSProfile(depth=50)
NEAR = 6.0  # pixels from the disc
# Names that others gave: the launch file leads the node there.
DETECTIONS, CLICKS = "/detector/boxes", "/eye/image_mouse_left"
TOPICS = (f"detections_topic:={DETECTIONS}", f"click_point_topic:={CLICKS}")


def centre(ms: int) -> tuple[float, float]:
    """Where the disc is at a time: it crosses the picture in 1.5 seconds."""
    return 20 + 0.06 * ms, 64.0


def picture(ms: int) -> np.ndarray:
    """RGB (SIZE, SIZE, 3): a striped disc on a plain ground."""
    y, x = np.mgrid[:SIZE, :SIZE]
    frame = np.full((SIZE, SIZE, 3), (70, 110, 80), np.uint8)
    cx, cy = centre(ms)
    stripes = np.where((x - cx + y) % 12 < 6, 1, 0)[..., None]
    inside = (x - cx) ** 2 + (y - cy) ** 2 < RADIUS**2
    frame[inside] = np.where(stripes, (230, 190, 40), (190, 60, 40))[inside]
    return frame


class Scene:
    """A tracker whose images come one by one, when the test says so."""

    def __init__(self, ears: Listener, tracker: Process) -> None:
        self.ears, self.tracker = ears, tracker
        make = ears.node.create_publisher
        self.images = make(Image, "/image", RELIABLE)
        self.prompts = make(PromptArray, "/prompts", RELIABLE)
        self.detections = make(Detection2DArray, DETECTIONS, RELIABLE)
        self.click = make(PointStamped, "/click", RELIABLE)
        self.click_point = make(Point, CLICKS, RELIABLE)
        self.objects = ears.hear(TrackedObjectArray, f"{NAME}/objects", RELIABLE)
        self.base = 1_000_000  # ms: every test has a time of its own

    def header(self, ms: int) -> Header:
        sec, rest = divmod((self.base + ms) * MS, 1_000_000_000)
        header = Header(frame_id="camera")
        header.stamp.sec, header.stamp.nanosec = sec, rest
        return header

    def image(self, ms: int) -> Image:
        """The image of a time."""
        message = Image(header=self.header(ms), height=SIZE, width=SIZE, encoding="rgb8", step=3 * SIZE)
        message.data = pack_array(picture(ms))
        return message

    def show(self, ms: int) -> TrackedObjectArray:
        """The objects in the image of a time."""
        message = self.image(ms)
        self.objects.clear()
        self.images.publish(message)
        self.ears.wait(lambda: any(m.header == message.header for m in self.objects), f"objects at {ms} ms")
        return next(m for m in self.objects if m.header == message.header)

    def send(self, publisher: Publisher, message: Any) -> None:
        """Publish, and give it time to arrive before the next image."""
        publisher.publish(message)
        end = self.ears.node.get_clock().now().nanoseconds + 300 * MS
        self.ears.wait(lambda: self.ears.node.get_clock().now().nanoseconds > end, "time to pass")

    def found(self, *ms: int, **kind: str) -> Detection2DArray:
        """What a detector says of the disc at the first of these times, with the stamp of that."""
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = kind.get("label", "disc"), 0.9
        detection = Detection2D(bbox=box_at(ms[0]).box, results=[result], id=kind.get("id", ""))
        return Detection2DArray(header=self.header(ms[0]), detections=[detection])


def box_at(ms: int, object_id: int = 0) -> Prompt:
    box = BoundingBox2D(size_x=2.0 * RADIUS, size_y=2.0 * RADIUS)
    box.center.position.x, box.center.position.y = centre(ms)
    return Prompt(object_id=object_id, has_box=True, box=box)


def offset(objects: TrackedObjectArray, ms: int) -> float:
    """Distance of the only object's centroid from the disc, in pixels."""
    (one,) = objects.objects
    return float(np.hypot(one.centroid.x - centre(ms)[0], one.centroid.y - centre(ms)[1]))


def begin(scene: Scene, ms: int = 0, object_id: int = 1) -> None:
    """Track the disc from this time on."""
    scene.show(ms)
    scene.send(scene.prompts, PromptArray(header=scene.header(ms), prompts=[box_at(ms, object_id)]))
    assert offset(scene.show(ms + 50), ms + 50) < NEAR


@contextmanager
def scene_for_tracker(folder: Path, *arguments: str) -> Iterator[Scene]:
    """A tracker, launched with these arguments, that hears everything the scene sends."""
    tracker = launch_tracker(folder / "tracker.log", *TOPICS, "device:=cpu", *arguments)
    with listener() as ears:
        scene = Scene(ears, tracker)
        try:
            for publisher in (scene.images, scene.prompts, scene.detections, scene.click, scene.click_point):
                ears.wait(publisher.get_subscription_count, f"a subscriber of {publisher.topic_name}", 120)
            yield scene
        finally:
            tracker.kill()
