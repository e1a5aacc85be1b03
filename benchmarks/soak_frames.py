"""A tracker in this process for many images, in blocks of 1,000 that are all the same: what grows, what gets slower?

In a block objects begin by boxes, clicks, masks and detections, are corrected, denied, prompted late, removed and
reset; images change their size, stand still in time or jump back; some inputs are wrong; the state goes through a file.
Where there are several memory policies each has a tracker of its own, and blocks are theirs in turn.
"""

import gc
import json
import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace as Message
from typing import Any

import numpy as np
import torch

from sam2_ros.config import DetectionConfig, ModelChoice, TrackerConfig
from sam2_ros.errors import Sam2RosError
from sam2_ros.model.sam2 import Sam2
from sam2_ros.stored.state_file import read_state, write_state
from sam2_ros.stream.association import Associator
from sam2_ros.stream.messages import NS_PER_S
from sam2_ros.stream.pipeline import Pipeline
from sam2_ros.stream.pixels import to_rgb
from sam2_ros.stream.pointing import click_from, detections_from
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network

BLOCK = 1000  # images
SIZES = ((96, 128), (96, 128), (60, 80), (97, 131))  # height and width, a quarter of a block each
PERIOD_NS = NS_PER_S // 30
MAX_OBJECTS = 4
NO_MASK = Message(header=Message(), height=0, width=0, encoding="", is_bigendian=0, step=0, data=b"")
MAX_GROWTH, MAX_SLOWER = 1.02, 1.05  # of resident memory, of the latency
OWN_OBJECTS = 10  # of Python that this file keeps, at most
COMPARED = 5  # blocks at the beginning and at the end, by whose quickest images latencies are compared


@dataclass(frozen=True)
class Look:
    """What a process holds after a block, and how quick it was in it."""

    frames: int
    policy: str
    bank_bytes: int
    python_objects: int
    resident_bytes: int
    descriptors: int
    threads: int
    median_ms: float  # of this thread's own time
    refused: int  # inputs that were wrong

    def __str__(self) -> str:
        return (
            f"{self.frames:>7,} frames ({self.policy}): bank {self.bank_bytes:,} bytes, "
            f"{self.python_objects:,} objects of Python, resident {self.resident_bytes / 2**20:.1f} MiB, "
            f"{self.descriptors} descriptors, {self.threads} threads, median {self.median_ms:.2f} ms, "
            f"{self.refused} inputs refused"
        )


class Pace:
    """How quick the first blocks were, and the last ones, image by image: a block is the same every time.

    The quickest of some blocks counts, in multiples of some work that is always the same, so that a busy or a throttled
    machine makes as little difference as can be.
    """

    def __init__(self) -> None:
        self._blocks = 0
        self._first: list[np.ndarray] = []  # each (BLOCK + 1,) seconds, the yardstick last
        self._last: deque[np.ndarray] = deque(maxlen=COMPARED)

    def add(self, times: Sequence[float], yardsticks: Sequence[float]) -> None:
        """A block's seconds; the first block does not count, as all is new in it."""
        self._blocks += 1
        block = np.array([*times, min(yardsticks)])
        if 1 < self._blocks <= 1 + COMPARED:
            self._first.append(block)
        self._last.append(block)

    @property
    def slower(self) -> float:
        """The median image of the last blocks in times of the same of the first ones."""
        count = min(COMPARED, (self._blocks - 1) // 2)
        first, last = (np.min(blocks, axis=0) for blocks in (self._first[:count], list(self._last)[-count:]))
        return float(np.median(last[:-1] / first[:-1]) * first[-1] / last[-1])


def soak(frames: int, model: str, policies: Sequence[str], report: Path | None) -> int:
    """All blocks; 1 when something grew or got slower."""
    checkpoint = "random" if model == "toy" else "auto"
    choice = ModelChoice(model=model, checkpoint=checkpoint, device="cpu", image_size=32 if model == "toy" else 0)
    network = load_network(choice)
    runs = [Run(network, policy) for policy in policies]
    firsts: dict[str, Look] = {}  # of each policy the second block: in the first one all is new
    lasts: dict[str, Look] = {}
    for number in range(max(3 * len(runs), frames // BLOCK)):
        look = runs[number % len(runs)].block(number)
        print(look, flush=True)
        lasts[look.policy] = look
        if number >= len(runs):
            firsts.setdefault(look.policy, look)
    slower = {run.policy: run.pace.slower for run in runs}
    print(", ".join(f"{policy}: latency {ratio:.3f} of that at first" for policy, ratio in slower.items()))
    if report:
        ends = {name: [asdict(look) for look in looks.values()] for name, looks in (("first", firsts), ("last", lasts))}
        report.write_text(json.dumps(ends | {"slower": slower}, indent=1) + "\n")
    grown = any(_grown(firsts[policy], lasts[policy]) for policy in lasts)
    return int(grown or any(ratio > MAX_SLOWER for ratio in slower.values()))


def _grown(first: Look, last: Look) -> bool:
    """Whether anything did, or what has to stay the same did not."""
    more = any(getattr(first, name) != getattr(last, name) for name in ("bank_bytes", "descriptors", "threads"))
    more = more or last.python_objects > first.python_objects + OWN_OBJECTS
    return more or last.resident_bytes > MAX_GROWTH * first.resident_bytes


class Run:
    """A pipeline through its blocks."""

    def __init__(self, network: Sam2, policy: str) -> None:
        self.policy = policy
        config = TrackerConfig(max_objects=MAX_OBJECTS, objects_per_batch=MAX_OBJECTS, memory_policy=policy)
        self._pipeline = Pipeline(Tracker(network, config), to_rgb)
        self._associator = Associator(DetectionConfig())
        self._stamp = NS_PER_S
        self._refused = 0
        self.pace = Pace()

    def block(self, number: int) -> Look:
        """The same as every other block."""
        rng = np.random.default_rng(1)
        self._refused, self._stamp = 0, NS_PER_S  # the clock is set back, as when a bag begins again
        times, yardsticks = [], []
        for index in range(BLOCK):
            times.append(self._image(index, rng))
            if index % 10 == 0:
                yardsticks.append(_yardstick())
        self.pace.add(times, yardsticks)
        self._pipeline.add_prompts(self._message(_prompt(0, action=3)))
        gc.collect()
        return Look(
            frames=(number + 1) * BLOCK,
            policy=self.policy,
            bank_bytes=self._pipeline.tracker.memory_bytes,
            python_objects=len(gc.get_objects()),
            resident_bytes=int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
            descriptors=len(os.listdir("/proc/self/fd")),
            threads=threading.active_count(),
            median_ms=1e3 * float(np.median(times)),
            refused=self._refused,
        )

    def _image(self, index: int, rng: np.random.Generator) -> float:
        """Prompts and an image; seconds of this thread that the image took."""
        height, width = SIZES[index * len(SIZES) // BLOCK]
        if index % 5 == 0:
            self._say(index, height, width, rng)
        if index % 250 == 100:
            self._through_a_file()
        self._stamp += 0 if index % 100 == 50 else PERIOD_NS  # sometimes it stands still
        message = _image(self._stamp, _pixels(index, height, width))
        if index % 50 == 25:
            message.step = 1  # a wrong one, which is passed over
        started = time.thread_time()
        try:
            processed = self._pipeline.process(message)
        except Sam2RosError:
            self._refused += 1
        else:
            self._refused += sum(not outcome.accepted for answer in processed.answers for outcome in answer.outcomes)
        return time.thread_time() - started

    def _say(self, index: int, height: int, width: int, rng: np.random.Generator) -> None:
        """One of the ways to point at things."""
        object_id, x, y = int(rng.integers(0, 8)), float(rng.uniform(0, width)), float(rng.uniform(0, height))
        box = _box(x, y, float(rng.uniform(0, 40)), float(rng.uniform(0, 40)))
        late = self._stamp - int(rng.integers(0, 10)) * PERIOD_NS
        match index // 5 % 10:
            case 0 | 1:
                self._pipeline.add_prompts(self._message(_prompt(object_id, box=box)))
            case 2:
                self._pipeline.add_prompts(self._message(_prompt(object_id, box=box), stamp_ns=late))
            case 3:
                points = [Message(x=x, y=y), Message(x=width - x, y=height - y)]
                self._pipeline.add_prompts(self._message(_prompt(object_id, points=points, point_labels=[1, 0])))
            case 4 | 5:
                mask = _mask(height, width, x, y) if index % 2 else _mask(height, width, -99, -99)
                self._pipeline.add_prompts(self._message(_prompt(object_id, mask=mask), stamp_ns=late))
            case 6:
                self._pipeline.add_pointing(click_from(Message(x=x, y=y)))
            case 7:
                self._pipeline.add_pointing(detections_from(self._detections(box, late), self._associator))
            case 8:
                self._pipeline.add_prompts(self._message(_prompt(object_id, action=2)))
            case 9:
                self._pipeline.add_prompts(self._message(_prompt(object_id, box=_box(x, y, float("nan"), -1.0))))

    def _through_a_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "soak.safetensors"
            write_state(path, self._pipeline.state())
            self._pipeline.restore(read_state(path).state)

    def _message(self, *prompts: Any, stamp_ns: int = 0) -> Any:
        return Message(header=_header(stamp_ns), prompts=list(prompts))

    def _detections(self, box: Any, stamp_ns: int) -> Any:
        result = Message(hypothesis=Message(class_id="thing", score=0.9))
        return Message(header=_header(stamp_ns), detections=[Message(bbox=box, results=[result], id="")])


def _yardstick() -> float:
    """Seconds of this thread that many small steps take, as a small network has them."""
    values = torch.ones(64, 64)
    started = time.thread_time()
    for _ in range(200):
        values = torch.nn.functional.linear(values, values).clamp(max=1.0)
    return time.thread_time() - started


def _header(stamp_ns: int) -> Any:
    sec, nanosec = divmod(stamp_ns, NS_PER_S)
    return Message(stamp=Message(sec=sec, nanosec=nanosec), frame_id="eye")


def _pixels(index: int, height: int, width: int) -> np.ndarray:
    """A block that moves to and fro over noise."""
    pixels = np.random.default_rng(index % 7).integers(0, 90, (height, width, 3), dtype=np.uint8)
    left = abs(index % 80 - 40)
    pixels[10:40, left : left + 25] = (250, 200, 40)
    return pixels


def _image(stamp_ns: int, pixels: np.ndarray) -> Any:
    height, width = pixels.shape[:2]
    size = {"height": height, "width": width, "step": 3 * width}
    return Message(header=_header(stamp_ns), encoding="rgb8", is_bigendian=0, data=pixels.reshape(-1), **size)


def _box(x: float, y: float, width: float, height: float) -> Any:
    return Message(center=Message(position=Message(x=x, y=y), theta=0.0), size_x=width, size_y=height)


def _mask(height: int, width: int, x: float, y: float) -> Any:
    rows, columns = np.mgrid[:height, :width]
    inside = ((columns - x) ** 2 + (rows - y) ** 2 < 200).astype(np.uint8)
    size = {"height": height, "width": width, "step": width}
    return Message(header=Message(), encoding="mono8", is_bigendian=0, data=inside.reshape(-1), **size)


def _prompt(object_id: int, box: Any = None, **said: Any) -> Any:
    fields = {"label": "", "action": 0, "points": [], "point_labels": [], "mask": NO_MASK} | said
    return Message(object_id=object_id, has_box=box is not None, box=box or _box(0, 0, 0, 0), **fields)
