"""Stamps of messages without decoding them, and which stamps of two streams belong together."""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from ..stream.messages import NS_PER_S
from .reader import Recorded

# CDR: four bytes, of which the second says the byte order, then std_msgs/Header, which begins with the stamp.
_ORDERS = ("<", ">")  # by whether the last bit of that byte is clear
_AT = 4


def stamp_of(recorded: Recorded) -> int | None:
    """Nanoseconds of a message whose first field is std_msgs/Header; None when it is too short to have one."""
    if len(recorded.data) < _AT + 8:
        return None
    order = _ORDERS[not recorded.data[1] & 1]
    sec, nanosec = struct.unpack_from(f"{order}iI", recorded.data, _AT)
    return int(sec) * NS_PER_S + int(nanosec)


def nearest(wanted: Iterable[int], there: Sequence[int], tolerance_ns: int) -> dict[int, int]:
    """For each wanted stamp the nearest of those that are there, if it lies within the tolerance.

    Nothing is given away twice: a stamp goes to the nearest of those who want it.
    """
    ordered = sorted(set(there))
    takers: dict[int, int] = {}  # by stamp that is there
    for stamp in sorted(set(wanted)):
        best = _nearest(stamp, ordered)
        if best is None or abs(best - stamp) > tolerance_ns:
            continue
        if best not in takers or abs(best - stamp) < abs(best - takers[best]):
            takers[best] = stamp
    return {taker: stamp for stamp, taker in takers.items()}


def _nearest(stamp: int, ordered: Sequence[int]) -> int | None:
    place = bisect_left(ordered, stamp)
    around = ordered[max(0, place - 1) : place + 1]
    return min(around, key=lambda candidate: abs(candidate - stamp), default=None)
