"""Messages in, tracker, results out: the one way of an image, the same for the live node and for a bag."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..config import TimeConfig
from ..errors import DeviceError, PromptError
from ..tracking.prompt import Prompt
from ..tracking.result import FrameResult, PromptOutcome
from ..tracking.state import TrackerState
from ..tracking.tracker import CaughtUp, EncodedFrame, Tracker
from .doubles import Doubles
from .history import FrameHistory, Remembered, remembered
from .messages import NS_PER_S, Command, Remove, Reset, commands_from, stamp_ns
from .pointing import Pointing

MAX_WAITING = 100  # prompt messages that wait for their image, as many as the topic's queue holds
JUMP_NS = NS_PER_S  # an image this much older than the one before is of another time: a bag that loops


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a prompt message."""

    message: Any  # sam2_ros/PromptArray: the very object that was given to `Pipeline.add_prompts`
    outcomes: tuple[PromptOutcome, ...]  # one for each of its prompts and commands


@dataclass(frozen=True, slots=True)
class Processed:
    """One image after tracking."""

    header: Any  # std_msgs/Header of the image, as it came
    frame: np.ndarray  # (H, W, 3) uint8 RGB
    result: FrameResult
    processing_latency: float  # seconds in `Pipeline.prepare` and `Pipeline.track`
    notes: tuple[str, ...]  # what the user should be told, one sentence each
    answers: tuple[Answer, ...]  # to the prompt messages that took effect


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """An image whose part that needs nothing of the images before is done."""

    message: Any  # as it came
    encoded: EncodedFrame
    seconds: float  # that this took


class Request:
    """A prompt message, and what has come of it so far."""

    def __init__(self, message: Any) -> None:
        self.message = message
        self.stamp_ns = stamp_ns(message.header.stamp)
        self._commands = commands_from(message)
        self._outcomes: dict[int, PromptOutcome] = {}  # by place in the message

    def open(self) -> list[tuple[int, Command]]:
        """Place and command of all that nothing has come of yet."""
        return [(place, command) for place, command in enumerate(self._commands) if place not in self._outcomes]

    def prompts(self) -> list[tuple[int, Prompt]]:
        """Place and prompt of all that still have to be applied to an image."""
        return [(place, command) for place, command in self.open() if isinstance(command, Prompt)]

    def close(self, place: int, outcome: PromptOutcome) -> None:
        """Note what came of the command at a place."""
        self._outcomes[place] = outcome

    def refuse(self, reason: str) -> None:
        """Note that its prompts cannot be applied."""
        for place, prompt in self.prompts():
            self.close(place, PromptOutcome(prompt.object_id, False, reason))

    def answer(self) -> Answer:
        """What became of all of it."""
        return Answer(self.message, tuple(self._outcomes[place] for place in range(len(self._commands))))


class Pipeline:
    """Applies prompt messages to the image they are for, and tracks every image it is given."""

    def __init__(
        self, tracker: Tracker, convert: Callable[[Any], np.ndarray], config: TimeConfig | None = None
    ) -> None:
        """``convert``: image message to (H, W, 3) uint8 RGB, raises ImageError."""
        self._tracker = tracker
        self._convert = convert
        self._config = config or TimeConfig()
        self._history = FrameHistory(self._config)
        self._waiting: deque[Request] = deque(maxlen=MAX_WAITING)  # in order of arrival
        self._pointing: deque[Pointing] = deque(maxlen=MAX_WAITING)
        self._crowded_out = 0  # prompt messages that gave way since the last image
        self._size: tuple[int, int] | None = None
        self._doubles = Doubles()
        self._between_images = threading.Lock()  # held while an image changes what is known

    @property
    def tracker(self) -> Tracker:
        """The tracker behind this pipeline."""
        return self._tracker

    def add_prompts(self, message: Any) -> None:
        """Keep a sam2_ros/PromptArray until an image comes.

        A stamp of zero means the next image. Any other means the image of that stamp: one that is still to come is
        waited for; one that is past is looked up in the history, and its objects are carried forward from there.
        """
        self._crowded_out += len(self._waiting) == MAX_WAITING
        self._waiting.append(Request(message))

    def add_pointing(self, pointing: Pointing) -> None:
        """Keep a click or detections until their image was tracked in; they take effect with the image after it."""
        self._pointing.append(pointing)

    def process(self, message: Any) -> Processed:
        """Track in one image (sensor_msgs/Image or CompressedImage). Raises Sam2RosError with nothing lost."""
        return self.track(self.prepare(message))

    def prepare(self, message: Any) -> Prepared:
        """The part of `process` that another thread may do ahead. Raises Sam2RosError."""
        started = time.perf_counter()
        encoded = self._tracker.encode(self._convert(message))
        return Prepared(message, encoded, time.perf_counter() - started)

    def track(self, prepared: Prepared) -> Processed:
        """The rest of `process`, for images in their order. Raises Sam2RosError with nothing lost."""
        with self._between_images:
            return self._track(prepared)

    def state(self) -> TrackerState:
        """All that the next results depend on, as it is between two images; any thread may ask.

        Not in it: remembered images, of which there are only the stamps, and prompts that wait for theirs.
        """
        with self._between_images:
            return replace(self._tracker.state(), recent_stamps=self._history.stamps)

    def object_state(self, object_id: int) -> TrackerState:
        """Of one object what it was prompted with, likewise. Raises StateError."""
        with self._between_images:
            return self._tracker.object_state(object_id)

    def adopt(self, state: TrackerState, object_id: int) -> int:
        """Look for the one object of a state as well, see `Tracker.adopt`; its id here. Raises StateError."""
        with self._between_images:
            return self._tracker.adopt(state, object_id)

    def restore(self, state: TrackerState) -> None:
        """Go on from a state, from the next image on. Raises StateError or DeviceError with nothing changed."""
        with self._between_images:
            self._tracker.restore(state)
            self._history = FrameHistory(self._config, lost=state.recent_stamps)
            self._doubles = Doubles()

    def _track(self, prepared: Prepared) -> Processed:
        started = time.perf_counter()
        message, frame = prepared.message, prepared.encoded.image
        stamp = stamp_ns(message.header.stamp)
        notes = [*self._crowd_note(), *self._size_note(frame), *self._clock_note(stamp)]
        notes += self._point()
        due = [request for request in self._waiting if request.stamp_ns <= stamp]
        for number, request in enumerate(due):
            self._command(due[: number + 1])
            notes += self._apply_late(request, stamp)
        now = [(request, place, prompt) for request in due for place, prompt in request.prompts()]
        result = self._tracker.step(prepared.encoded, [prompt for _, _, prompt in now], stamp)
        for (request, place, _), outcome in zip(now, result.outcomes, strict=True):
            request.close(place, outcome)
        # Only now: had the step failed, the prompts would still be waiting for the next image.
        self._waiting = deque((r for r in self._waiting if r.stamp_ns > stamp), maxlen=MAX_WAITING)
        self._history.add(remembered(frame, result))
        answers = tuple(request.answer() for request in due)
        refusals = [outcome.reason for answer in answers for outcome in answer.outcomes if not outcome.accepted]
        return Processed(
            header=message.header,
            frame=frame,
            result=result,
            processing_latency=prepared.seconds + time.perf_counter() - started,
            notes=(*notes, *dict.fromkeys(refusals), *result.warnings, *self._doubles.notes(result.objects)),
            answers=answers,
        )

    # --- prompts -----------------------------------------------------------------------------------------------------

    def _command(self, due: Sequence[Request]) -> None:
        """Carry out the removals and resets of the last of these requests, and refuse what cannot be used of it.

        What they remove may be about to begin with a prompt of the same or an earlier request; then it never does.
        """
        request = due[-1]
        for place, command in request.open():
            match command:
                case Remove(object_id):
                    cancelled = _cancel(due, place, object_id)
                    request.close(place, self._remove(object_id, cancelled))
                case Reset():
                    _cancel(due, place, None)
                    self._tracker.reset()
                    request.close(place, PromptOutcome(0, True, ""))
                case PromptError():
                    request.close(place, PromptOutcome(0, False, str(command)))

    def _remove(self, object_id: int, cancelled: bool) -> PromptOutcome:
        try:
            self._tracker.remove(object_id)
        except PromptError as error:
            if not cancelled:  # else it was to begin with this image, and now does not
                return PromptOutcome(object_id, False, str(error))
        return PromptOutcome(object_id, True, "")

    def _apply_late(self, request: Request, stamp: int) -> tuple[str, ...]:
        """Apply prompts that were made on an image of the past; what the user should be told of them.

        Without a history they are for the image at hand.
        """
        prompts = request.prompts()
        if not prompts or not self._config.history_seconds or request.stamp_ns in (0, stamp):
            return ()
        try:
            past = self._history.since(request.stamp_ns, stamp)
            if not past:
                return ()  # it is for the image at hand
            caught_up = self._catch_up(past, [prompt for _, prompt in prompts])
        except (DeviceError, PromptError) as error:
            request.refuse(str(error))
            return ()
        for (place, _), outcome in zip(prompts, caught_up.outcomes, strict=True):
            request.close(place, outcome)
        return caught_up.warnings

    def _catch_up(self, past: Sequence[Remembered], prompts: Sequence[Prompt]) -> CaughtUp:
        """Apply prompts to the past, and remember it as it is seen now."""
        caught_up = self._tracker.catch_up(past, prompts)
        self._history.rewrite(past, caught_up.states)
        return caught_up

    def _point(self) -> list[str]:
        """Apply clicks and detections on images that were tracked in; why some were not."""
        latest = self._history.latest
        if latest is None:
            return []
        due = [pointing for pointing in self._pointing if pointing.stamp_ns <= latest.stamp_ns]
        self._pointing = deque((p for p in self._pointing if p not in due), maxlen=MAX_WAITING)
        notes = []
        for pointing in due:
            try:
                notes += self._apply_pointing(pointing, latest)
            except (DeviceError, PromptError) as error:
                notes.append(str(error))
        return notes

    def _apply_pointing(self, pointing: Pointing, latest: Remembered) -> list[str]:
        past = [latest]
        if pointing.stamp_ns and self._config.history_seconds:
            past = self._history.since(pointing.stamp_ns, latest.stamp_ns) or past
        room = self._tracker.config.max_objects - len(self._tracker.object_ids)
        prompts = pointing.prompts(past[0], room)
        if not prompts:
            return []
        caught_up = self._catch_up(past, prompts)
        return [*(outcome.reason for outcome in caught_up.outcomes if not outcome.accepted), *caught_up.warnings]

    # --- notes -------------------------------------------------------------------------------------------------------

    def _clock_note(self, stamp: int) -> list[str]:
        back_ns = self._history.newest_ns - stamp
        if not stamp or back_ns <= JUMP_NS:
            return []
        self._history.clear()
        return [
            f"stamps jumped back by {back_ns / NS_PER_S:.1f} s, as when a bag starts again: images before that are no "
            "longer remembered for late prompts; objects are tracked on"
        ]

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


def _cancel(due: Sequence[Request], before: int, object_id: int | None) -> bool:
    """Drop prompts for an object (None: for any) that still wait in these requests; in the last one only those before
    a place. Whether there were any."""
    cancelled = False
    for request in due:
        for place, prompt in request.prompts():
            if (object_id is None or prompt.object_id == object_id) and (request is not due[-1] or place < before):
                request.close(place, PromptOutcome(prompt.object_id, True, ""))
                cancelled = True
    return cancelled
