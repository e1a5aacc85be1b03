"""Stand-ins for the work on a clip, which worker processes import: a file says what is to happen."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from helpers.evaluations import evaluation
from sam2_ros.errors import BagError
from sam2_ros.evaluation.request import EvaluateRequest
from sam2_ros.measures.record import Evaluation


def task(request: EvaluateRequest) -> Evaluation:
    """Do as the clip says, and leave a line in the log beside it for every time that it is worked on."""
    order, _, argument = request.results.read_text().strip().partition(" ")
    with request.results.with_suffix(".log").open("a") as log:
        log.write(f"{os.getpid()} {_threads()} {request.choice.device}\n")
    if order == "fail":
        raise BagError(f"the bag {request.results} is truncated")
    if order == "break":
        raise ZeroDivisionError("a fault")
    if order == "deny":
        raise PermissionError(13, "Permission denied", "x.mcap")
    if order == "die" and len(tries(request.results)) <= int(argument):
        os.kill(os.getpid(), signal.SIGKILL)
    if order == "sleep":
        time.sleep(float(argument))
    if order == "await":
        wait_until(request.results.with_name(argument).exists)
    return quick(request)


def quick(request: EvaluateRequest) -> Evaluation:
    """What the task finds, at once."""
    return evaluation(request.results.stem, seed=sum(request.results.read_bytes()), frames=4)


def tries(clip: Path) -> list[list[str]]:
    """Process, threads and device of every time that a clip was worked on."""
    log = clip.with_suffix(".log")
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def clips(folder: Path, *orders: str) -> list[EvaluateRequest]:
    """A clip for each order."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, order in enumerate(orders):
        (folder / f"clip{index}.txt").write_text(order)
    return [EvaluateRequest(folder / f"clip{index}.txt") for index in range(len(orders))]


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Look again and again, but not for ever."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)


def _threads() -> int:
    """Of torch, where anybody has cared to load it."""
    torch = sys.modules.get("torch")
    return torch.get_num_threads() if torch else 0
