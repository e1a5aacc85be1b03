#!/usr/bin/env python3
"""What publishing an image costs: fill and publish, per size and encoding, to a subscriber in another process.

Needs a sourced ROS 2. `filled` is the time from an array to a message by rclpy's fast path (array.array of bytes),
`element by element` the same from a plain list, which is what rclpy checks one by one; `published` the time in
`publish`, `arrived` from before filling to the subscriber's callback. Medians, in milliseconds.
"""

import argparse
import functools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from sam2_ros.ros.types import TYPES
from sam2_ros.stream.messages import image_message

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080)}
CHANNELS = {"mono8": 1, "rgb8": 3}
TOPIC, ECHO = "/benchmark/image", "/benchmark/arrived"
RELIABLE = QoSProfile(depth=5)
PATIENCE = 20.0  # seconds for the two to find each other, and for an image to arrive


def listen() -> None:
    """The subscriber's process: sends back the header of what it got, with the time in it."""
    rclpy.init()
    node = rclpy.create_node("benchmark_listener")
    back = node.create_publisher(Header, ECHO, RELIABLE)

    def heard(message: Image) -> None:
        back.publish(Header(frame_id=f"{message.header.frame_id} {time.monotonic()}"))

    node.create_subscription(Image, TOPIC, heard, RELIABLE)
    with suppress(ExternalShutdownException):  # how it is told to end
        rclpy.spin(node)


class Sender:
    """Publishes images one by one, each when the one before has arrived."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._publisher = node.create_publisher(Image, TOPIC, RELIABLE)
        self._arrived: dict[str, float] = {}
        node.create_subscription(Header, ECHO, self._heard, RELIABLE)
        self._wait(lambda: self._publisher.get_subscription_count() and node.count_publishers(ECHO), "the listener")

    def measure(self, encoding: str, array: np.ndarray, repeats: int) -> Iterator[tuple[float, float, float]]:
        """Milliseconds to fill, to publish, and until it arrived."""
        for number in range(repeats):
            key = f"{encoding}/{array.shape[1]}/{number}"
            started = time.monotonic()
            message = image_message(TYPES, Header(frame_id=key), encoding, array)
            filled = time.monotonic()
            self._publisher.publish(message)
            published = time.monotonic()
            self._wait(functools.partial(self._arrived.__contains__, key), key)
            arrived = self._arrived[key]
            yield 1e3 * (filled - started), 1e3 * (published - filled), 1e3 * (arrived - started)

    def _wait(self, condition: Callable[[], Any], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            rclpy.spin_once(self._node, timeout_sec=0.1)
            if time.monotonic() > end:
                raise SystemExit(f"waited {PATIENCE:g} s in vain for {what}")

    def _heard(self, message: Header) -> None:
        key, when = message.frame_id.split()
        self._arrived[key] = float(when)


def slow_fill(array: np.ndarray) -> float:
    """Milliseconds to fill a message in the way that rclpy checks element by element."""
    return timed(lambda: setattr(Image(), "data", array.ravel().tolist()))


def timed(work: Callable[[], Any]) -> float:
    """Milliseconds."""
    started = time.monotonic()
    work()
    return 1e3 * (time.monotonic() - started)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--listen", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.listen:
        listen()
        return 0
    listener = subprocess.Popen([sys.executable, __file__, "--listen"])
    try:
        rclpy.init()
        node = rclpy.create_node("benchmark_sender")
        sender = Sender(node)
        print(f"{'':12} {'filled':>8} {'published':>10} {'arrived':>8} {'element by element':>20}")
        for name, (width, height) in SIZES.items():
            for encoding, channels in CHANNELS.items():
                array = np.zeros((height, width, 3)[: 2 + (channels > 1)], np.uint8)
                rows = list(sender.measure(encoding, array, args.repeats))
                filled, published, arrived = (statistics.median(column) for column in zip(*rows, strict=True))
                times = f"{filled:8.2f} {published:10.2f} {arrived:8.2f} {slow_fill(array):20.1f}"
                print(f"{name + ' ' + encoding:12} {times}")
    finally:
        listener.terminate()
        listener.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
