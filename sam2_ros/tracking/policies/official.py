"""The memory of the official predictor: the frames right before this one, whatever was seen in them.

Kept: of the prompted frames the first and the most recent ones; of all frames, prompted or not, the last few.
"""

from dataclasses import dataclass
from typing import ClassVar

from ...model.probe import History
from ...model.sam2 import POINTER_HORIZON
from .policy import EMPTY, Attended, Held, Limits, Plan, Room, Sight, attended_prompts, recent_pointers


@dataclass(frozen=True, slots=True)
class Official:
    """Two rings over all frames, by frame number: spatial memories and pointers. Nothing to know besides."""

    looks: ClassVar[bool] = False
    chooses: ClassVar[bool] = False

    limits: Limits

    @property
    def room(self) -> Room:
        """The last masks, with a stride the multiples of it and one entry for the last frame; 15 pointers."""
        return Room(self._count + (self.limits.stride > 1), POINTER_HORIZON)

    @property
    def _count(self) -> int:
        return self.limits.masks - 1

    def steady(self, prompts: int) -> History:
        """All prompted frames and all of both rings."""
        return History(self._count + prompts, POINTER_HORIZON + prompts)

    def attended(self, held: Held, now: int) -> Attended:
        """The prompted frames, then those of `recent_frames` that are there, oldest first, row t for the t-th.

        A recent frame that is attended as a prompted one is not attended twice. Pointers: those of the attended
        prompted frames, then of the last 15 frames.
        """
        prompted = attended_prompts(held.prompted, now, self.limits.prompts)
        frames = [
            (frame, row)
            for row, frame in enumerate(recent_frames(now, self._count, self.limits.stride))
            if frame != EMPTY and frame in held.recent and frame not in prompted
        ][::-1]
        return Attended(
            prompted=tuple(prompted),
            recent=tuple(frame for frame, _ in frames),
            rows=tuple(row for _, row in frames),
            pointers=recent_pointers(held, prompted, now),
        )

    def choose(self, sight: Sight) -> int:
        """The network's own choice."""
        return sight.chosen

    def after(self, sight: Sight, held: Held) -> Plan:
        """Each frame is remembered, the place by its number."""
        return Plan(self, self._entries_for(sight.frame), (sight.frame % POINTER_HORIZON,))

    def rewound(self, frame: int) -> "Official":
        """Itself."""
        return self

    def _entries_for(self, frame: int) -> tuple[int, ...]:
        stride = self.limits.stride
        multiple = (frame // stride % self._count,) if frame % stride == 0 else ()
        return multiple if stride == 1 else (*multiple, self._count)


def recent_frames(now: int, count: int, stride: int) -> list[int]:
    """The ``count`` frames before ``now`` whose masks are attended, newest first: the one right before it, and of those
    before that one the last multiples of ``stride``."""
    latest_multiple = (now - 2) // stride * stride
    return [now - 1, *(latest_multiple - stride * i for i in range(count - 1))]
