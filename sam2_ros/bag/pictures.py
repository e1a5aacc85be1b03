"""Where a replay's overlay pictures go: a video, or a folder of PNG files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from ..errors import BagError
from ..stream.messages import NS_PER_S

DEFAULT_FPS = 30.0  # of a video of one image, or of images without stamps
FASTEST = 240.0  # frames per second
VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".avi")
LOOK_AHEAD = 10  # pictures held back until the video's rate is known


class PictureFolder:
    """Writes pictures as numbered PNG files."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is made."""
        self._folder = folder
        folder.mkdir()

    def add(self, index: int, stamp_ns: int, rgb: np.ndarray) -> None:
        """Write the picture (H, W, 3) uint8 RGB of image number ``index``. Raises BagError."""
        path = self._folder / f"{index:06d}.png"
        if not cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)):
            raise BagError(f"cannot write {path.name} to the folder of overlays; check the disk's space")


class Video:
    """Writes pictures to a video file; its rate is that of the first images' stamps. Made by `video`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)  # width, height of the first picture
        self._waiting: list[np.ndarray] = []
        self._stamps_ns: list[int] = []
        self._written = 0

    def add(self, index: int, stamp_ns: int, rgb: np.ndarray) -> None:
        """Append a picture (H, W, 3) uint8 RGB; one of another size than the first is resized. Raises BagError."""
        if self._writer is not None:
            self._write(self._writer, rgb)
            return
        self._waiting.append(rgb)
        self._stamps_ns.append(stamp_ns)
        if len(self._waiting) == LOOK_AHEAD:
            self._begin()

    def finish(self) -> None:
        """Write what waits and check the file. Raises BagError."""
        if self._writer is None and self._waiting:
            self._begin()
        self.release()
        # OpenCV says nothing of a full disk; a file that was cut short tells another number of frames, or none.
        if self._written and frame_count(self._path) != self._written:
            raise BagError(f"the video {self._path.name} could not be written whole; check the disk's space")

    def release(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None

    def _begin(self) -> None:
        height, width = self._waiting[0].shape[:2]
        self._size = width, height
        fourcc = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(self._path), fourcc, fps_of(self._stamps_ns), self._size)
        if not writer.isOpened():
            raise BagError(f"OpenCV cannot write the video {self._path.name}; try a name that ends in .mp4")
        self._writer = writer
        for rgb in self._waiting:
            self._write(writer, rgb)
        self._waiting.clear()

    def _write(self, writer: cv2.VideoWriter, rgb: np.ndarray) -> None:
        if (rgb.shape[1], rgb.shape[0]) != self._size:
            rgb = cv2.resize(rgb, self._size, interpolation=cv2.INTER_AREA)
        writer.write(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        self._written += 1


def frame_count(path: Path) -> int:
    """Frames that a video file says it has; 0 when it cannot be read."""
    capture = cv2.VideoCapture(str(path))
    try:
        return int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    finally:
        capture.release()


def check_video_name(path: Path) -> None:
    """Raise BagError for a name whose ending stands for no video format."""
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise BagError(f"the video {path} has no ending of a video; use one of {', '.join(VIDEO_SUFFIXES)}")


@contextmanager
def video(path: Path) -> Iterator[Video]:
    """A video file that is being written, complete when the block ends. Raises BagError."""
    writer = Video(path)
    try:
        yield writer
        writer.finish()
    finally:
        writer.release()


def fps_of(stamps_ns: list[int]) -> float:
    """Frames per second of images with these stamps: by their median distance, with two digits."""
    steps = np.diff(np.array(stamps_ns, dtype=np.int64))
    step = float(np.median(steps)) if len(steps) else 0.0
    # More digits would not fit the time base of an mp4.
    return round(min(FASTEST, max(1.0, NS_PER_S / step)), 2) if step > 0 else DEFAULT_FPS
