"""The live node's mailbox on a clock of its own: which images are tracked, and which result stands when.

The last finished result is what a robot acts on: Li, Wang and Ramanan, "Towards Streaming Perception", ECCV 2020.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    """One image in the tracker."""

    index: int  # of the image
    started_ns: int
    finished_ns: int


def simulate(arrivals_ns: Sequence[int], latency_ns: Callable[[int], int]) -> tuple[Work, ...]:
    """Which images a tracker works on that takes the newest one whenever it is free.

    ``arrivals_ns``: when each image comes, ascending. ``latency_ns``: how long the image of an index takes. An image
    that comes while another one waits takes its place; one that comes the moment the tracker is free is taken.
    """
    done: list[Work] = []
    free_ns, index = 0, 0
    while index < len(arrivals_ns):
        newest = max(index, bisect_right(arrivals_ns, free_ns) - 1)
        started_ns = max(free_ns, arrivals_ns[newest])
        done.append(Work(newest, started_ns, started_ns + latency_ns(newest)))
        free_ns, index = done[-1].finished_ns, newest + 1
    return tuple(done)
