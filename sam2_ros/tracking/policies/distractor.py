"""Memory that resolves distractors: DAM4SAM's rules (arXiv:2411.17576), in the bounded form of its multi-object sequel.

Recent memories are sparse and only of frames in which the object was seen: while it is gone, memory stands still.
Besides them stand anchors: prompted frames, and frames in which the object was told apart from something like it. Those
are found by introspection: the network was sure, but another of its candidate masks reached for something else.

Different from the reference: pointers are at most 16, the latest of frames in which the object was seen, as in the
sequel; an anchor is not encoded again with a hard mask, as in the sequel; sizes are compared at the mask's own
resolution, so that an image may change its size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ...model.probe import History
from ...model.sam2 import POINTER_HORIZON
from .introspection import least_overlap
from .policy import EMPTY, Attended, Held, Limits, Plan, Room, Sight, attended_prompts, free_entry, median

STRIDE = 5  # frames from one recent memory to the next, not counting the latest
SURE = 0.8  # predicted IoU above which a frame may become an anchor
GROWTH = 0.8, 1.2  # of the mask against the median of the last sizes, within which it is stable
SIZES, SIZES_HORIZON = 10, 300  # sizes that the median is of, and frames that they reach back
PAUSE = 5  # frames after an anchor in which there is no other
DISTRACTED = 0.7  # overlap of boxes at or below which another candidate reaches for something else


@dataclass(frozen=True, slots=True)
class Distractor:
    """What an object's memory holds besides prompted frames."""

    looks: ClassVar[bool] = True
    chooses: ClassVar[bool] = False

    limits: Limits
    anchors: tuple[int, ...] = ()  # frames that were promoted, ascending
    spaced: tuple[int, ...] = ()  # frames with the object whose number the stride divides, ascending
    latest: int = EMPTY  # frame that is remembered and not an anchor
    sizes: tuple[tuple[int, int], ...] = ()  # frame and pixels of masks that were tracked, ascending

    @property
    def anchors_attended(self) -> int:
        """At most, prompted frames included: four of seven masks, two of three."""
        return (self.limits.masks + 1) // 2

    @property
    def room(self) -> Room:
        """One more anchor than are attended: that of the frame right before counts as recent yet."""
        return Room(self.anchors_attended + 1 + self.limits.masks - 1, self.anchors_attended + POINTER_HORIZON)

    def steady(self, prompts: int) -> History:
        """As many masks and pointers whatever they are of, as long as the prompted frames leave room."""
        recent = self.limits.masks - self.anchors_attended
        return History(max(self.limits.masks, prompts + recent), max(POINTER_HORIZON + 1, prompts))

    def attended(self, held: Held, now: int) -> Attended:
        """Prompted frames and the nearest anchors with the last row; recent frames, by rank, in what room is left."""
        prompted = attended_prompts(held.prompted, now, self.limits.prompts)
        anchors = self._anchors(held, prompted, now)
        fixed = [*prompted, *anchors]
        room = self.limits.masks - min(len(fixed), self.anchors_attended)
        recent = recent_spaced([f for f in held.recent if EMPTY < f < now and f not in fixed], self.spaced, room)
        past = [frame for frame in fixed if frame <= now]
        seen = sorted((f for f in held.pointers if EMPTY < f < now and f not in fixed), reverse=True)
        return Attended(
            prompted=tuple(prompted),
            recent=(*anchors, *reversed(recent)),
            rows=(*(self.limits.last_row for _ in anchors), *reversed(range(len(recent)))),
            pointers=(*anchors, *seen[: max(0, POINTER_HORIZON + 1 - len(past))]),
        )

    def _anchors(self, held: Held, prompted: Sequence[int], now: int) -> list[int]:
        """Promoted frames that are attended, ascending: as many of the nearest as prompted ones leave room for."""
        room = max(0, self.anchors_attended - len(prompted))
        there = [f for f in self.anchors if f < now - 1 and f in held.recent and f not in prompted]
        return there[-room:] if room else []

    def choose(self, sight: Sight) -> int:
        """The network's own choice."""
        return sight.chosen

    def after(self, sight: Sight, held: Held) -> Plan:
        """A frame is remembered when the object was seen in it, or was denied, and may become an anchor."""
        area = sight.area
        if not area and not sight.told:
            return Plan(self, (), (), kept=False, why="its mask is empty" if sight.object_score > 0 else "it is absent")
        frame = sight.frame
        tracked = area > 0 and not sight.told
        known = replace(self, sizes=self._sizes_with(frame, area)) if tracked else self
        refusal, seen = known._promotion(sight, area) if tracked else ("it was prompted", "")
        policy = known._remembering(frame, spaced=area > 0 and frame % STRIDE == 0, promoted=not refusal)
        wanted = {*policy.anchors, *policy.spaced, policy.latest}
        return Plan(
            policy,
            recent=(free_entry(held.recent, wanted),),
            pointers=(free_entry(held.pointers, policy.anchors),),
            promoted=not refusal,
            why=refusal or seen,
        )

    def rewound(self, frame: int) -> "Distractor":
        """Without what came then or later."""
        return replace(
            self,
            anchors=tuple(f for f in self.anchors if f < frame),
            spaced=tuple(f for f in self.spaced if f < frame),
            latest=self.latest if self.latest < frame else EMPTY,
            sizes=tuple((f, size) for f, size in self.sizes if f < frame),
        )

    def _sizes_with(self, frame: int, area: int) -> tuple[tuple[int, int], ...]:
        near = [(f, size) for f, size in self.sizes if frame - f < SIZES_HORIZON]
        return (*near, (frame, area))[-SIZES:]

    def _promotion(self, sight: Sight, area: int) -> tuple[str, str]:
        """Why a frame with the object does not become an anchor, or why it does; the cheap tests come first."""
        low, high = GROWTH
        growth = area / median([size for _, size in self.sizes])
        if self.anchors_attended < 2:
            return "there is no room for anchors", ""
        if sight.mask_score <= SURE:
            return f"predicted IoU {sight.mask_score:.2f} is not above {SURE:g}", ""
        if len(self.sizes) < 2:
            return "it is the first size", ""
        if not low <= growth <= high:
            return f"its size is {growth:.2f} of the usual", ""
        if self.anchors and sight.frame - self.anchors[-1] <= PAUSE:
            return "the last anchor is near", ""
        overlap = least_overlap(sight)
        if overlap > DISTRACTED:
            return "no distractor is seen", ""
        return "", f"a distractor is seen (overlap {overlap:.2f})"

    def _remembering(self, frame: int, spaced: bool, promoted: bool) -> "Distractor":
        return replace(
            self,
            anchors=(*self.anchors, frame)[-self.anchors_attended :] if promoted else self.anchors,
            spaced=(*self.spaced, frame)[-(self.limits.masks - 1) :] if spaced else self.spaced,
            latest=self.latest if promoted else frame,
        )


def recent_spaced(frames: Sequence[int], spaced: Sequence[int], count: int) -> list[int]:
    """Of these frames at most ``count``, newest first: the last one, then those before it that are ``spaced``."""
    if not frames or count < 1:
        return []
    latest = max(frames)
    before = sorted((frame for frame in frames if frame < latest and frame in spaced), reverse=True)
    return [latest, *before[: count - 1]]
