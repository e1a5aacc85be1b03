"""The node's process, in which something that nobody foresaw happens to the thread that tracks: see `BREAKS`.

python broken_tracker.py KIND --ros-args ...
"""

import ctypes
import sys
import time
from collections.abc import Callable
from typing import Any

from sam2_ros.ros import process, worker
from sam2_ros.ros.mailbox import Mailbox
from sam2_ros.stream.pipeline import Pipeline

track, take, run = Pipeline.track, Mailbox.take, worker.Worker._run
count = 0


def at_third(fail: Callable[[], None], usual: Callable[..., Any]) -> Callable[..., Any]:
    """Fails at the third image, and only then."""

    def counting(self: Any, *arguments: Any) -> Any:
        global count
        count += 1
        if count == 3:
            fail()
        return usual(self, *arguments)

    return counting


def exits() -> None:
    raise SystemExit("a library wanted to end it all")


def overflows() -> None:
    raise MemoryError


def hangs() -> None:
    """In native code, as a driver may."""
    ctypes.CDLL(None).pause()


def slowly(self: Any, *arguments: Any) -> Any:
    """Every image takes a second more."""
    for _ in range(20):  # one sleep would be over when a stopped process goes on
        time.sleep(0.05)
    return track(self, *arguments)


def ends(self: Any, look_ahead: bool) -> None:
    """The thread is gone without a word."""


match sys.argv[1]:
    case "exit in tracking":
        Pipeline.track = at_third(exits, track)  # type: ignore[method-assign]
    case "memory in tracking":
        Pipeline.track = at_third(overflows, track)  # type: ignore[method-assign]
    case "hang":
        Pipeline.track = at_third(hangs, track)  # type: ignore[method-assign]
    case "slow":
        Pipeline.track = slowly  # type: ignore[method-assign]
    case "exit in the mailbox":
        Mailbox.take = at_third(exits, take)  # type: ignore[method-assign]
    case "end":
        worker.Worker._run = ends  # type: ignore[method-assign]
process.main()
