"""Quiet: after `configure` nothing compiles, nothing stalls, nothing waits for the device but once a frame."""

import statistics
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from torch.profiler import ProfilerActivity, profile

from sam2_ros.bench.staged import FULL_MEMORY
from sam2_ros.config import TrackerConfig
from sam2_ros.model.kernels import attention_kernel
from sam2_ros.tracking.ready import ready_tracker
from sam2_ros.tracking.tracker import Tracker

from .results import Result, Step, at_most, holds, noted
from .script import Played, Shot, box, play, shots
from .setting import Setting
from .ways import best

OBJECTS = 4
FILM = 40  # frames of the clip, shown there and back
SLOWEST = 5.0  # times the median: a step that compiles takes thousands
CONFIGURE, AGAIN = 90.0, 10.0  # seconds, with compiled code on disk for nothing and for all of it
LAUNCHES, WAITS = 40.0, 1.0  # of a steady frame
WATCHED = 5  # steady frames
TOLD = 12  # kernels
KERNELS = "cudaLaunchKernel", "cuLaunchKernel", "cudaLaunchKernelExC", "cuLaunchKernelEx", "cudaGraphLaunch"
COPIES = "cudaMemcpyAsync", "cudaMemsetAsync", "cudaMemcpy", "cudaMemset"
WAITING = "cudaEventSynchronize", "cudaStreamSynchronize"  # profiling itself ends with another
ATTENTION = "attention", "flash", "fmha", "sdpa"  # by which kernels are known that do it


def steps(setting: Setting) -> list[Step]:
    """In the order of their worth."""
    return [
        Step("a whole stream", partial(_stream, setting)),
        Step("hidden waiting", partial(_waiting, setting), needs_cuda=True),
        Step("launches", partial(_launches, setting), needs_cuda=True),
        Step("configured again", partial(_again, setting), needs_cuda=True),
    ]


def _ready(setting: Setting) -> Tracker:
    return ready_tracker(setting.network(), TrackerConfig(max_objects=OBJECTS), compiling=setting.cuda)


def compilations() -> int:
    """What torch's compiler looked at and what it made, in this process so far."""
    compiler = sys.modules.get("torch._dynamo.utils")
    if compiler is None:  # nobody has asked for it
        return 0
    return int(sum(compiler.counters["frames"].values()) + compiler.counters["stats"]["unique_graphs"])


def _stream(setting: Setting) -> Iterator[Result]:
    begun, network = time.perf_counter(), setting.network()
    tracker = _ready(setting)
    yield setting.on_cuda(at_most("configure", time.perf_counter() - begun, CONFIGURE, "s"))
    if setting.cuda:
        yield holds("the best tier", tracker.tier is best(network), tracker.tier.value)
    yield noted("memory attention, as torch says", attention_kernel(network.config, network.device, network.dtype))
    script, before = setting.amounts.script, compilations()
    film = shots(setting.clip(min(script.frames, FILM)), script)
    with ThreadPoolExecutor(1) as pool:  # the live node, too, tracks in another thread than it was made ready in
        played = pool.submit(_rounds, setting, tracker, film).result()
    yield at_most(f"compilations in {len(played)} frames", compilations() - before, 0)
    yield from map(setting.on_cuda, _slowest(played))


def _rounds(setting: Setting, tracker: Tracker, film: list[Shot]) -> list[Played]:
    played: list[Played] = []
    for _ in range(setting.amounts.quiet_rounds):
        played += play(tracker, setting.amounts.script, film)
        tracker.reset()
    return played


def _slowest(played: list[Played]) -> Iterator[Result]:
    median = statistics.median(p.seconds for p in played if p.plain)
    yield noted("median step", 1e3 * median, "ms")
    for name, plain in (("without prompts", True), ("with prompts", False)):
        slowest = max((p for p in played if p.plain is plain), key=lambda p: p.seconds)
        where = f"slowest step {name} (frame {slowest.result.frame_index}), in medians"
        yield at_most(where, slowest.seconds / median, SLOWEST)


def _steady(setting: Setting) -> tuple[Tracker, list[Shot]]:
    """A tracker whose memory is full, and images for it."""
    tracker, script = _ready(setting), setting.amounts.script
    film = shots(setting.clip(min(script.frames, FILM)), script)[: min(script.resized)]
    for index in range(FULL_MEMORY + 2):
        shot = film[index % len(film)]
        tracker.step(shot.image, () if index else [box(shot, number + 1) for number in range(OBJECTS)])
    torch.cuda.synchronize()
    return tracker, film


def _again(setting: Setting) -> Iterator[Result]:
    begun = time.perf_counter()
    _ready(setting)
    yield at_most("configure, everything compiled before", time.perf_counter() - begun, AGAIN, "s")


def _waiting(setting: Setting) -> Iterator[Result]:
    """The wait for the results is for an event, which this mode does not mind; everything else raises."""
    tracker, film = _steady(setting)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for shot in film[:WATCHED]:
            tracker.step(shot.image)
    except RuntimeError as error:
        at = traceback.extract_tb(error.__traceback__)
        own = [place for place in at if "sam2_ros" in place.filename][-1]
        yield holds("no hidden waiting", False, f"{own.filename}, line {own.lineno}: {error}")
    else:
        yield holds("no hidden waiting", True)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def _launches(setting: Setting) -> Iterator[Result]:
    tracker, film = _steady(setting)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as watch:
        for shot in film[:WATCHED]:
            tracker.step(shot.image)
        torch.cuda.synchronize()
    watched = min(WATCHED, len(film))
    asked = Counter(event.name for event in watch.events() if event.device_type.name == "CPU")
    kernels, copies, waits = (sum(asked[name] for name in names) / watched for names in (KERNELS, COPIES, WAITING))
    yield at_most("launches of a steady frame, a graph's as one, with copies", kernels + copies, LAUNCHES)
    yield noted("of them graphs", asked["cudaGraphLaunch"] / watched)
    yield noted("of them copies", copies)
    yield at_most("waits of a steady frame", waits, WAITS)
    spent: Counter[str] = Counter()
    for event in watch.events():
        if event.device_type.name == "CUDA":
            spent[event.name] += event.time_range.elapsed_us()
    yield noted("the device works on a frame for", spent.total() / watched / 1e3, "ms")
    attention = [name for name in spent if any(word in name.lower() for word in ATTENTION)]
    yield holds("an attention kernel was seen", bool(attention))
    for name in attention:
        yield noted(f"attention: {name[:100]}", spent[name] / watched, "us a frame")
    for name, microseconds in spent.most_common(TOLD):
        yield noted(f"longest: {name[:100]}", microseconds / watched, "us a frame")
