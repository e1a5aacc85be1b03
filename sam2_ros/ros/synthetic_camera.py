"""The node ``synthetic_camera``: a made-up scene as a camera would show it, with prompts and ground truth."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from sam2_ros.msg import Prompt, PromptArray

from ..demo.scene import DIFFICULTY, HEIGHT, LIVE_FPS, SEED, WIDTH
from ..errors import ConfigError
from ..stream.boxes import box_message
from ..stream.messages import image_message
from ..synthetic import SceneFrame, depth_frames, scene, settings_for
from .synthetic_space import SyntheticSpace
from .types import TYPES

FRAME_ID = "camera_color_optical_frame"
ENDLESS = 1_000_000  # frames: at 15 a second 18 hours


class SyntheticCamera(Node):
    """Waits until somebody takes prompts, then shows a scene whose first image is announced by a box per object.

    Raises ConfigError for a parameter that describes no scene.
    """

    def __init__(self) -> None:
        super().__init__("synthetic_camera")
        value = {
            name: self.declare_parameter(name, default).value
            for name, default in (
                ("seed", SEED),
                ("difficulty", DIFFICULTY),
                ("width", WIDTH),
                ("height", HEIGHT),
                ("fps", LIVE_FPS),
                ("depth", False),
            )
        }
        settings = dataclasses.replace(
            settings_for(value["difficulty"]),
            width=value["width"],
            height=value["height"],
            fps=value["fps"],
            frames=ENDLESS,
        )
        self._frames: Iterator[SceneFrame] = scene(value["seed"], settings)
        depths = depth_frames(value["seed"], settings) if value["depth"] else None
        self._space = None if depths is None else SyntheticSpace(self, depths)
        self._announced = False
        reliable = QoSProfile(depth=5)
        self._images = self.create_publisher(Image, "image", reliable)
        self._prompts = self.create_publisher(PromptArray, "prompts", reliable)
        self._truth = self.create_publisher(Image, "ground_truth/masks", reliable)
        self.create_timer(1 / settings.fps, self._show)
        self.get_logger().info("waiting for a tracker")

    def _show(self) -> None:
        """One image, once there is a tracker."""
        if not (self._announced or self._prompts.get_subscription_count()):
            return
        frame = next(self._frames)
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=FRAME_ID)
        if not self._announced:
            self._announced = True
            self._prompts.publish(PromptArray(header=header, prompts=_boxes(frame)))
            self.get_logger().info(f"the scene begins, with a box for each of {len(frame.boxes)} objects")
        if self._space is not None:
            self._space.show(header, frame.labels)
        self._images.publish(image_message(TYPES, header, "rgb8", frame.image))
        self._truth.publish(image_message(TYPES, header, "mono8", frame.labels))


def _boxes(frame: SceneFrame) -> list[Any]:
    """sam2_ros/Prompt for every object that is seen."""
    prompts = []
    for object_id, box in enumerate(frame.boxes, start=1):
        if box is not None:
            prompts.append(Prompt(object_id=object_id, has_box=True, box=box_message(TYPES, box)))
    return prompts


def main() -> None:
    """Run the node until it is stopped."""
    rclpy.init()
    try:
        rclpy.spin(SyntheticCamera())
    except ConfigError as error:
        rclpy.logging.get_logger("synthetic_camera").fatal(f"cannot start: {error}")
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()
