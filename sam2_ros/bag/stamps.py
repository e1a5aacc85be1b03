"""Stamps of messages without decoding them, what stands for them, and which of two streams belong together."""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from ..stream.messages import NS_PER_S, stamp_ns, time_message
from .definitions import message_types
from .reader import BagReader, Recorded, Topic

# CDR: four bytes, of which the second says the byte order, then std_msgs/Header, which begins with the stamp.
_ORDERS = ("<", ">")  # by whether the last bit of that byte is clear
_AT = 4
_LOOK = 10  # messages of a topic by which its stamps are judged


@dataclass(frozen=True, slots=True)
class Clock:
    """By which time images, results and ground truth are told apart."""

    by_recording: bool = False  # the stamps say nothing: when each was recorded stands for them

    def stamp_of(self, recorded: Recorded) -> int | None:
        """Nanoseconds; None when the message is too short to have a stamp."""
        return recorded.time_ns if self.by_recording else stamp_of(recorded)

    def stamped(self, message: Any, recorded: Recorded) -> Any:
        """A decoded message with the stamp that counts in its header."""
        if not self.by_recording or stamp_ns(message.header.stamp) == recorded.time_ns:
            return message
        stamp = time_message(message_types(), recorded.time_ns)
        return replace(message, header=replace(message.header, stamp=stamp))


def clock_of(bag: BagReader, topic: Topic) -> Clock:
    """The clock of a topic whose messages begin with a header: by recording when their stamps do not advance.

    That is when they are zero, or when less than half of the first ones differ.
    """
    found = [stamp_of(recorded) for recorded in islice(bag.messages(topic, bag.span()), _LOOK)]
    different = set(found)
    return Clock(by_recording=different == {0} or (len(found) > 1 and 2 * len(different) <= len(found)))


def standing_note(topic: str) -> str:
    """What to say of such a topic."""
    return f"the stamps of {topic} do not advance, as of a driver that sets none; the time of recording stands for them"


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
