"""Tests of the live node run only against the real thing: where rclpy and the built messages are there."""

import importlib.util
import os

# The networks in these tests are so small that threads only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def _can_import(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


ROS_IS_HERE = _can_import("rclpy") and _can_import("sam2_ros.msg")
collect_ignore = [] if ROS_IS_HERE else ["ros"]


def pytest_report_header() -> str:
    if ROS_IS_HERE:
        return "ROS 2: found, the tests in test/ros run"
    return "ROS 2: not found (rclpy and the built sam2_ros.msg), the tests in test/ros are LEFT OUT"
