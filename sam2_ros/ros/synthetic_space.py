"""Depth, camera model, transforms and true boxes of a made-up scene, live."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from tf2_ros import StaticTransformBroadcaster, TransformBroadcaster
from vision_msgs.msg import Detection3DArray

from ..space.camera import PinholeCamera
from ..stream.messages import image_message
from ..stream.space_messages import detection_message, transform_message
from ..synthetic import DepthFrame
from ..synthetic.depth import BODY
from .types import SPACE_TYPES, TYPES

MAP, LINK = "map", "camera_link"


class SyntheticSpace:
    """Publishes what belongs to the frames of a scene, in their order."""

    def __init__(self, node: Any, frames: Iterator[DepthFrame]) -> None:
        self._frames = frames
        reliable = QoSProfile(depth=5)
        self._depth = node.create_publisher(Image, "depth", reliable)
        self._info = node.create_publisher(CameraInfo, "camera_info", reliable)
        self._truth = node.create_publisher(Detection3DArray, "ground_truth/detections_3d", reliable)
        self._moving, self._fixed = TransformBroadcaster(node), StaticTransformBroadcaster(node)
        self._fixed_is_told = False

    def show(self, header: Header, labels: np.ndarray) -> None:
        """The next frame; ``header``: of its image, ``labels``: its ground truth (H, W)."""
        frame = next(self._frames)
        self._transforms(header, frame)
        self._info.publish(_camera_info(header, frame.camera))
        self._depth.publish(image_message(TYPES, header, "16UC1", frame.measured))
        found = [
            detection_message(SPACE_TYPES, header, object_id, "", 1.0, place)
            for object_id, place in frame.objects(labels).items()
        ]
        self._truth.publish(Detection3DArray(header=header, detections=found))

    def _transforms(self, header: Header, frame: DepthFrame) -> None:
        if not self._fixed_is_told:
            self._fixed_is_told = True
            body = Header(stamp=header.stamp, frame_id=LINK)
            self._fixed.sendTransform(transform_message(SPACE_TYPES, body, header.frame_id, BODY))
        there = Header(stamp=header.stamp, frame_id=MAP)
        self._moving.sendTransform(transform_message(SPACE_TYPES, there, LINK, frame.in_map.after(BODY.inverse())))


def _camera_info(header: Header, camera: PinholeCamera) -> CameraInfo:
    k, p = camera.matrix, np.column_stack((camera.matrix, np.zeros(3)))
    return CameraInfo(
        header=header,
        height=camera.height,
        width=camera.width,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=k.reshape(-1),
        r=np.eye(3).reshape(-1),
        p=p.reshape(-1),
    )
