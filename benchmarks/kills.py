#!/usr/bin/env python3
"""Kills every process of a run over many bags at random times, TIMES times, and resumes: are the figures the same?"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EVALUATE = (
    "evaluate 0 1 2 3 4 5 --model toy --checkpoint random --device cpu --image-size 64 --protocol first-box "
    "--workers 2 --quiet --output"
)


def sam2_ros(arguments: str, folder: Path, timeout: float | None = None) -> bool:
    """Run the command; False when it was killed, with all of its processes, after ``timeout`` seconds."""
    command = [sys.executable, "-m", "sam2_ros.cli", *arguments.split()]
    process = subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True)
    try:
        if process.wait(timeout):
            raise SystemExit(f"FAILED: {arguments}")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait() == 0


with tempfile.TemporaryDirectory(prefix="kills_") as name:
    for bag in range(6):
        sam2_ros(f"synthesize {bag} --seed {bag} --frames 6 --size 96x72 --quiet", Path(name))
    started, kills, runs, same, times = time.monotonic(), 0, 0, True, int(sys.argv[sys.argv.index("--times") + 1])
    sam2_ros(f"{EVALUATE} whole", Path(name))
    longest = time.monotonic() - started
    while same and (kills < times or (Path(name) / f"run{runs}.work").exists()):
        limit = random.uniform(0, longest) if kills < times else None
        kills += not sam2_ros(f"{EVALUATE} run{runs}", Path(name), limit)
        if (Path(name) / f"run{runs}").exists():  # a kill after the report took its place is too late
            whole, run = ((Path(name) / each / "rows.csv").read_bytes() for each in ("whole", f"run{runs}"))
            runs, same = runs + 1, whole == run
            print(f"{kills} kills, {runs} runs resumed to their end, same rows: {same}", flush=True)
sys.exit(not same)
