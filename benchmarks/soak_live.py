"""The live node for a long time: does it keep up, and does it stay as it is?

Launches the tracker as a user would, shows it a made-up scene from a camera process, lets prompts come and go, and
listens from a process of its own. Prints once a minute, and at the end: images sent, tracked and dropped, latency from
the image's stamp to the arrival of its objects, and the resident memory of the node. Ends with 1 when memory grew by
more than it may, an error was logged, or nothing came for five seconds.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import Image

from sam2_ros.msg import Prompt, PromptArray, TrackedObjectArray
from sam2_ros.ros.types import TYPES
from sam2_ros.stream.boxes import box_message
from sam2_ros.stream.messages import NS_PER_S, image_message, stamp_ns
from sam2_ros.synthetic import SceneFrame, scene, settings_for

SCENE_FRAMES = 120  # shown forwards and backwards, so that nothing jumps
SETTLED = 60.0  # seconds after which memory has to stay as it is
PROMPT_EVERY = 2.0  # seconds
FORGET_EVERY = 5  # prompts: then all objects go
SILENCE = 5.0  # seconds
IMAGES = "/soak/image"


def pictures(width: int, height: int) -> list[SceneFrame]:
    """The scene, there and back."""
    settings = replace(settings_for("medium"), width=width, height=height, frames=SCENE_FRAMES, objects_min=3)
    frames = list(scene(5, settings))
    return frames + frames[::-1]


def show(width: int, height: int, rate: float) -> None:
    """The camera's process."""
    frames = pictures(width, height)
    rclpy.init()
    node = rclpy.create_node("soak_camera")
    publisher = node.create_publisher(Image, IMAGES, qos_profile_sensor_data)
    count = 0

    def publish() -> None:
        nonlocal count
        header = Image().header
        header.stamp, header.frame_id = node.get_clock().now().to_msg(), str(count)
        publisher.publish(image_message(TYPES, header, "rgb8", frames[count % len(frames)].image))
        count += 1

    node.create_timer(1 / rate, publish)
    print("ready", flush=True)
    with suppress(KeyboardInterrupt):  # that is how it is told to stop
        rclpy.spin(node)


@dataclass(frozen=True)
class Report:
    """What came of a soak."""

    seconds: float
    sent: int  # images, by the number on the last one tracked
    tracked: int
    latency_ms: tuple[float, float, float, float]  # p50, p95, p99, max
    longest_silence_s: float
    prompts: int
    most_objects: int
    resident_settled: int  # bytes, after a minute
    resident_end: int
    errors: int  # lines in the node's log

    @property
    def dropped(self) -> int:
        """Images that gave way to newer ones, or were lost on the way."""
        return self.sent - self.tracked

    @property
    def growth(self) -> float:
        """MiB since the first minute."""
        return (self.resident_end - self.resident_settled) / 2**20

    def __str__(self) -> str:
        p50, p95, p99, most = self.latency_ms
        return (
            f"{self.seconds:.0f} s: {self.sent} images sent, {self.tracked} tracked "
            f"({self.tracked / self.seconds:.1f}/s), {self.dropped} dropped ({100 * self.dropped / self.sent:.0f} %); "
            f"latency p50 {p50:.0f}, p95 {p95:.0f}, p99 {p99:.0f}, max {most:.0f} ms; longest silence "
            f"{self.longest_silence_s:.1f} s; {self.prompts} prompts, at most {self.most_objects} objects; resident "
            f"{self.resident_settled / 2**20:.1f} MiB after a minute, {self.resident_end / 2**20:.1f} at the end "
            f"({self.growth:+.1f}); {self.errors} errors logged"
        )


class Audience:
    """Listens to the tracker, and tells it what to track and what to forget."""

    def __init__(self, node: Node, tracker_pid: int, log: Path, frames: list[SceneFrame]) -> None:
        self._node, self._pid, self._log, self._frames = node, tracker_pid, log, frames
        self._began = self._last = time.monotonic()
        self._latencies: list[float] = []
        self._first, self._sent, self._most = -1, 0, 0
        self._silence = 0.0
        self._prompts = 0
        self._settled = 0
        self._header: Any = None
        self._publisher = node.create_publisher(PromptArray, "/prompts", QoSProfile(depth=10))
        node.create_subscription(TrackedObjectArray, "/sam2_tracker/objects", self._heard, QoSProfile(depth=10))
        node.create_subscription(Image, "/sam2_tracker/masks", lambda _: None, QoSProfile(depth=5))
        node.create_timer(PROMPT_EVERY, self._prompt)

    def report(self) -> Report:
        """Everything so far."""
        resident = resident_bytes(self._pid)
        if not self._settled and time.monotonic() - self._began >= SETTLED:
            self._settled = resident
        return Report(
            seconds=time.monotonic() - self._began,
            sent=self._sent - self._first + 1,
            tracked=len(self._latencies),
            latency_ms=percentiles_ms(self._latencies),
            longest_silence_s=max(self._silence, time.monotonic() - self._last),
            prompts=self._prompts,
            most_objects=self._most,
            resident_settled=self._settled or resident,
            resident_end=resident,
            errors=self._log.read_text().count("[ERROR]"),
        )

    def _heard(self, message: TrackedObjectArray) -> None:
        now = time.monotonic()
        self._silence, self._last = max(self._silence, now - self._last), now
        self._latencies.append((self._node.get_clock().now().nanoseconds - stamp_ns(message.header.stamp)) / NS_PER_S)
        self._header = message.header
        self._sent = int(message.header.frame_id)
        self._first = self._sent if self._first < 0 else self._first
        self._most = max(self._most, len(message.objects))

    def _prompt(self) -> None:
        """A box for another object on the image heard last; sometimes all are forgotten."""
        if self._header is None:
            return
        self._prompts += 1
        if self._prompts % FORGET_EVERY == 0:
            self._publisher.publish(PromptArray(prompts=[Prompt(action=Prompt.RESET)]))
            return
        boxes = self._frames[int(self._header.frame_id) % len(self._frames)].boxes
        object_id = self._prompts % len(boxes) + 1
        if (box := boxes[object_id - 1]) is not None:
            prompt = Prompt(object_id=object_id, has_box=True, box=box_message(TYPES, box))
            self._publisher.publish(PromptArray(header=self._header, prompts=[prompt]))


def percentiles_ms(seconds: list[float]) -> tuple[float, float, float, float]:
    """p50, p95, p99 and the largest."""
    p50, p95, p99, most = (1e3 * float(value) for value in np.percentile(seconds or [0.0], (50, 95, 99, 100)))
    return p50, p95, p99, most


def resident_bytes(pid: int) -> int:
    """Memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def node_pid(log: Path, seconds: float = 60) -> int:
    """The tracker's process, once it tracks."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = log.read_text()
        started = re.search(r"process started with pid \[(\d+)\]", text)
        if started and "tracking on" in text:
            return int(started[1])
        time.sleep(0.2)
    raise SystemExit(f"the tracker did not come up:\n{log.read_text()}")


def live(args: argparse.Namespace) -> int:
    """As the command's options say."""
    if args.camera:
        show(args.width, args.height, args.rate)
        return 0

    size = ["--width", str(args.width), "--height", str(args.height), "--rate", str(args.rate)]
    camera = [sys.executable, str(Path(__file__).with_name("soak.py")), "--camera", *size]
    launch = ["ros2", "launch", "sam2_ros", "tracker.launch.py", f"image_topic:={IMAGES}"]
    launch += [f"model:={args.model}", f"checkpoint:={args.checkpoint}", f"device:={args.device}"]
    folder = Path(tempfile.mkdtemp(prefix="soak_"))
    log, parameters = folder / "node.log", folder / "parameters.yaml"
    more = {"image_size": args.image_size, "state_file": str(folder / "state.safetensors")}
    parameters.write_text(json.dumps({"/**": {"ros__parameters": more}}))  # JSON is YAML
    launch.append(f"params_file:={parameters}")
    children = []
    try:
        with log.open("w") as output:
            children.append(subprocess.Popen(launch, stdout=output, stderr=subprocess.STDOUT, start_new_session=True))
        pid = node_pid(log)
        children.append(subprocess.Popen(camera, start_new_session=True))
        report = listen(pid, log, args)
    finally:
        for child in children:
            os.killpg(child.pid, signal.SIGINT)
            child.wait(30)
    print(report)
    return 1 if report.growth > args.allowance or report.errors or report.longest_silence_s > SILENCE else 0


def listen(pid: int, log: Path, args: argparse.Namespace) -> Report:
    """Listen for so many minutes, from the first result on."""
    frames = pictures(args.width, args.height)
    rclpy.init()
    node = rclpy.create_node("soak_audience")
    waiting = Audience(node, pid, log, frames)
    while waiting.report().tracked == 0:
        rclpy.spin_once(node, timeout_sec=1.0)
    node.destroy_node()
    node = rclpy.create_node("soak_audience")
    audience = Audience(node, pid, log, frames)
    end, minute = time.monotonic() + 60 * args.minutes, time.monotonic() + 60
    while time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.5)
        if time.monotonic() >= minute:
            print(audience.report(), flush=True)
            keep(audience.report(), args.json)
            minute += 60
    report = audience.report()
    keep(report, args.json)
    node.destroy_node()
    rclpy.shutdown()
    return report


def keep(report: Report, file: Path | None) -> None:
    """What there is so far, should this be cut off."""
    if file:
        file.write_text(json.dumps({**asdict(report), "dropped": report.dropped}, indent=1) + "\n")
