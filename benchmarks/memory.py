#!/usr/bin/env python3
"""Do memory and time stay as they are? Runs a tracker for thousands of steps while objects come, are refined and go.

The first object stays. The tracker is the live node's: on CUDA compiled and in graphs, unless --compile says otherwise.
Prints the memory bank's bytes, the process's resident memory and, on CUDA, allocated and reserved memory along the way,
and at the end what recalling memories and what a whole step take of the processor: the median of the last 200 steps
beside that of steps 101 to 300, of those with all objects and no prompt. Exits 1 when the bank changed, when one of
them grew by more than the allowance since step 50, or when recalling takes longer at the end.
"""

import argparse
import dataclasses
import math
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from stopwatch import Stopwatch

from sam2_ros.config import ModelChoice, TrackerConfig, meaning_of
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.ready import ready_tracker
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network, wants_compiling

POLICY = next(each for each in dataclasses.fields(TrackerConfig) if each.name == "memory_policy")
FRAME_NS = 33_333_333
SETTLED = 50  # steps after which memory has to stay as it is
EARLY, LATE = slice(100, 300), slice(-200, None)  # steps whose times are compared


@dataclasses.dataclass(frozen=True)
class Usage:
    """Memory at one step, in bytes."""

    bank: int
    resident: int
    allocated: int  # of the GPU, by tensors
    reserved: int  # of the GPU by torch: tensors, graphs, and what lies ready


def usage(tracker: Tracker) -> Usage:
    """What is held now."""
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * 4096
    if tracker.device.type != "cuda":
        return Usage(tracker.memory_bytes, resident, 0, 0)
    allocated, reserved = (count(tracker.device) for count in (torch.cuda.memory_allocated, torch.cuda.memory_reserved))
    return Usage(tracker.memory_bytes, resident, allocated, reserved)


class Timed:
    """Processor time of steps and of the recalls in them, in seconds; NaN for a step that is like no other."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.recalls: list[float] = []
        self._recalling = Stopwatch(time.process_time)
        self._recalling.wrap("recall")

    def step(self, step: Callable[[], object], counts: bool) -> None:
        """Take a step; whether it counts."""
        self._recalling.seconds, begun = 0.0, time.process_time()
        step()
        self.steps.append(time.process_time() - begun if counts else math.nan)
        self.recalls.append(self._recalling.seconds if counts else math.nan)


def growth_of(name: str, seconds: Sequence[float]) -> float:
    """Print medians of early and late steps; how many times as long the late ones take."""
    early, late = (float(np.nanmedian(seconds[part])) for part in (EARLY, LATE))
    print(f"{name}: {1000 * early:.3f} ms early, {1000 * late:.3f} ms late, {late / early:.2f} times as long")
    return late / early


def prompts(rng: np.random.Generator, size: int, objects: int) -> list[Prompt]:
    """On every fifth frame or so a box: a new object, a refined one, or one too many."""
    if rng.random() > 0.2:
        return []
    x, y = rng.integers(0, size - size // 4, 2)
    return [Prompt(int(rng.integers(1, objects + 3)), box=np.array([x, y, x + size // 4, y + size // 4]))]


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--objects", type=int, default=4)
    parser.add_argument("--size", type=int, default=128, help="side of the frames in pixels")
    parser.add_argument("--model", default="toy")
    parser.add_argument("--checkpoint", default="random")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--image-size", type=int, default=0)
    parser.add_argument("--memory-policy", choices=meaning_of(POLICY).choices, default=POLICY.default)
    parser.add_argument("--compile", choices=("auto", "always", "never"), default="auto")
    parser.add_argument("--allowance", type=float, default=16, help="growth that counts as none, in MiB")
    parser.add_argument("--slower", type=float, default=1.25, help="factor that counts as no longer")
    args = parser.parse_args()

    choice = ModelChoice(
        args.model, args.checkpoint, args.device, compile_network=args.compile, image_size=args.image_size
    )
    network = load_network(choice)
    config = TrackerConfig(max_objects=args.objects, memory_policy=args.memory_policy)
    tracker = ready_tracker(network, config, wants_compiling(choice.compile_network, network.device))
    print(f"{network.config.name} on {network.device}, {tracker.tier.value}")
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (8, args.size, args.size, 3), dtype=np.uint8)
    start = usage(tracker)
    timed = Timed()
    told, since = 0, time.monotonic()
    for step in range(1, args.steps + 1):
        if tracker.object_ids[1:] and rng.random() < 0.05:
            tracker.remove(int(rng.choice(tracker.object_ids[1:])))
        picture, said = pictures[step % 8], prompts(rng, args.size, args.objects)
        full = len(tracker.object_ids) == args.objects
        timed.step(partial(tracker.step, picture, said, stamp_ns=step * FRAME_NS), counts=full and not said)
        now = usage(tracker)
        if step == SETTLED:
            start = now
        if step == SETTLED or step % max(1, args.steps // 10) == 0:
            print(
                f"step {step:6d}  bank {now.bank:,} B  resident {now.resident / 2**20:.1f} MiB  "
                f"GPU {now.allocated / 2**20:.1f} MiB allocated, {now.reserved / 2**20:.1f} reserved  "
                f"{(step - told) / (time.monotonic() - since):.1f} steps/s since",
                flush=True,
            )
            told, since = step, time.monotonic()
    grown = [getattr(now, kind) - getattr(start, kind) for kind in ("resident", "allocated", "reserved")]
    growth = max(grown) / 2**20
    print(f"growth since step {SETTLED}: {growth:.1f} MiB")
    growth_of("a step", timed.steps)
    slower = growth_of("recalling", timed.recalls)
    return 1 if growth > args.allowance or now.bank != start.bank or slower > args.slower else 0


if __name__ == "__main__":
    sys.exit(main())
