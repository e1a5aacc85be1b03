#!/usr/bin/env python3
"""A camera for tests: publishes a moving disc until it is stopped.

camera.py TOPIC [RATE_HZ [WIDTH HEIGHT]]
"""

import sys

import numpy as np
import rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from sam2_ros.stream.messages import pack_array

FRAME_ID = "camera_color_optical_frame"


def picture(index: int, width: int, height: int) -> np.ndarray:
    """RGB (height, width, 3): a bright disc on a gradient."""
    y, x = np.mgrid[:height, :width]
    frame = np.stack((x * 120 // width, y * 120 // height, np.full_like(x, 60)), axis=-1).astype(np.uint8)
    frame[(x - width // 2 - 3 * (index % 10)) ** 2 + (y - height // 2) ** 2 < (height // 5) ** 2] = (240, 220, 40)
    return frame


def main() -> None:
    topic, rate, width, height = [*sys.argv[1:], *["10", "128", "96"][len(sys.argv) - 2 :]]
    rclpy.init()
    node = rclpy.create_node("camera")
    publisher = node.create_publisher(Image, topic, qos_profile_sensor_data)
    count = 0

    def publish() -> None:
        nonlocal count
        frame = picture(count, int(width), int(height))
        message = Image(height=frame.shape[0], width=frame.shape[1], encoding="rgb8", step=frame.shape[1] * 3)
        message.header.stamp = node.get_clock().now().to_msg()
        message.header.frame_id = FRAME_ID
        message.data = pack_array(frame)
        publisher.publish(message)
        count += 1

    node.create_timer(1 / float(rate), publish)
    rclpy.spin(node)


main()
