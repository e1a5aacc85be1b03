"""The process of the node: spins it, survives what goes wrong in its callbacks, and ends it in time."""

import logging
import os
import signal
import sys
import threading
import time
from typing import Any

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from .explain import located
from .node import TrackerNode

SIGNAL_LATENCY = 0.2  # seconds until the main thread looks up from waiting
TWICE = 0.5  # seconds in which a terminal and a launch may both send the same signal
# Seconds for what has to be done at the end, and for all of it, after which the process ends as it is.
LAST_IMAGE, LAST_ANSWERS, LAST_CALLBACKS, END = 0.8, 0.3, 0.2, 1.8


class ForwardLog(logging.Handler):
    """Passes the package's own log lines, a download's for one, to the node's logger."""

    def __init__(self, logger: Any) -> None:
        super().__init__(logging.INFO)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        if record.levelno >= logging.WARNING:
            self._logger.warning(record.getMessage())
        else:
            self._logger.info(record.getMessage())


class Stop:
    """SIGINT and SIGTERM: the first asks for an end in order, which has its time; the second is the end."""

    def __init__(self) -> None:
        self._asked = 0.0  # monotonic seconds; 0: not yet
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    @property
    def asked(self) -> bool:
        """Whether the process is to end."""
        return self._asked > 0

    def _on_signal(self, number: int, _: Any) -> None:
        now = time.monotonic()
        if not self.asked:
            self._asked = now
            limit = threading.Timer(END, end_at_once, (0,))
            limit.daemon = True
            limit.start()
        elif now - self._asked > TWICE:
            end_at_once(128 + number)


def end_at_once(code: int) -> None:
    """End the process without the interpreter's own end, which waits for threads in torch, a compiler or a download, or
    crashes where they are."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    stop = Stop()
    # With rclpy's own handlers the context is gone before the node could say a last word.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = TrackerNode()
    except ParameterException as error:
        rclpy.logging.get_logger("sam2_tracker").fatal(f"cannot start: {error}; correct the parameter file")
        rclpy.shutdown()
        sys.exit(1)
    log = logging.getLogger("sam2_ros")
    log.addHandler(ForwardLog(node.get_logger()))
    log.setLevel(logging.INFO)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    executor.create_task(node.autostart)
    while rclpy.ok() and not stop.asked:
        spin_once(executor, node, SIGNAL_LATENCY)
    node.end(LAST_IMAGE)
    until = time.monotonic() + LAST_ANSWERS
    while node.answering and time.monotonic() < until:
        spin_once(executor, node, 0.05)
    # Humble waits here for every coroutine, also for those that nobody goes on with.
    executor.shutdown(timeout_sec=LAST_CALLBACKS)
    node.destroy_node()
    rclpy.try_shutdown()
    end_at_once(0)


def spin_once(executor: SingleThreadedExecutor, node: TrackerNode, seconds: float) -> None:
    """One callback. Whatever comes over the graph, what goes wrong in it is logged and survived."""
    try:
        executor.spin_once(timeout_sec=seconds)
    except Exception as error:
        node.get_logger().error(f"a callback failed: {located(error)}", throttle_duration_sec=1.0)
