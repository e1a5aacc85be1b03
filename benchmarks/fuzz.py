#!/usr/bin/env python3
"""Wrong inputs of every kind, as many as one has time for, at a tracker at work: each is taken, or refused with one
sentence; nothing crashes, hangs or grows, and the tracker's next frame is what it is without them, to the bit.

The inputs are those of ``test/helpers/fuzzing``: up to some hundred are given one after the other, each within its
second, and then the next frame is looked at; where it is another one, halves of them are tried until those are left
that do it. They come in rounds, each from the seed of its number, of the kind that had the least time so far. What is
done stands in a file, so that the command goes on where it was. Ends with 1 at the first failure, with its inputs and
seed.
"""

import argparse
import faulthandler
import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
CHECKOUT = Path(__file__).parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "test")]

from hypothesis import HealthCheck, Phase, given, seed, settings

from helpers.fuzzing.feeding import Target, batches, feed
from helpers.fuzzing.targets import TARGETS
from sam2_ros.stored.atomic import replace_file
from sam2_ros.weights.allocator import give_back_memory

EXAMPLES = 50  # batches of inputs in a round
STUCK = 60.0  # seconds of the processor after which inputs hang: the stack is printed, and that is the end
GROWTH = 64.0  # MiB that the process may grow by once every kind had its third round
QUIET = list(HealthCheck)


@dataclass
class Done:
    """Of one kind."""

    round: int = 0
    inputs: int = 0
    accepted: int = 0
    seconds: float = 0.0


def a_round(target: Target, done: Done) -> None:
    """The next one, counted. Raises what its inputs fail with."""
    done.round += 1
    started = time.thread_time()

    @seed(done.round)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=QUIET,
    )
    @given(batches(target))
    def run(inputs: list[object]) -> None:
        signal.setitimer(signal.ITIMER_PROF, STUCK)
        done.accepted += feed(target, inputs)
        done.inputs += len(inputs)

    run()
    signal.setitimer(signal.ITIMER_PROF, 0)
    done.seconds += time.thread_time() - started


def resident_mib() -> float:
    """Memory that this process holds, without what it would give back."""
    give_back_memory()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="in all (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so long, to go on another time")
    parser.add_argument("--only", choices=TARGETS, action="append", help="these kinds alone")
    parser.add_argument("--done", type=Path, default=Path("fuzz.json"), help="what is done (default: %(default)s)")
    args = parser.parse_args()
    said = json.loads(args.done.read_text()) if args.done.exists() else {}
    done = {name: Done(**said.get(name, {})) for name in TARGETS}
    faulthandler.register(signal.SIGPROF, chain=True)
    names, began, before, rounds = args.only or list(TARGETS), time.monotonic(), 0.0, 0
    while sum(kind.inputs for kind in done.values()) < args.inputs and time.monotonic() < began + args.seconds:
        name = min(names, key=lambda name: done[name].seconds)
        kind = done[name]
        print(f"{name}: seed {kind.round + 1}", end="", flush=True)
        a_round(TARGETS[name], kind)
        text = json.dumps({each: asdict(counts) for each, counts in done.items()}, indent=1)
        replace_file(args.done, partial(Path.write_text, data=text))
        rounds, now = rounds + 1, resident_mib()
        before = before or (now if rounds > 3 * len(names) else 0.0)
        total = sum(each.inputs for each in done.values())
        print(
            f", {kind.inputs:,} inputs, {kind.accepted:,} accepted, {kind.seconds:.0f} s; {total:,} inputs in all, "
            f"resident {before:.0f} -> {now:.0f} MiB",
            flush=True,
        )
        if before and now > before + GROWTH:
            print(f"FAILED: it has grown by {now - before:.0f} MiB")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
