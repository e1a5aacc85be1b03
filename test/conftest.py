"""Tests of the live node run only where rclpy and the built messages are there, those of a GPU only where one is."""

import importlib.util
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

# The networks in these tests are so small that threads only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def _can_import(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _cuda_is_here() -> bool:
    import torch  # not before the number of threads is said

    return torch.cuda.is_available()


ROS_IS_HERE = _can_import("rclpy") and _can_import("sam2_ros.msg")
NEED_NO_ROS = {"test_mailbox.py"}  # of the tests of the node
_NODE = Path(__file__).parent.glob("ros/test_*.py")
CUDA_IS_HERE = _cuda_is_here()
collect_ignore = [] if ROS_IS_HERE else [str(file) for file in _NODE if file.name not in NEED_NO_ROS]
collect_ignore += [] if CUDA_IS_HERE else ["cuda"]
HYPOTHESIS_IS_HERE = _can_import("hypothesis")
collect_ignore += [] if HYPOTHESIS_IS_HERE else ["fuzzing"]
# What the tests launch has to run in this very environment; `colcon test` puts another Python first.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))

# A shell starts what runs in its background deaf to Ctrl-C, and some tests press it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _logging_as_a_library_has_it() -> None:
    """The command takes the package's messages for itself, also in a fixture of a whole module: not beyond it."""
    log = logging.getLogger("sam2_ros")
    log.handlers, log.propagate = [], True
    log.setLevel(logging.NOTSET)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Said at the end, where it is read."""
    if ROS_IS_HERE:
        terminalreporter.write_line("ROS 2: found, the tests of the node (test/ros) are among these")
    else:
        terminalreporter.write_line(
            "ROS 2: not found (rclpy, built sam2_ros.msg); the tests of the node (test/ros) are LEFT OUT"
        )
    if CUDA_IS_HERE:
        terminalreporter.write_line("CUDA: found, the tests in test/cuda are among these")
    else:
        terminalreporter.write_line("CUDA: not found; the tests in test/cuda are LEFT OUT")
    if not HYPOTHESIS_IS_HERE:
        terminalreporter.write_line("hypothesis: not found (it is in [test]); the tests in test/fuzzing are LEFT OUT")
