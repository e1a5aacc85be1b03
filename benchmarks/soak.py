#!/usr/bin/env python3
"""For a long time: does it keep up, and does it stay as it is?

With ``--frames`` in this process, without ROS: a tracker through which objects come and go, prompted in all ways, with
images of changing size, saved and restored on the way (``soak_frames.py``). Otherwise the live node (``soak_live.py``),
which needs a sourced ROS 2 workspace. Ends with 1 when something grew by more than it may, or got slower.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent.parent))

POLICIES = ("official", "distractor", "motion")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--model", default="", help="default: toy with random weights for --frames, nano live")
    add("--json", type=Path, help="write the report to a file")
    frames = parser.add_argument_group("in this process")
    frames.add_argument("--frames", type=int, default=0, help="images in all, in blocks of 1,000 that are all the same")
    frames.add_argument("--policy", choices=POLICIES, action="append", help="memory_policy; default: all, in turns")
    node = parser.add_argument_group("the live node")
    node.add_argument("--minutes", type=float, default=30)
    node.add_argument("--rate", type=float, default=30, help="images per second")
    node.add_argument("--width", type=int, default=640)
    node.add_argument("--height", type=int, default=480)
    node.add_argument("--device", default="auto")
    node.add_argument("--checkpoint", default="auto", help="or random, for toy")
    node.add_argument("--image-size", type=int, default=0, help="that the network sees; 0: its own")
    node.add_argument("--allowance", type=float, default=16, help="growth that counts as none, in MiB")
    node.add_argument("--camera", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.frames:
        from soak_frames import soak

        return soak(args.frames, args.model or "toy", args.policy or POLICIES, args.json)
    from soak_live import live

    args.model = args.model or "nano"
    return live(args)


if __name__ == "__main__":
    sys.exit(main())
