"""Recent depth images, of which one is that of an image."""

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..errors import SpaceError
from .messages import NS_PER_S, stamp_ns

KEPT = 12  # depth messages: what arrives between an image and its depth
EXPECTED = 4  # images that are worked on at the same time, at most


class DepthRing:
    """The last depth messages, and the best ones for images that are worked on. Safe between threads; never waits."""

    def __init__(self, tolerance_s: float) -> None:
        """``tolerance_s``: by which stamps may differ; 0: half the usual time between two depth messages."""
        self._tolerance_s = tolerance_s
        self._lock = threading.Lock()
        self._recent: dict[int, Any] = {}  # by stamp, in order of arrival
        self._expected: dict[int, Any] = {}  # by stamp of the image: the nearest so far, None before the first

    def put(self, message: Any) -> None:
        """Keep a depth message; the oldest gives way."""
        stamp = stamp_ns(message.header.stamp)
        with self._lock:
            self._recent.pop(stamp, None)
            self._recent[stamp] = message
            _shorten(self._recent, KEPT)
            for image, best in self._expected.items():
                self._expected[image] = _nearer(image, (best, message))

    def expect(self, image_ns: int) -> None:
        """An image of this stamp is worked on: its depth is kept, however long that takes."""
        with self._lock:
            self._expected[image_ns] = _nearer(image_ns, self._recent.values())
            _shorten(self._expected, EXPECTED)

    def take(self, image_ns: int) -> Any:
        """The depth message nearest to an image's stamp. Raises SpaceError when none is near enough."""
        if not image_ns:
            raise SpaceError(
                "the image has no stamp, so it cannot be told which depth is its own; let the driver stamp it"
            )
        with self._lock:
            found = _nearer(image_ns, (self._expected.pop(image_ns, None), *self._recent.values()))
            stamps = sorted(self._recent)
        if found is None:
            raise SpaceError("no depth image has come; is the depth topic the right one, and is the camera's depth on?")
        away_ns = abs(stamp_ns(found.header.stamp) - image_ns)
        tolerance_ns = self._tolerance_ns(stamps)
        if away_ns > tolerance_ns:
            raise SpaceError(
                f"the depth image nearest in time is {away_ns / NS_PER_S:.4f} s away from the image, and "
                f"{tolerance_ns / NS_PER_S:.4f} s are allowed: it comes late or was lost, or its stamps are of another "
                "clock; depth_tolerance allows more"
            )
        return found

    def _tolerance_ns(self, stamps: list[int]) -> float:
        if self._tolerance_s:
            return self._tolerance_s * NS_PER_S
        return float(np.median(np.diff(stamps))) / 2 if len(stamps) > 1 else 0.0


def _nearer(image_ns: int, messages: Iterable[Any]) -> Any:
    there = (message for message in messages if message is not None)
    return min(there, key=lambda message: abs(stamp_ns(message.header.stamp) - image_ns), default=None)


def _shorten(kept: "dict[int, Any]", most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
