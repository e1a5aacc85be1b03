"""A tracker that is as fast on its first camera image as on the thousandth: what can be found out before, is."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ..config import TrackerConfig
from ..errors import DeviceError
from ..model.compiled import Passes, compiled
from ..model.kernels import UNFUSED, attention_kernel
from ..model.probe import probe
from ..model.sam2 import Sam2
from .prompt import Prompt
from .tracker import Tracker
from .transfer import wait_for

BUDGET = 2.0  # seconds for finding the number of objects that go through the network together
REPEATS = 3
WORTHWHILE = 0.95  # of the time for each object: what a smaller batch has to save

_log = logging.getLogger(__name__)


def ready_tracker(network: Sam2, config: TrackerConfig, compiling: bool) -> Tracker:
    """A tracker with warm kernels. Raises DeviceError when memory does not suffice for one object.

    ``compiling``: compile the network; takes minutes the first time. An ``objects_per_batch`` of 0 becomes what is
    quickest here.
    """
    if attention_kernel(network.config, network.device, network.dtype) == UNFUSED:
        _log.warning(
            "torch has no fused attention for %s in %s, so memory attention is several times slower; choose precision "
            "bfloat16 or float16, or a newer torch",
            network.device,
            network.dtype,
        )
    sizes = _batch_sizes(config.objects_per_batch or config.max_objects)
    try:
        passes = compiled(network, sizes, config.num_maskmem) if compiling else network
        if not config.objects_per_batch:
            config = replace(config, objects_per_batch=quickest_batch(network, passes, sizes))
        _warm_up(network, passes)
        return Tracker(network, config, passes)
    except torch.cuda.OutOfMemoryError as error:
        raise DeviceError(f"{network.device} has no memory for one object; choose a smaller model") from error


def repeatable_tracker(network: Sam2, config: TrackerConfig, compiling: bool) -> Tracker:
    """A tracker for recordings: nothing is measured, so that the same recording gives the same bits."""
    sizes = _batch_sizes(config.objects_per_batch or config.max_objects)
    return Tracker(network, config, compiled(network, sizes, config.num_maskmem) if compiling else network)


def _batch_sizes(most: int) -> list[int]:
    """1, 2, 4, 8 ... up to the first that holds ``most``."""
    return [1 << power for power in range((most - 1).bit_length() + 1)]


def quickest_batch(network: Sam2, passes: Passes, sizes: Sequence[int]) -> int:
    """Of these numbers of objects, ascending, the one that takes the least time for each object.

    Larger ones are not tried when that would take longer than the budget, or more memory than there is.
    """
    times: dict[int, float] = {}  # seconds for each object
    left = BUDGET
    for size in sizes:
        if times and min(times.values()) * size * (REPEATS + 1) > left:
            break
        begun = time.perf_counter()
        try:
            times[size] = _seconds(network, passes, size) / size
        except torch.cuda.OutOfMemoryError:
            if not times:
                raise
            break
        left -= time.perf_counter() - begun
    best = max(times)
    for size in sorted(times, reverse=True):
        if times[size] < times[best] * WORTHWHILE:
            best = size
    measured = ", ".join(f"{size}: {1000 * seconds:.1f}" for size, seconds in times.items())
    _log.info("at most %d objects go through the network together (ms for each object: %s)", best, measured)
    return best


@torch.inference_mode()
def _seconds(network: Sam2, passes: Passes, objects: int) -> float:
    """Of what a frame costs for these objects; the quickest of several, the first not counted."""
    frame = probe(network, objects)
    image = passes.encode_image(frame.pixels)
    best = float("inf")
    for repeat in range(1 + REPEATS):
        wait_for(network.device)
        started = time.perf_counter()
        passes.follow(image, frame.memories)
        passes.encode_memory(image, frame.masks, frame.object_score, frame.prompted)
        wait_for(network.device)
        if repeat:
            best = min(best, time.perf_counter() - started)
    return best


def _warm_up(network: Sam2, passes: Passes) -> None:
    """A prompted and a tracked frame on a tracker of its own: first uses are slow."""
    side = network.config.image_size
    frame = np.zeros((side, side, 3), dtype=np.uint8)
    tracker = Tracker(network, TrackerConfig(max_objects=1), passes)
    tracker.step(frame, [Prompt(box=np.array([0.25, 0.25, 0.75, 0.75]) * side)])
    tracker.step(frame)
