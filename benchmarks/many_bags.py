#!/usr/bin/env python3
"""Many bags: one process against a Ray cluster on this machine, and what is lost when a worker is killed.

Makes bags of made-up scenes and evaluates all of them, tracker included, three times: one after the other, over Ray,
and over Ray with one worker killed midway. One torch thread everywhere. Prints seconds and their ratio, and whether
all figures are the same; measured latencies, which never are, are left out of that. Ray's start is timed apart.
"""

import argparse
import math
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

# This checkout is what is measured, installed or not, in workers as well.
CHECKOUT = str(Path(__file__).resolve().parent.parent)
sys.path.insert(0, CHECKOUT)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (CHECKOUT, os.environ.get("PYTHONPATH", ""))))
os.environ["OMP_NUM_THREADS"] = "1"

from tqdm import tqdm

from sam2_ros.bag.synthesize import SynthesizeRequest, synthesize
from sam2_ros.config import ModelChoice
from sam2_ros.evaluation.cluster import Cluster, evaluate_on_cluster
from sam2_ros.evaluation.many import Workers, evaluate_many
from sam2_ros.evaluation.request import EvaluateRequest
from sam2_ros.measures.protocol import Protocol
from sam2_ros.measures.record import Evaluation
from sam2_ros.report.files import Run
from sam2_ros.synthetic import settings_for

STORE_BYTES = 100 << 20


@dataclass(frozen=True)
class Timed:
    """A run and how long it took."""

    run: Run
    seconds: float


def main() -> int:
    """Measure and print; 1 when figures differ or a bag was lost."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="many_bags_") as folder:
        requests = make_bags(Path(folder), options)
        serial = timed(lambda: evaluate_many(requests, Path(folder) / "serial", Workers(threads=1)))
        print(f"one process: {serial.seconds:.1f} s for {len(requests)} bags", flush=True)
        with ray_of(options.workers):
            cluster = timed(lambda: evaluate_on_cluster(requests, Path(folder) / "ray", Cluster(threads=1)))
            ratio = serial.seconds / cluster.seconds
            print(f"Ray, {options.workers} workers: {cluster.seconds:.1f} s, {ratio:.2f} times as fast", flush=True)
            killed = timed(lambda: with_one_killed(requests, Path(folder)))
    print(f"Ray, a worker killed midway: {killed.seconds:.1f} s, {len(killed.run.failed)} bags lost")
    same = [timeless(each.run) == timeless(serial.run) for each in (cluster, killed)]
    print(f"figures as in one process: {same[0]}; with a worker killed: {same[1]}")
    return 0 if all(same) and not serial.run.failed else 1


def make_bags(folder: Path, options: argparse.Namespace) -> list[EvaluateRequest]:
    """Bags of as many made-up scenes."""
    width, height = 160, 120
    settings = replace(settings_for("easy"), frames=options.frames, width=width, height=height)
    requests = []
    for seed in tqdm(range(options.bags), unit=" bags made"):
        bag = folder / f"bag{seed:03d}"
        synthesize(SynthesizeRequest(bag, seed, settings, progress=False))
        requests.append(EvaluateRequest(bag, protocol=Protocol.PROMPTS, choice=ModelChoice("nano", device="cpu")))
    return requests


def timed(work: Callable[[], Run]) -> Timed:
    """Do it and look at the clock."""
    started = time.monotonic()
    run = work()
    return Timed(run, time.monotonic() - started)


@contextmanager
def ray_of(workers: int) -> Iterator[None]:
    """A Ray cluster on this machine for as long as the block runs."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    started = time.monotonic()
    ray.init(
        "local",
        num_cpus=workers,
        include_dashboard=False,
        object_store_memory=STORE_BYTES,
        log_to_driver=False,
        logging_level="ERROR",
    )
    print(f"Ray's start: {time.monotonic() - started:.1f} s", flush=True)
    try:
        yield
    finally:
        ray.shutdown()


def with_one_killed(requests: Sequence[EvaluateRequest], folder: Path) -> Run:
    """All over Ray, and the worker that began the bag in the middle is killed while it works on it."""
    marks = folder / "marks"
    marks.mkdir()
    victim = marks / requests[len(requests) // 2].results.name

    def kill() -> None:
        while not victim.exists():
            time.sleep(0.01)
        time.sleep(0.2)  # into its work
        os.kill(int(victim.read_text().splitlines()[0]), signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    run = evaluate_on_cluster(requests, folder / "killed", Cluster(threads=1), task=partial(marked, marks=marks))
    tries = len(victim.read_text().splitlines())
    print(f"the bag whose worker was killed was begun {tries} times")
    return run


def marked(request: EvaluateRequest, marks: Path) -> Evaluation:
    """Evaluate, and leave a line with the number of the process that does it."""
    from sam2_ros.evaluation.one import evaluate

    with (marks / request.results.name).open("a") as mark:
        mark.write(f"{os.getpid()}\n")
    return evaluate(request)


def timeless(run: Run) -> list[str]:
    """All that a run found, without measured times."""
    nothing: Any = dict.fromkeys(("latency_p50_ms", "latency_p95_ms", "latency_p99_ms"), math.nan)
    return [
        repr(replace(each, latencies_s=(), figures=replace(each.figures, **nothing))) for each in run.evaluations
    ] + [repr(each) for each in run.failed]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bags", type=int, default=50)
    parser.add_argument("--frames", type=int, default=30, help="in each bag (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
