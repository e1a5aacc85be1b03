"""Pictures from a video, with the times at which they are to be shown."""

import logging
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ..errors import BagError
from ..stream.messages import NS_PER_S
from .picture import Picture

DEFAULT_FPS = 30.0
NS_PER_MS = 1_000_000

_log = logging.getLogger(__name__)


class VideoFile:
    """The frames of a video."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise BagError(f"OpenCV cannot read the video {path}; convert it to an mp4 with H.264, or to images")

    @property
    def count(self) -> int | None:
        """Number of frames by the file's own account."""
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        return count if count > 0 else None

    @property
    def fps(self) -> float:
        """The video's own rate."""
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        return fps if np.isfinite(fps) and fps > 0 else DEFAULT_FPS

    def pictures(self) -> Iterator[Picture]:
        """All frames in their order. Raises BagError when there is none."""
        announced, found = self.count, 0
        times = FrameTimes(self.fps)
        try:
            while True:
                there, bgr = self._capture.read()
                if not there:
                    break
                found += 1
                yield Picture(bgr, None, times.next(float(self._capture.get(cv2.CAP_PROP_POS_MSEC))))
        finally:
            self._capture.release()
        if not found:
            raise BagError(f"the video {self._path} has no frame that can be read; convert it, or give another")
        if announced and found < announced:
            _log.warning("%s announces %d frames, of which %d could be read", self._path, announced, found)


class FrameTimes:
    """When the frames of a video are shown: a phone's have no steady rate. Where the file does not say, by its rate."""

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._first_ms = 0.0
        self._last_ns: int | None = None
        self._since = 0  # frames since the last one that had a time
        self._known_ns = 0  # that time

    def next(self, ms: float) -> int:
        """Nanoseconds of the next frame since the first; ``ms``: what the file says of it."""
        if self._last_ns is None:
            self._first_ms, self._last_ns = ms, 0
            return 0
        own_ns = round((ms - self._first_ms) * NS_PER_MS) if np.isfinite(ms) else 0
        if own_ns > self._last_ns:
            self._known_ns, self._since, self._last_ns = own_ns, 0, own_ns
        else:
            self._since += 1
            self._last_ns = self._known_ns + round(self._since * NS_PER_S / self._fps)
        return self._last_ns
