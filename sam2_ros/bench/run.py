"""The benchmark: end to end as a user of the tracker sees it, then in stages."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import cv2
import numpy as np
import torch

from .. import __version__
from ..config import ModelChoice, TrackerConfig
from ..errors import DeviceError
from ..model.kernels import attention_kernel
from ..model.passes import Passes
from ..model.prepared import tier_of
from ..model.sam2 import Sam2
from ..stream.messages import pack_array
from ..tracking.prompt import Prompt
from ..tracking.ready import quick_passes
from ..tracking.tracker import Tracker
from ..tracking.transfer import on, wait_for
from ..weights.loading import load_network, named_config, wants_compiling
from ..weights.shipped import SHIPPED
from .device import forget_peak, matmul_rate, name_of, peak_bytes, reserved_bytes
from .report import Report, Row, Stage, timing
from .staged import FULL_MEMORY, Staged, count_flops
from .watch import STAGES, StopWatch

PICTURES = 8  # different images, again and again


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """What to measure."""

    choice: ModelChoice
    objects: tuple[int, ...]
    frames: int  # measured, after those that fill the memory
    width: int  # of the images, in pixels
    height: int


def bench(request: BenchRequest, progress: Callable[[str], None]) -> Report:
    """Measure. ``progress`` is told what comes next. Raises Sam2RosError."""
    choice = _with_weights(request.choice)
    network = load_network(choice)
    with on(network.device):
        return _measured(network, choice, request, progress)


def _measured(network: Sam2, choice: ModelChoice, request: BenchRequest, progress: Callable[[str], None]) -> Report:
    config, device = network.config, network.device
    passes: Passes = network
    if wants_compiling(choice.compile_network, device):
        progress("compiling")
        passes = quick_passes(network, TrackerConfig(max_objects=max(request.objects)))
    progress("matrix product")
    rate = matmul_rate(device, network.dtype)
    flops = count_flops(config, request.objects)
    pictures = made_up_pictures(request.width, request.height)
    rows = []
    for count, counted in zip(request.objects, flops, strict=True):
        progress(f"objects: {count}")
        try:
            rows.append(_row(network, passes, pictures, count, request.frames, counted, rate))
        except torch.cuda.OutOfMemoryError as error:
            raise DeviceError(f"{device} has no memory for {count} objects; give fewer to --objects") from error
    return Report(
        model=config.name,
        weights="random" if choice.checkpoint == "random" else "trained",
        image_size=config.image_size,
        width=request.width,
        height=request.height,
        device=name_of(device),
        attention=attention_kernel(config, device, network.dtype),
        passes=tier_of(passes).value,
        precision=str(network.dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        version=__version__,
        frames=request.frames,
        matmul_tflop_per_s=rate / 1e12,
        rows=tuple(rows),
    )


def _with_weights(choice: ModelChoice) -> ModelChoice:
    """Speed does not depend on weights, so none are downloaded."""
    if choice.checkpoint != "auto" or named_config(choice).name in SHIPPED:
        return choice
    return dataclasses.replace(choice, checkpoint="random")


def made_up_pictures(width: int, height: int) -> list[np.ndarray]:
    """Images (H, W, 3) uint8 that are neither flat nor noise."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (PICTURES, -(-height // 8), -(-width // 8), 3), dtype=np.uint8)
    return [cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC) for one in coarse]


def _row(
    network: Sam2,
    passes: Passes,
    pictures: Sequence[np.ndarray],
    count: int,
    frames: int,
    flops: dict[str, int],
    rate: float,
) -> Row:
    forget_peak(network.device)
    took, seconds = end_to_end(network, passes, pictures, count, frames)
    watch = in_stages(network, pictures, count, frames)
    total = sum(flops.values())
    return Row(
        objects=count,
        end_to_end=timing(took),
        frames_per_s=frames / seconds,
        gflop=total / 1e9,
        tflop_per_s=total * frames / seconds / 1e12,
        share_of_matmul=total * frames / seconds / rate,
        peak_bytes=peak_bytes(network.device),
        reserved_bytes=reserved_bytes(network.device),
        stages=tuple(_stage(name, watch.seconds[name], flops.get(name, 0), rate) for name in STAGES),
    )


def _stage(name: str, seconds: Sequence[float], flops: int, rate: float) -> Stage:
    per_second = flops / float(np.median(seconds))
    return Stage(name, timing(seconds), flops / 1e9, per_second / 1e12, per_second / rate)


def end_to_end(
    network: Sam2, passes: Passes, pictures: Sequence[np.ndarray], count: int, frames: int
) -> tuple[list[float], float]:
    """Seconds of every `Tracker.step`, and of all together until the device is done, with full memory."""
    tracker = Tracker(network, TrackerConfig(max_objects=count), passes)
    height, width = pictures[0].shape[:2]
    tracker.step(pictures[0], boxes(count, width, height))
    for frame in range(1, FULL_MEMORY + 1):
        tracker.step(pictures[frame % len(pictures)])
    wait_for(network.device)
    took = []
    begun = time.perf_counter()
    for frame in range(frames):
        started = time.perf_counter()
        tracker.step(pictures[frame % len(pictures)])
        took.append(time.perf_counter() - started)
    wait_for(network.device)
    return took, time.perf_counter() - begun


def boxes(count: int, width: int, height: int) -> list[Prompt]:
    """A box for each object, side by side."""
    edges = np.linspace(0, width - 1, count + 1)
    top, bottom = height / 4, height * 3 / 4
    return [Prompt(i + 1, box=np.array([edges[i], top, edges[i + 1], bottom])) for i in range(count)]


@torch.inference_mode()
def in_stages(network: Sam2, pictures: Sequence[np.ndarray], count: int, frames: int) -> StopWatch:
    """Seconds of every stage, with full memory."""
    staged = Staged(network, count)
    messages = [_jpeg(picture) for picture in pictures]
    for message in messages[:2]:
        staged.step(message, StopWatch(network.device))  # first uses are slow
    watch = StopWatch(network.device)
    for frame in range(frames):
        staged.step(messages[frame % len(messages)], watch)
    return watch


def _jpeg(rgb: np.ndarray) -> SimpleNamespace:
    """A sensor_msgs/CompressedImage of an image (H, W, 3) uint8."""
    data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1]
    return SimpleNamespace(format="jpeg", data=pack_array(data))
