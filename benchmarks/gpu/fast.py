"""Fast: what a frame takes end to end and in stages, beside what the card could do and beside `transformers`."""

import importlib.util
from collections.abc import Iterator, Mapping
from functools import partial

import torch
from roofline import traffic

from sam2_ros.bench.device import forget_peak, matmul_rate, peak_bytes
from sam2_ros.bench.report import Timing, timing
from sam2_ros.bench.run import end_to_end, in_stages, made_up_pictures
from sam2_ros.bench.staged import FULL_MEMORY, count_flops
from sam2_ros.bench.watch import STAGES
from sam2_ros.config import TrackerConfig
from sam2_ros.model.passes import Passes
from sam2_ros.model.prepared import tier_of
from sam2_ros.model.sam2 import Sam2
from sam2_ros.tracking.ready import quick_passes

from .card import copy_rate
from .results import Result, Step, at_least, at_most, left_out, noted, objects
from .setting import Setting

# Frames a second that an H100 has to reach, by network, side of its image and objects.
WANTED: Mapping[tuple[str, int, int], float] = {
    ("tiny", 1024, 1): 150,
    ("tiny", 1024, 8): 60,
    ("tiny", 512, 1): 350,
    ("nano", 384, 1): 400,
    ("large", 1024, 1): 80,
}
JITTER = 1.3  # p99 over the median
DISTANCE = 2.0  # times the roofline
PEER = 2.0  # times as fast as transformers, both compiled
STAGED = 20  # frames measured in stages


def steps(setting: Setting) -> list[Step]:
    """In the order of their worth."""
    return [
        Step("end to end and in stages", partial(_table, setting)),
        Step("uncompiled", partial(_plain, setting), needs_cuda=True),
        Step("beside transformers", partial(_peer, setting, False)),
        Step("beside transformers, both compiled", partial(_peer, setting, True), needs_cuda=True),
    ]


def _quick(setting: Setting, objects: int) -> Passes:
    network = setting.network()
    return quick_passes(network, TrackerConfig(max_objects=objects)) if setting.cuda else network


def _table(setting: Setting) -> Iterator[Result]:
    network, amounts = setting.network(), setting.amounts
    passes = _quick(setting, max(amounts.objects))
    yield noted("the network runs", tier_of(passes).value)
    with torch.inference_mode():
        rate, bandwidth = matmul_rate(setting.device, network.dtype), copy_rate(setting.device, amounts.copied)
    flops = count_flops(network.config, amounts.objects)
    for count, counted in zip(amounts.objects, flops, strict=True):
        yield from _end_to_end(setting, passes, count, sum(counted.values()) / rate, bandwidth)
        yield from _stages(setting, network, count, counted, rate)


def _end_to_end(setting: Setting, passes: Passes, count: int, arithmetic: float, bandwidth: float) -> Iterator[Result]:
    """``arithmetic``: seconds that the operations of a frame take at the rate of a matrix product."""
    network, amounts = setting.network(), setting.amounts
    pictures = made_up_pictures(amounts.width, amounts.height)
    forget_peak(setting.device)
    taken, seconds = end_to_end(network, passes, pictures, count, amounts.timed)
    took, rate, who = timing(taken), amounts.timed / seconds, objects(count)
    wanted = WANTED.get((setting.subject.model, setting.subject.image_size, count))
    yield noted(f"{who}: p50, p95, p99", _told(took))
    yield noted(f"{who}: frames", rate, "/s") if wanted is None else at_least(f"{who}: frames", rate, wanted, "/s")
    yield setting.on_cuda(at_most(f"{who}: p99 over p50", took.p99_ms / took.p50_ms, JITTER))
    yield noted(f"{who}: share of the matrix product's rate", 1e3 * arithmetic / took.p50_ms)
    floor = max(arithmetic, _least_bytes(network, count) / bandwidth)
    yield noted(f"{who}: roofline, {1e3 * arithmetic:.3f} ms of it arithmetic", 1e3 * floor, "ms")
    yield setting.on_cuda(at_most(f"{who}: over the roofline", took.p50_ms / 1e3 / floor, DISTANCE))
    moved = traffic(network.config, count) / bandwidth
    yield noted(f"{who}: traffic, were nothing fused", 1e3 * moved, "ms")
    yield noted(f"{who}: memory at most", peak_bytes(setting.device) / (1 << 20), "MiB")


def _least_bytes(network: Sam2, count: int) -> int:
    """What has to be read and written whatever is fused: weights once, every memory once, the new one."""
    config, size = network.config, network.dtype.itemsize
    weights = sum(parameter.nbytes for parameter in network.parameters())
    memory = (config.num_maskmem + 1) * config.memory_tokens * config.memory_dim * size
    return weights + count * memory


def _stages(setting: Setting, network: Sam2, count: int, flops: Mapping[str, int], rate: float) -> Iterator[Result]:
    """Uncompiled, and waiting for the device after each."""
    pictures = made_up_pictures(setting.amounts.width, setting.amounts.height)
    watch = in_stages(network, pictures, count, min(STAGED, setting.amounts.timed))
    for name in STAGES:
        took = timing(watch.seconds[name])
        share = flops.get(name, 0) / rate / (took.p50_ms / 1e3)
        yield noted(f"{objects(count)}, {name}", f"{_told(took)}; {share:.1%} of the matrix product's rate")


def _told(took: Timing) -> str:
    return f"{took.p50_ms:.2f}, {took.p95_ms:.2f}, {took.p99_ms:.2f} ms"


def _plain(setting: Setting) -> Iterator[Result]:
    """What compiling and graphs bring."""
    network, amounts = setting.network(), setting.amounts
    pictures = made_up_pictures(amounts.width, amounts.height)
    taken, _ = end_to_end(network, network, pictures, 1, amounts.timed)
    yield noted("1 object, uncompiled: p50, p95, p99", _told(timing(taken)))


def _peer(setting: Setting, compiling: bool) -> Iterator[Result]:
    if not setting.amounts.peer_objects or importlib.util.find_spec("transformers") is None:
        yield left_out("transformers", "it is not installed, or nothing was asked of it")
        return
    from peer_transformers import CLOCKS, NoPeer, measure, their_model

    network, amounts = setting.network(), setting.amounts
    try:
        theirs = their_model(network)
    except NoPeer as error:
        yield left_out("transformers", str(error))
        return
    passes: Passes = network
    if compiling:
        passes = _quick(setting, max(amounts.peer_objects))
        for name in ("vision_encoder", "memory_attention", "mask_decoder", "memory_encoder"):
            getattr(theirs, name).compile()
    clip = setting.clip(FULL_MEMORY + 1 + min(STAGED, amounts.timed))
    how = "both compiled" if compiling else "neither compiled"
    for count in amounts.peer_objects:
        with torch.inference_mode():
            row = measure(network, passes, theirs, clip, count, CLOCKS["wall"])
        name = f"{objects(count)}, {how}"
        yield noted(f"{name}: ours", _told(row.ours))
        yield noted(f"{name}: transformers", _told(row.peer))
        faster = f"{name}: times as fast"
        yield at_least(faster, row.ratio, PEER) if compiling else noted(faster, row.ratio)
        yield noted(f"{name}: IoU of the masks, first frame", row.first_iou)
        yield noted(f"{name}: IoU of the masks, all frames", row.mean_iou)
