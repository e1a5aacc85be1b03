"""Messages in, tracker, results out: the one way of an image, the same for the live node and for a bag."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import PromptError
from .messages import Command, Remove, Reset, commands_from, stamp_ns
from .tracking.prompt import Prompt
from .tracking.result import FrameResult
from .tracking.tracker import Tracker

MAX_WAITING = 100  # prompt messages that wait for their image, as many as the topic's queue holds


@dataclass(frozen=True, slots=True)
class Processed:
    """One image after tracking."""

    header: Any  # std_msgs/Header of the image, as it came
    frame: np.ndarray  # (H, W, 3) uint8 RGB
    result: FrameResult
    processing_latency: float  # seconds in `Pipeline.process`
    notes: tuple[str, ...]  # what the user should be told, one sentence each


class Pipeline:
    """Applies prompt messages to the image they are for, and tracks every image it is given."""

    def __init__(self, tracker: Tracker, convert: Callable[[Any], np.ndarray]) -> None:
        """``convert``: image message to (H, W, 3) uint8 RGB, raises ImageError."""
        self._tracker = tracker
        self._convert = convert
        self._waiting: deque[Any] = deque(maxlen=MAX_WAITING)  # sam2_ros/PromptArray, in order of arrival
        self._crowded_out = 0  # prompt messages that gave way since the last image
        self._size: tuple[int, int] | None = None

    @property
    def tracker(self) -> Tracker:
        """The tracker behind this pipeline."""
        return self._tracker

    def add_prompts(self, message: Any) -> None:
        """Keep a sam2_ros/PromptArray until its image comes: the first one that is not older than the message's stamp.

        A stamp of zero means the next image.
        """
        self._crowded_out += len(self._waiting) == MAX_WAITING
        self._waiting.append(message)

    def process(self, message: Any) -> Processed:
        """Track in one image (sensor_msgs/Image or CompressedImage). Raises Sam2RosError with nothing lost."""
        started = time.perf_counter()
        frame = self._convert(message)
        stamp = stamp_ns(message.header.stamp)
        due = [waiting for waiting in self._waiting if stamp_ns(waiting.header.stamp) <= stamp]
        later = [waiting for waiting in self._waiting if stamp_ns(waiting.header.stamp) > stamp]
        notes = [*self._crowd_note(), *self._size_note(frame)]
        prompts = self._obey([command for waiting in due for command in commands_from(waiting)], notes)
        result = self._tracker.step(frame, prompts, stamp)
        # Only now: had the step failed, the prompts would still be waiting for the next image.
        self._waiting = deque(later, maxlen=MAX_WAITING)
        notes += [outcome.reason for outcome in result.outcomes if not outcome.accepted]
        notes += result.warnings
        return Processed(message.header, frame, result, time.perf_counter() - started, tuple(notes))

    def _obey(self, commands: list[Command], notes: list[str]) -> list[Prompt]:
        """Carry out removals and resets; the prompts that remain to be applied to the image."""
        prompts: list[Prompt] = []
        for command in commands:
            match command:
                case Prompt():
                    prompts.append(command)
                case Remove(object_id):
                    kept = [prompt for prompt in prompts if prompt.object_id != object_id]
                    try:
                        self._tracker.remove(object_id)
                    except PromptError as error:
                        if len(kept) == len(prompts):  # else it was to begin with this image, and now does not
                            notes.append(str(error))
                    prompts = kept
                case Reset():
                    prompts.clear()
                    self._tracker.reset()
                case PromptError():
                    notes.append(str(command))
        return prompts

    def _crowd_note(self) -> list[str]:
        count, self._crowded_out = self._crowded_out, 0
        if not count:
            return []
        return [
            f"{count} prompt messages were dropped: more than {MAX_WAITING} waited for their image; "
            "send fewer between two images, or stamps of images that are still to come"
        ]

    def _size_note(self, frame: np.ndarray) -> list[str]:
        size = frame.shape[1], frame.shape[0]
        before, self._size = self._size, size
        if before is None or before == size or not self._tracker.object_ids:
            return []
        return [
            f"the image size changed from {before[0]}x{before[1]} to {size[0]}x{size[1]}; "
            "tracked objects are carried over by rescaling"
        ]
