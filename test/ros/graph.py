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
from ament_index_python.packages import get_package_prefix
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, SetParametersResult
from rcl_interfaces.srv import SetParameters
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


def run_tracker(log: Path, *parameters: str, environment: Mapping[str, str] | None = None) -> Process:
    """The node alone, without a launch around it; ``parameters``: name:=value."""
    program = Path(get_package_prefix("sam2_ros")) / "lib" / "sam2_ros" / "tracker"
    options = [word for parameter in parameters for word in ("-p", parameter)]
    return Process([str(program), "--ros-args", *options], log, environment)


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

    def ask(self, service: Any, name: str, request: Any) -> Any:
        """The future answer of a service."""
        client = self.node.create_client(service, name)
        self.wait(client.service_is_ready, f"the service {name}")
        return client.call_async(request)

    def call(self, service: Any, name: str, request: Any) -> Any:
        """The answer of a service."""
        future = self.ask(service, name, request)
        self.wait(future.done, f"the answer of {name}")
        return future.result()

    def change(self, transition: int, name: str = "/sam2_tracker") -> bool:
        """Whether a transition of a tracker succeeded."""
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self.call(ChangeState, f"{name}/change_state", request).success)

    def state(self, name: str = "/sam2_tracker") -> str:
        """The state of a tracker."""
        return str(self.call(GetState, f"{name}/get_state", GetState.Request()).current_state.label)

    def set(self, parameter: str, value: Any, name: str = "/sam2_tracker") -> SetParametersResult:
        """What became of a new value of a tracker's parameter."""
        message: Parameter = rclpy.parameter.Parameter(parameter, value=value).to_parameter_msg()
        return self.call(SetParameters, f"{name}/set_parameters", SetParameters.Request(parameters=[message])).results[
            0
        ]


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
