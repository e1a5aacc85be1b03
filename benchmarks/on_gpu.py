#!/usr/bin/env python3
"""Is the tracker right, the same in all its ways, quiet, flat and fast on this GPU, and what do faults do to it?

Stages, in the order of their worth: right, same, quiet, flat, fast, attention, faults; networks, nano first. Each stage
runs in a process of its own and has its own time, so that nothing that hangs or crashes takes another with it. A line
for every result as it comes; after every stage all of them are written to on_gpu.json and on_gpu.md. Ends with 1 when
something is not as wanted.

Needs torch, numpy, OpenCV, Pillow, scipy, safetensors, tqdm and PyYAML, and transformers to compare with it. On the CPU
(--device cpu) only that it works is to be seen.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import torch

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gpu.results import Report
from gpu.runner import STAGES, Job, run
from gpu.setting import FULL, TINY, Setting, Subject
from sam2_ros import __version__

NANO, TINY_1024, TINY_512 = Subject("nano", 384), Subject("tiny", 1024), Subject("tiny", 512)
LARGE, SMALL, BASE_PLUS = Subject("large", 1024), Subject("small", 1024), Subject("base_plus", 1024)
EDGETAM, EFFICIENT = Subject("edgetam", 1024), Subject("efficienttam_ti_512x512", 512)
POOLED, SHIFTED = Subject("efficienttam_ti_1", 1024), Subject("efficienttam_ti_2", 1024)
SMALLEST = Subject("nano", 64)  # for the CPU
# Seconds for each, when there are eight minutes; what one does not use is left to those after it.
ALL = {"card": 20, "right": 40, "same": 120, "quiet": 60, "flat": 50, "fast": 70, "attention": 40, "faults": 80}
PLAN: dict[Subject, dict[str, float]] = {
    NANO: dict(ALL),
    TINY_1024: {"right": 40, "same": 100, "quiet": 60, "flat": 60, "fast": 100, "faults": 80},
    TINY_512: {"quiet": 40, "fast": 80},
    EDGETAM: {"right": 40, "same": 60, "quiet": 40, "fast": 80},
    EFFICIENT: {"right": 30, "quiet": 40, "fast": 60},
    POOLED: {"right": 40, "fast": 60},
    SHIFTED: {"right": 40},
    LARGE: {"right": 40, "quiet": 60, "fast": 100},
    SMALL: {"fast": 80},
    BASE_PLUS: {"fast": 80},
}
MINUTES = 8.0  # that the plan is for


def jobs(options: argparse.Namespace) -> list[Job]:
    """What is asked for, in the order of its worth."""
    device = torch.device(options.device)
    plan, amounts = (PLAN, FULL) if device.type == "cuda" else ({SMALLEST: ALL}, TINY)
    stretch = max(1.0, options.minutes / MINUTES)
    return [
        Job(stage, Setting(subject, device, amounts), seconds * stretch)
        for subject, stages in plan.items()
        for stage, seconds in stages.items()
        if stage in options.stages and subject.model in (options.models or (subject.model,))
    ]


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="after which it ends; default: %(default)g")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu; default: %(default)s")
    parser.add_argument("--output", type=Path, default=Path("on_gpu"), help="folder for the results; default: on_gpu")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES), metavar="STAGE")
    models = sorted({subject.model for subject in PLAN})
    parser.add_argument("--models", nargs="+", choices=models, help="default: all")
    options = parser.parse_args()

    # Before torch's compiler is first used: what it made for somebody else would make configure look quick.
    with tempfile.TemporaryDirectory(prefix="on_gpu_") as cache:
        os.environ["TORCHINDUCTOR_CACHE_DIR"], os.environ["TRITON_CACHE_DIR"] = cache, f"{cache}/triton"
        facts = {
            "command": " ".join(["on_gpu.py", *sys.argv[1:]]),
            "begun": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
            "version": __version__,
            "torch": torch.__version__,
        }
        report = Report(options.output, facts)
        run(jobs(options), report, time.monotonic() + 60 * options.minutes)
    print(f"{len(report.entries)} results, {report.bad} not as wanted; {options.output / 'on_gpu.md'}")
    return 1 if report.bad else 0


if __name__ == "__main__":
    sys.exit(main())
