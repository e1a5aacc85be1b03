"""Recent frames, so that a prompt that comes late finds the image that it was made on."""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..config import TimeConfig
from ..errors import PromptError
from ..tracking.presence import Presence
from ..tracking.result import FrameResult, ObjectState
from ..tracking.tracker import PastFrame
from .messages import NS_PER_S

HALF = 0.5  # of the usual time between two frames: how far a stamp may lie outside of them when nothing else is said


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the tracker saw of an object in an image."""

    object_id: int
    label: str
    visible: bool  # and with a mask: one without is looked for like a lost one
    box: tuple[int, int, int, int] | None  # of its mask: x_min, y_min, x_max, y_max
    unsure: bool = False  # the mask may be wrong


@dataclass(frozen=True, slots=True, eq=False)
class Remembered(PastFrame):
    """An image of the past and what was seen in it."""

    labels: np.ndarray  # (H, W) label image
    seen: tuple[Seen, ...]


def remembered(image: np.ndarray, result: FrameResult) -> Remembered:
    """An image (H, W, 3) uint8 RGB with its result."""
    return Remembered(
        index=result.frame_index,
        stamp_ns=result.stamp_ns,
        image=image,
        labels=result.label_image,
        seen=tuple(_seen(state) for state in result.objects),
    )


def _seen(state: ObjectState) -> Seen:
    return Seen(state.object_id, state.label, state.in_view, state.box, state.state is Presence.UNSURE)


class FrameHistory:
    """Frames that were tracked in lately, by their stamps. Bounded in time; images are not copied."""

    def __init__(self, config: TimeConfig, lost: Sequence[int] = ()) -> None:
        """``lost``: stamps of images that were remembered before a restart, in ns, ascending."""
        self._config = config
        self._lost = tuple(lost)
        self._frames: deque[Remembered] = deque()  # by ascending stamps
        self._latest: Remembered | None = None

    @property
    def latest(self) -> Remembered | None:
        """The frame that was tracked in last."""
        return self._latest

    @property
    def newest_ns(self) -> int:
        """Stamp of the newest frame, 0 without one."""
        return self._frames[-1].stamp_ns if self._frames else 0

    @property
    def stamps(self) -> tuple[int, ...]:
        """Of the frames, in ns, ascending."""
        return tuple(frame.stamp_ns for frame in self._frames)

    def add(self, frame: Remembered) -> None:
        """Remember a frame, and forget those that are too old.

        One without a stamp, or not newer than the newest, cannot be found by its stamp: it only becomes the latest.
        """
        self._latest = frame
        if frame.stamp_ns <= self.newest_ns:
            return
        self._frames.append(frame)
        oldest_ns = frame.stamp_ns - round(self._config.history_seconds * NS_PER_S)
        while self._frames[0].stamp_ns < oldest_ns:
            self._frames.popleft()

    def rewrite(self, past: Sequence[Remembered], states: Sequence[Sequence[ObjectState]]) -> None:
        """Remember objects in frames as they are seen now: ``states`` has those of each frame of ``past``.

        Frames between them are said to look like the one before: nearer than not to know of the objects at all.
        """
        if not states:
            return
        indices = [frame.index for frame in past]

        def rewritten(frame: Remembered) -> Remembered:
            nearest = bisect_right(indices, frame.index) - 1
            return frame if nearest < 0 else _with_states(frame, states[nearest])

        found = bool(self._frames) and self._latest is self._frames[-1]
        self._frames = deque(map(rewritten, self._frames))
        if found:
            self._latest = self._frames[-1]
        elif self._latest is not None:
            self._latest = rewritten(self._latest)

    def clear(self) -> None:
        """Forget all but the latest, which is found without a stamp."""
        self._frames.clear()

    def since(self, stamp_ns: int, now_ns: int) -> list[Remembered]:
        """The frame that was stamped so, and those after it, thinned out evenly when they are too many.

        Empty when the image at hand, stamped ``now_ns``, is the one that is meant. Raises PromptError when none is.
        """
        stamps = np.array([*(frame.stamp_ns for frame in self._frames), now_ns], dtype=np.int64)
        nearest = int(np.abs(stamps - stamp_ns).argmin())
        if abs(int(stamps[nearest]) - stamp_ns) > self._tolerance_ns(stamps, stamp_ns):
            if self._lost and self._lost[0] <= stamp_ns <= self._lost[-1]:
                raise PromptError(
                    f"prompts stamped {_text(stamp_ns)} s are for an image of before the state was restored, which "
                    "holds no images; make them on a later one"
                )
            raise PromptError(
                f"prompts stamped {_text(stamp_ns)} s are for no image that is remembered: those are from "
                f"{_text(int(stamps[0]))} to {_text(now_ns)} s (history_seconds is {self._config.history_seconds:g}); "
                "stamp prompts with the header of their image, or with 0 for the next one, or raise history_seconds"
            )
        return _thinned(list(self._frames)[nearest:], self._config.catch_up_frames)

    def _tolerance_ns(self, stamps: np.ndarray, stamp_ns: int) -> float:
        if self._config.stamp_tolerance:
            return self._config.stamp_tolerance * NS_PER_S
        usual = float(np.median(np.diff(stamps))) if len(stamps) > 1 else 0.0
        # A tracker that is slower than its camera drops images unevenly, and prompts are made on those, too.
        return usual if stamps[0] < stamp_ns < stamps[-1] else HALF * usual


def _with_states(frame: Remembered, states: Sequence[ObjectState]) -> Remembered:
    """The frame with other states of some objects."""
    ids = {state.object_id for state in states}
    labels = frame.labels.copy()
    labels[np.isin(labels, list(ids))] = 0
    for state in states:
        if state.mask.shape == labels.shape:
            labels[state.mask] = state.object_id
    others = [seen for seen in frame.seen if seen.object_id not in ids]
    return replace(frame, labels=labels, seen=(*others, *map(_seen, states)))


def _thinned(frames: Sequence[Remembered], most: int) -> list[Remembered]:
    """At most ``most`` frames, the first and the last among them, the rest evenly spread."""
    if len(frames) <= most:
        return list(frames)
    return [frames[round(index)] for index in np.linspace(0, len(frames) - 1, most)]


def _text(stamp_ns: int) -> str:
    seconds, ns = divmod(stamp_ns, NS_PER_S)
    return f"{seconds}.{ns:09d}"
