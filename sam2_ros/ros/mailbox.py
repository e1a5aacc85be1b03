"""Hands messages from the callback thread to the worker: a mailbox of one image, in which the newest wins."""

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from ..stream.pipeline import MAX_WAITING
from ..stream.pointing import Pointing
from .statistics import Statistics


@dataclass(frozen=True, slots=True)
class Mail:
    """What waited in the mailbox."""

    image: Any  # sensor_msgs/Image or CompressedImage
    prompts: tuple[Any, ...]  # sam2_ros/PromptArray that arrived since the last image was taken
    pointing: tuple[Pointing, ...]  # clicks and detections, likewise
    arrived: float  # when the image was put in, monotonic seconds


class Mailbox:
    """One image and what came with it. Safe between threads; `put_...` never waits for the worker."""

    def __init__(self, statistics: Statistics, every: int) -> None:
        """``every``: only each so-manieth image is let in."""
        self.paused = False  # images are left lying, neither taken nor counted
        self._every = every
        self._came = 0
        self._statistics = statistics
        self._arrived = 0.0
        self._changed = threading.Condition()
        self._image: Any = None
        self._prompts: deque[Any] = deque(maxlen=MAX_WAITING)
        self._pointing: deque[Pointing] = deque(maxlen=MAX_WAITING)
        self._closed = False

    def put_image(self, message: Any) -> None:
        """Leave an image; one that still waits is dropped and counted."""
        with self._changed:
            passed_over = self._came % self._every
            self._came += 1
            if self.paused or passed_over:
                return
            self._statistics.arrived(replaced=self._image is not None)
            self._image = message
            self._arrived = time.monotonic()
            self._changed.notify()

    def put_prompts(self, message: Any) -> None:
        """Leave prompts; they are taken together with the next image. While none comes, the oldest give way."""
        with self._changed:
            self._statistics.prompted = True
            self._prompts.append(message)

    def put_pointing(self, pointing: Pointing) -> None:
        """Leave a click or detections, likewise."""
        with self._changed:
            self._statistics.prompted = True
            self._pointing.append(pointing)

    def take(self) -> Mail | None:
        """Wait for an image and take it with everything else; None when the mailbox has been closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._image is not None)
            if self._closed:
                return None
            return self._empty()

    def close(self) -> None:
        """Wake the worker for the last time."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing more is to come of it."""
        return self._closed

    def rest(self) -> Mail:
        """What was not taken when it was closed; its image may be None."""
        with self._changed:
            return self._empty()

    def _empty(self) -> Mail:
        mail = Mail(self._image, tuple(self._prompts), tuple(self._pointing), self._arrived)
        self._image = None
        self._prompts.clear()
        self._pointing.clear()
        return mail
