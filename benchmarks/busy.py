#!/usr/bin/env python3
"""What threads that wait for each other cost, idle and beside other work: robots are never idle.

torch's threads turn in circles while they wait for the next piece of work, which is quick where nothing else wants the
processor. Tracks with each way of waiting in a process of its own, all of them round after round, first alone and then
beside processes that compute without end. Prints the median of a frame in milliseconds, and its ratio to the default.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

WAYS = {
    "spin": {"OMP_WAIT_POLICY": "active"},
    "torch's default": {},
    "passive": {"OMP_WAIT_POLICY": "passive"},
    **{f"{turns} turns": {"GOMP_SPINCOUNT": str(turns)} for turns in (500, 2_000, 10_000, 50_000)},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
BUSY = "while True: sum(range(10_000))"


def track(model: str, objects: int, frames: int) -> list[float]:
    """Seconds of so many frames with full memory."""
    from sam2_ros.bench.run import end_to_end, made_up_pictures
    from sam2_ros.config import ModelChoice
    from sam2_ros.weights.loading import load_network

    network = load_network(ModelChoice(model, device="cpu"))
    return end_to_end(network, network, made_up_pictures(640, 480), objects, frames)[0]


def measured(way: str, options: argparse.Namespace) -> float:
    """Median milliseconds of a frame in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))}
    sizes = ["--model", options.model, "--objects", str(options.objects), "--frames", str(options.frames)]
    done = subprocess.run(
        [sys.executable, __file__, "--track", *sizes],
        env={**environment, **WAYS[way]},
        check=True,
        capture_output=True,
        text=True,
    )
    seconds: list[float] = json.loads(done.stdout)
    return 1e3 * statistics.median(seconds)


@contextmanager
def beside(count: int) -> Iterator[None]:
    """So many processes that never rest."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--objects", type=int, default=1)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1, 2], help="processes beside it")
    parser.add_argument("--track", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.track:
        print(json.dumps(track(options.model, options.objects, options.frames)))
        return 0
    print(f"{options.model}, {options.objects} objects, {os.cpu_count()} cores; medians of {options.rounds} rounds, ms")
    for count in options.busy:
        with beside(count):
            rounds = [{way: measured(way, options) for way in WAYS} for _ in range(options.rounds)]
        usual = statistics.median(one["torch's default"] for one in rounds)
        for way in WAYS:
            found = statistics.median(one[way] for one in rounds)
            print(f"{count} beside  {way:16} {found:8.1f}  {found / usual:5.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
