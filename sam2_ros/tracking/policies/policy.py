"""What a memory policy is asked, and in which words. Frames are counted from 0.

A policy is one object's: a frozen value of plain data, its rule's limits and what it has to know of the frames before.
Each frame makes the next value of it. It sees numbers and small masks on the host, never the network.
"""

import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from torch import Tensor

from ...model.probe import History
from ...model.sam2 import POINTER_HORIZON

# Frame number of an entry that holds nothing: before all that can be, since memories from elsewhere lie before frame 0.
EMPTY = -(1 << 40)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much there is to attend to; the same for all objects."""

    masks: int  # spatial memories attended after one prompt, that of the prompt among them
    last_row: int  # of the temporal encoding: that of prompted frames
    prompts: int = 0  # prompted frames attended at once, 0: all that are kept
    stride: int = 1  # frames from one recent memory of the official rule to the next
    motion_weight: float = 0.25  # of the motion score in the choice of a mask


@dataclass(frozen=True, slots=True)
class Room:
    """Entries that an object's memory needs besides those for prompted frames."""

    recent: int
    pointers: int


@dataclass(frozen=True, slots=True)
class Held:
    """Frame number in each entry of one object's memory."""

    prompted: tuple[int, ...]
    recent: tuple[int, ...]
    pointers: tuple[int, ...]  # besides those of the prompted entries


@dataclass(frozen=True, slots=True)
class Attended:
    """The frames that one object attends to on a frame."""

    prompted: tuple[int, ...]  # out of the prompted entries, with the last row of the temporal encoding
    recent: tuple[int, ...]  # out of the recent entries
    rows: tuple[int, ...]  # of these
    pointers: tuple[int, ...]  # whose pointers are attended besides those of prompted frames that are not to come

    def ages(self, now: int) -> tuple[int, ...]:
        """How many frames before ``now`` the frames whose masks are attended lie, ascending; none that are to come."""
        return tuple(sorted(now - frame for frame in (*self.prompted, *self.recent) if frame < now))


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What was seen of one object in one frame, on the host."""

    frame: int
    stamp_ns: int = 0
    size: tuple[int, int] = (1, 1)  # of the image: width, height
    object_score: float = 0.0  # logit
    mask_score: float = 0.0  # predicted IoU of the mask, 0..1
    mask: np.ndarray | None = None  # (h, w) low-resolution logits of the mask that stands; None: was not looked at
    ious: tuple[float, ...] = ()  # predicted IoU of each candidate
    candidates: Tensor | None = None  # (M, h, w) low-resolution logits, for policies that look at them
    chosen: int = 0  # which of them stands
    told: bool = False  # by a prompt on this frame, be it that the object is not there

    @property
    def area(self) -> int:
        """Pixels of the mask at low resolution, which the size of the image does not change."""
        return 0 if self.mask is None else int(np.count_nonzero(self.mask > 0))


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one object's memory of a frame."""

    policy: "Policy"  # the object's from then on
    recent: tuple[int, ...]  # recent entries that take the frame
    pointers: tuple[int, ...]  # pointer entries that take it
    kept: bool = True  # whether it is remembered; if not, it is attended to on the very next frame at most
    promoted: bool = False  # to an anchor
    why: str = ""  # it was not kept, or promoted; in a few words


class Policy(Protocol):
    """A memory policy, with what it knows of one object."""

    looks: ClassVar[bool]  # at all candidate masks, which then come to the host
    chooses: ClassVar[bool]  # among them, before the memory of the frame is made

    @property
    def room(self) -> Room:
        """What its memories need."""

    def steady(self, prompts: int) -> History:
        """What an object in view attends to in the long run after so many prompted frames."""

    def attended(self, held: Held, now: int) -> Attended:
        """What is attended to on frame ``now``."""

    def choose(self, sight: Sight) -> int:
        """Which candidate becomes the mask; ``sight.chosen`` is the network's own choice."""

    def after(self, sight: Sight, held: Held) -> Plan:
        """What becomes of a frame that was seen."""

    def rewound(self, frame: int) -> "Policy":
        """The same without what it knows of a frame and later ones."""


def attended_prompts(prompted: Sequence[int], now: int, limit: int) -> list[int]:
    """Prompted frames that are attended on frame ``now``: all of them, or with a limit above 0 the nearest one
    before, the nearest one at or after, then the rest by distance."""
    prompted = [frame for frame in prompted if frame != EMPTY]
    if limit <= 0 or len(prompted) <= limit:
        return sorted(prompted)
    before = [frame for frame in prompted if frame < now]
    after = [frame for frame in prompted if frame >= now]
    first = [*([max(before)] if before else []), *([min(after)] if after else [])]
    rest = sorted((frame for frame in prompted if frame not in first), key=lambda frame: abs(frame - now))
    return sorted([*first, *rest][:limit])


def recent_pointers(held: Held, attended: Sequence[int], now: int) -> tuple[int, ...]:
    """Of the last 15 frames those whose pointers are held and that are not attended already, newest first."""
    near = (frame for frame in held.pointers if frame != EMPTY and now - frame <= POINTER_HORIZON)
    return tuple(sorted((frame for frame in near if frame not in attended), reverse=True))


def free_entry(held: Sequence[int], wanted: Collection[int]) -> int:
    """One that holds nothing, else the one with the oldest frame that is no longer wanted: what is younger may serve a
    late prompt yet."""
    return min((frame, entry) for entry, frame in enumerate(held) if frame == EMPTY or frame not in wanted)[1]


def median(values: Sequence[int]) -> float:
    """Of values that are not none."""
    return float(statistics.median(values))
