"""What the node tests share: the tracker and a camera as processes, and a node that listens to them."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile

HERE = Path(__file__).parent
# A domain of this run's own, so that other graphs on the machine neither hear nor disturb it. The ports of domains
# above 101 may be taken: Linux gives them to outgoing connections.
DOMAIN = 20 + os.getpid() % 82
ENVIRONMENT = {**os.environ, "ROS_DOMAIN_ID": str(DOMAIN), "PYTHONUNBUFFERED": "1"}
PATIENCE = 60.0  # seconds for things that take one on an idle machine


class Process:
    """A program in its own process group, whose output goes to a file."""

    def __init__(self, command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("w") as output:
            self._popen = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**ENVIRONMENT, **(environment or {})},
                start_new_session=True,
            )

    def send(self, number: signal.Signals) -> None:
        """Signal the process alone, as a terminal or a supervisor would a launch."""
        self._popen.send_signal(number)

    def wait(self) -> int:
        return self._popen.wait(PATIENCE)

    def child(self) -> int:
        """Process id of the first program that this launch started."""
        started = re.search(r"process started with pid \[(\d+)\]", self.text())
        assert started is not None, self.text()
        return int(started[1])

    def text(self) -> str:
        return self.log.read_text()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait(PATIENCE)

    def running(self) -> bool:
        return self._popen.poll() is None


def camera(log: Path, *arguments: str) -> Process:
    return Process([sys.executable, str(HERE / "camera.py"), *arguments], log)


def launch_tracker(log: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Process:
    return Process(["ros2", "launch", "sam2_ros", "tracker.launch.py", *arguments], log, environment)


class Listener:
    """A node with everything it heard, spun only while something is waited for."""

    def __init__(self, node: Node, executor: SingleThreadedExecutor) -> None:
        self.node = node
        self._executor = executor

    def hear(self, message: Any, topic: str, qos: QoSProfile) -> list[Any]:
        """A list that fills with the messages of a topic."""
        heard: list[Any] = []
        self.node.create_subscription(message, topic, heard.append, qos)
        return heard

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> None:
        """Spin until the condition holds; fail the test with ``what`` otherwise."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what}"
            self._executor.spin_once(timeout_sec=0.1)

    def call(self, service: Any, name: str, request: Any) -> Any:
        """The answer of a service."""
        client = self.node.create_client(service, name)
        self.wait(client.service_is_ready, f"the service {name}")
        future = client.call_async(request)
        self.wait(future.done, f"the answer of {name}")
        return future.result()


@contextmanager
def listener() -> Iterator[Listener]:
    context = Context()
    rclpy.init(context=context, domain_id=DOMAIN)
    node = rclpy.create_node("listener", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        yield Listener(node, executor)
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
