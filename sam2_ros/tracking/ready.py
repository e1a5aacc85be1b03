"""A tracker that is as fast on its first camera image as on the thousandth: what can be found out before, is."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ..config import TrackerConfig
from ..errors import DeviceError
from ..model.kernels import UNFUSED, attention_kernel, quick_dtype
from ..model.passes import Passes
from ..model.prepared import PreparedPasses, prepared
from ..model.probe import History, probe
from ..model.sam2 import POINTER_HORIZON, Sam2
from .policies.named import policy_of
from .prompt import Prompt
from .tracker import Tracker
from .transfer import on, wait_for

BUDGET = 2.0  # seconds for finding the number of objects that go through the network together
REPEATS = 3
WORTHWHILE = 0.95  # of the time for each object: what a smaller batch has to save
MOST_PROMPTED = 4  # prompted frames that histories are prepared for; each more costs time to set up

_log = logging.getLogger(__name__)


def ready_tracker(network: Sam2, config: TrackerConfig, compiling: bool) -> Tracker:
    """A tracker with warm kernels. Raises DeviceError when memory does not suffice for one object.

    ``compiling``: compile the network, and on CUDA record graphs of it; takes minutes the first time, and nothing is
    compiled or recorded afterwards. An ``objects_per_batch`` of 0 becomes what is quickest here.
    """
    if attention_kernel(network.config, network.device, network.dtype) == UNFUSED:
        _log.warning(
            "torch has no fused attention for %s in %s, so memory attention is several times slower; choose precision "
            "%s, or a newer torch",
            network.device,
            network.dtype,
            str(quick_dtype(network.device)).removeprefix("torch."),
        )
    sizes = _batch_sizes(config.objects_per_batch or config.max_objects)

    def choose(passes: Passes, fitting: Sequence[int]) -> int:
        return fitting[-1] if config.objects_per_batch else quickest_batch(network, passes, fitting)

    try:
        with on(network.device):
            passes = prepared(network, sizes, histories(network, config), choose) if compiling else network
            if not config.objects_per_batch:
                batch = passes.most if isinstance(passes, PreparedPasses) else choose(network, sizes)
                config = replace(config, objects_per_batch=batch)
            _warm_up(network, config, passes)
            return Tracker(network, config, passes)
    except torch.cuda.OutOfMemoryError as error:
        raise DeviceError(f"{network.device} has no memory for one object; choose a smaller model") from error


def repeatable_tracker(network: Sam2, config: TrackerConfig, compiling: bool) -> Tracker:
    """A tracker for recordings: nothing is measured, so that the same recording gives the same bits."""
    return Tracker(network, config, quick_passes(network, config) if compiling else network)


def quick_passes(network: Sam2, config: TrackerConfig) -> Passes:
    """The network's passes, prepared for as many objects together as there may be and memory suffices for."""
    sizes = _batch_sizes(config.objects_per_batch or config.max_objects)
    with on(network.device):
        return prepared(network, sizes, histories(network, config), lambda _, fitting: fitting[-1])


def histories(network: Sam2, config: TrackerConfig) -> list[History]:
    """What objects remember most of the time: full memories after one prompt, two, three ... as many as are attended.

    In between, while a memory still grows or a prompted frame is also one of the recent ones, lengths last for a frame
    or a few; those are not prepared for.
    """
    policy = policy_of(network.config, config)
    prompted = min(config.max_cond_frames, config.max_cond_frames_in_attn or config.max_cond_frames, MOST_PROMPTED)
    return list(dict.fromkeys(policy.steady(count) for count in range(1, prompted + 1)))


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


def _warm_up(network: Sam2, config: TrackerConfig, passes: Passes) -> None:
    """A prompted and a tracked frame on a tracker of its own: first uses are slow.

    On CUDA as many frames as a memory grows for, with every number of objects that go together: libraries there choose,
    and some of them build, a kernel for each new size.
    """
    side = network.config.image_size
    frame = np.zeros((side, side, 3), dtype=np.uint8)
    on_cuda = network.device.type == "cuda"
    for objects in _batch_sizes(config.objects_per_batch if on_cuda else 1):
        tracker = Tracker(network, replace(config, max_objects=objects), passes)
        tracker.step(frame, [Prompt(box=np.array([0.25, 0.25, 0.75, 0.75]) * side)] * objects)
        for _ in range(POINTER_HORIZON + 1 if on_cuda else 1):
            tracker.step(frame)
