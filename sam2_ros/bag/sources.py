"""Pictures from a folder of image files or from a video, one at a time."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from ..errors import BagError

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
JPEG_START = b"\xff\xd8\xff"
DEFAULT_FPS = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture."""

    bgr: np.ndarray  # (H, W, 3) uint8
    jpeg: bytes | None  # the file it came from, when that is a jpeg that can be passed on as it is


class Source(Protocol):
    """Where pictures come from."""

    @property
    def count(self) -> int | None:
        """Number of pictures, as far as it is known."""

    @property
    def fps(self) -> float:
        """Pictures per second, unless somebody knows better."""

    def pictures(self) -> Iterator[Picture]:
        """All pictures in their order. Raises BagError."""


def open_source(path: Path) -> Source:
    """The pictures of a folder, or of a video that OpenCV reads. Raises BagError."""
    if path.is_dir():
        return ImageFolder(path)
    if path.is_file():
        return VideoFile(path)
    raise BagError(f"there is no {path}; give a folder of images, or a video")


class ImageFolder:
    """The image files of a folder, in natural order: 9.png comes before 10.png."""

    def __init__(self, folder: Path) -> None:
        files = [file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()]
        self._files = sorted(files, key=natural)
        if not files:
            endings = ", ".join(IMAGE_SUFFIXES)
            raise BagError(f"the folder {folder} has no images; give one with files that end in {endings}")

    @property
    def count(self) -> int | None:
        """Number of files."""
        return len(self._files)

    @property
    def stems(self) -> tuple[str, ...]:
        """Names of the files without their endings."""
        return tuple(file.stem for file in self._files)

    @property
    def fps(self) -> float:
        """Files say nothing of their rate."""
        return DEFAULT_FPS

    def pictures(self) -> Iterator[Picture]:
        """All files in their order. Raises BagError for one that cannot be read."""
        return map(_read, self._files)

    def named(self, stem: str) -> Picture | None:
        """The file of a name without its ending; None when there is none. Raises BagError."""
        files = (file for file in self._files if file.stem == stem)
        return next(map(_read, files), None)


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
        try:
            while True:
                there, bgr = self._capture.read()
                if not there:
                    break
                found += 1
                yield Picture(bgr, None)
        finally:
            self._capture.release()
        if not found:
            raise BagError(f"the video {self._path} has no frame that can be read; convert it, or give another")
        if announced and found < announced:
            _log.warning("%s announces %d frames, of which %d could be read", self._path, announced, found)


def natural(file: Path) -> tuple[list[tuple[int, str]], str]:
    """Sorting key in which numbers count as numbers; the name itself decides between 1.png and 01.png."""
    pieces = re.findall(r"\d+|\D+", file.name)
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces], file.name


def _read(file: Path) -> Picture:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BagError(f"the image {file} cannot be read: {error.strerror}") from error
    bgr = _decode(data, cv2.IMREAD_COLOR)
    if bgr is None:
        raise BagError(f"the image {file} cannot be read: it is damaged or empty; remove or replace it")
    as_it_is = data.startswith(JPEG_START) and not _is_turned(data, bgr)
    return Picture(bgr, data if as_it_is else None)


def _is_turned(data: bytes, bgr: np.ndarray) -> bool:
    """Whether the file asks to be turned, which those who decode camera images do not do."""
    if b"Exif" not in data[:4096]:
        return False
    stored = _decode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return stored is None or not np.array_equal(stored, bgr)


def _decode(data: bytes, flags: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error:  # an empty file, or a header that promises more pixels than OpenCV allows
        return None
