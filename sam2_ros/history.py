"""Recent frames, so that a prompt that comes late finds the image that it was made on."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from .config import TimeConfig
from .errors import PromptError
from .messages import NS_PER_S
from .tracking.tracker import PastFrame

HALF = 0.5  # of the usual time between two frames: how far a stamp may be off when nothing else is said


class FrameHistory:
    """Frames that were tracked in lately, by their stamps. Bounded in time; images are not copied."""

    def __init__(self, config: TimeConfig) -> None:
        self._config = config
        self._frames: deque[PastFrame] = deque()

    def add(self, frame: PastFrame) -> None:
        """Remember a frame that is newer than those before it; those that are too old are forgotten."""
        self._frames.append(frame)
        oldest_ns = frame.stamp_ns - round(self._config.history_seconds * NS_PER_S)
        while self._frames[0].stamp_ns < oldest_ns:
            self._frames.popleft()

    def clear(self) -> None:
        """Forget all."""
        self._frames.clear()

    def since(self, stamp_ns: int, now_ns: int) -> list[PastFrame]:
        """The frame that was stamped so, and those after it, thinned out evenly when they are too many.

        Empty when the image at hand, stamped ``now_ns``, is the one that is meant. Raises PromptError when none is.
        """
        stamps = np.array([*(frame.stamp_ns for frame in self._frames), now_ns], dtype=np.int64)
        nearest = int(np.abs(stamps - stamp_ns).argmin())
        if abs(int(stamps[nearest]) - stamp_ns) > self._tolerance_ns(stamps):
            raise PromptError(
                f"prompts stamped {_text(stamp_ns)} s are for no image that is remembered: those are from "
                f"{_text(int(stamps[0]))} to {_text(now_ns)} s (history_seconds is {self._config.history_seconds:g}); "
                "stamp prompts with the header of their image, or with 0 for the next one, or raise history_seconds"
            )
        return _thinned(list(self._frames)[nearest:], self._config.catch_up_frames)

    def _tolerance_ns(self, stamps: np.ndarray) -> float:
        if self._config.stamp_tolerance:
            return self._config.stamp_tolerance * NS_PER_S
        return HALF * float(np.median(np.diff(stamps))) if len(stamps) > 1 else 0.0


def _thinned(frames: Sequence[PastFrame], most: int) -> list[PastFrame]:
    """At most ``most`` frames, the first and the last among them, the rest evenly spread."""
    if len(frames) <= most:
        return list(frames)
    return [frames[round(index)] for index in np.linspace(0, len(frames) - 1, most)]


def _text(stamp_ns: int) -> str:
    seconds, ns = divmod(stamp_ns, NS_PER_S)
    return f"{seconds}.{ns:09d}"
