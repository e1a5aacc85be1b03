#!/usr/bin/env python3
"""Wrong inputs of every kind, as many as one has time for, at a tracker at work: each is taken, or refused with one
sentence; nothing crashes, hangs or grows, and the tracker's next frame is what it is without them, to the bit.

The inputs are those of ``test/helpers/fuzzing.py``. They come in rounds, each from the seed of its number; what is done
stands in a file, so that the command goes on where it was. Ends with 1 at the first failure, with the inputs that are
left of it when what does not matter is taken away, and the seed.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
CHECKOUT = Path(__file__).parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "test")]

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from helpers.fuzzing import TARGETS, Target, feed

EXAMPLES = 100  # lists of inputs in a round
QUIET = list(HealthCheck)


def a_round(target: Target, number: int) -> tuple[int, int]:
    """Inputs of a round, and how many were accepted. Raises what they fail with."""
    counts = [0, 0]

    @seed(number)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=QUIET,
    )
    @given(st.lists(target.inputs, min_size=target.together // 2, max_size=target.together))
    def run(inputs: list[object]) -> None:
        counts[0] += len(inputs)
        counts[1] += feed(target, inputs)

    run()
    return counts[0], counts[1]


def resident_mib() -> float:
    """Memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="in all (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so long, to go on another time")
    parser.add_argument("--only", choices=TARGETS, action="append", help="these kinds alone")
    parser.add_argument("--done", type=Path, default=Path("fuzz.json"), help="what is done (default: %(default)s)")
    args = parser.parse_args()
    done = json.loads(args.done.read_text()) if args.done.exists() else {}
    names, end = args.only or list(TARGETS), time.monotonic() + args.seconds
    begun, before, rounds = time.monotonic(), 0.0, 0
    while sum(counts["inputs"] for counts in done.values()) < args.inputs and time.monotonic() < end:
        name = min(names, key=lambda name: done.get(name, {"inputs": 0})["inputs"])
        counts = done.setdefault(name, {"round": 0, "inputs": 0, "accepted": 0})
        counts["round"] += 1
        try:
            inputs, accepted = a_round(TARGETS[name], counts["round"])
        except BaseException:
            print(f"FAILED: {name}, seed {counts['round']}", flush=True)
            raise
        counts["inputs"] += inputs
        counts["accepted"] += accepted
        args.done.write_text(json.dumps(done, indent=1) + "\n")
        rounds += 1
        before = before or (resident_mib() if rounds > 3 * len(names) else 0.0)
        total = sum(each["inputs"] for each in done.values())
        print(
            f"{total:>9,} inputs  {name}: seed {counts['round']}, {counts['inputs']:,} inputs, {counts['accepted']:,} "
            f"accepted; {time.monotonic() - begun:.0f} s, resident {before:.0f} -> {resident_mib():.0f} MiB",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
