#!/usr/bin/env python3
"""What a memory policy costs: one clip under all of them, turn by turn in one process.

Every tracker takes each image, in an order that changes from image to image, as the machine may be busy with something
else; for the same reason the time is the processor's where the network runs on the CPU. Prints the median of a frame
under each policy, the median of its ratio to the official one on the same image, and what the policy's own work on the
host takes of a frame. Exits 1 when the policy `distractor` takes more than the allowance of a frame for its own work.
"""

import argparse
import random
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from stopwatch import Stopwatch

from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.synthetic import scene, settings_for
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.ready import ready_tracker
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network, wants_compiling

POLICIES = ("official", "distractor", "motion")
SETTLED = 30  # frames until memories are as long as they get


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--objects", type=int, default=4)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 480), metavar=("W", "H"))
    parser.add_argument("--difficulty", default="hard")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--checkpoint", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", choices=("auto", "always", "never"), default="auto")
    parser.add_argument("--allowance", type=float, default=0.03, help="share of a frame (default: %(default)s)")
    args = parser.parse_args()

    choice = ModelChoice(args.model, args.checkpoint, args.device, compile_network=args.compile)
    network = load_network(choice)
    compiling = wants_compiling(choice.compile_network, network.device)
    limits = TrackerConfig(max_objects=args.objects, objects_per_batch=args.objects)
    trackers: dict[str, Tracker] = {
        policy: ready_tracker(network, replace(limits, memory_policy=policy), compiling) for policy in POLICIES
    }
    clock = time.process_time if network.device.type == "cpu" else time.perf_counter
    own = Stopwatch(clock)
    for name in ("plans", "choices"):
        own.wrap(name)
    frames: dict[str, list[float]] = defaultdict(list)
    work: dict[str, list[float]] = defaultdict(list)
    width, height = args.size
    settings = replace(
        settings_for(args.difficulty),
        frames=args.frames,
        width=width,
        height=height,
        objects_min=args.objects,
        objects_max=args.objects,
    )
    chance = random.Random(0)
    for index, seen in enumerate(scene(0, settings)):
        prompts = [Prompt(box=np.array(box, dtype=np.float64)) for box in seen.boxes if box] if not index else []
        for policy in chance.sample(POLICIES, len(POLICIES)):
            own.seconds, begun = 0.0, clock()
            trackers[policy].step(seen.image, prompts, stamp_ns=(index + 1) * 33_333_333)
            if network.device.type == "cuda":
                torch.cuda.synchronize()
            if index >= SETTLED:
                frames[policy].append(clock() - begun)
                work[policy].append(own.seconds)
    print(f"{network.config.name} on {network.device}, {trackers['official'].tier.value}; {args.objects} objects")
    shares = {}
    for policy in POLICIES:
        shares[policy] = float(np.median(work[policy]) / np.median(frames[policy]))
        ratio = float(np.median(np.array(frames[policy]) / np.array(frames["official"])))
        print(
            f"{policy:12s} frame {1000 * np.median(frames[policy]):8.2f} ms, {ratio:.3f} of official; own work "
            f"{1000 * np.median(work[policy]):.3f} ms (95 %: {1000 * np.percentile(work[policy], 95):.3f}), "
            f"{100 * shares[policy]:.2f} % of a frame"
        )
    return 1 if shares["distractor"] > args.allowance else 0


if __name__ == "__main__":
    sys.exit(main())
