"""Pictures from a folder of image files, from one of them, or from a video, one at a time."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BagError
from .deep import Range, range_of
from .folders import natural, visible
from .image_file import is_surely_in_bytes, pictures_of
from .pages import page_count
from .picture import Picture, Source
from .video_source import DEFAULT_FPS, VideoFile

IMAGE_SUFFIXES = (".apng", ".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

_log = logging.getLogger(__name__)


def open_source(path: Path) -> Source:
    """The pictures of a folder, of an image file, or of a video that OpenCV reads. Raises BagError."""
    if path.is_dir() or (path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES):
        return ImageFolder(path)
    if path.is_file():
        return VideoFile(path)
    raise BagError(f"there is no {path}; give a folder of images, or a video")


class ImageFolder:
    """The image files of a folder, in natural order: 9.png comes before 10.png. Or a single file, with its pages.

    A file of several pages or an animation gives all of its pictures. Pictures of more than 8 bits are scaled by the
    range of all that have their type. Hidden files are passed over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        files = [path] if path.is_file() else [file for file in visible(path) if _is_image(file)]
        self._files = sorted(files, key=natural)
        if not files:
            endings = ", ".join(IMAGE_SUFFIXES)
            raise BagError(f"the folder {path} has no images; give one with files that end in {endings}")

    @property
    def count(self) -> int | None:
        """Number of pictures."""
        return sum(map(page_count, self._files))

    @property
    def stems(self) -> tuple[str, ...]:
        """A name for each picture: that of its file without the ending, with the page's number from the second on."""
        return tuple(
            f"{file.stem}.{page}" if page else file.stem for file in self._files for page in range(page_count(file))
        )

    @property
    def fps(self) -> float:
        """Files say nothing of their rate."""
        return DEFAULT_FPS

    def pictures(self) -> Iterator[Picture]:
        """All pictures in their order. Raises BagError for a file that cannot be read."""
        for file in self._files:
            for picture in pictures_of(file, alone=len(self._files) == 1):
                yield self._in_bytes(picture)

    def named(self, stem: str) -> Picture | None:
        """The first picture of the file of a name without its ending; None when there is none. Raises BagError."""
        files = (file for file in self._files if file.stem == stem)
        return next((self._in_bytes(next(pictures_of(file, alone=False))) for file in files), None)

    def _in_bytes(self, picture: Picture) -> Picture:
        if picture.bgr.dtype == np.uint8:
            return picture
        return replace(picture, bgr=self._ranges[picture.bgr.dtype].to_bytes(picture.bgr))

    @cached_property
    def _ranges(self) -> Mapping["np.dtype[Any]", Range]:
        """Of the pictures that have more than 8 bits, by type; they are all looked at first, so that none flickers."""
        deep = [file for file in self._files if not is_surely_in_bytes(file)]
        kinds = {picture.bgr.dtype for file in deep for picture in pictures_of(file, alone=False)}
        ranges = {}
        for kind in kinds - {np.dtype(np.uint8)}:
            found = (picture.bgr for file in deep for picture in pictures_of(file, alone=False))
            ranges[kind] = range_of(pixels for pixels in found if pixels.dtype == kind)
            _log.warning(
                "pictures of %s are %s, not 8 bits: their values from %g to %g become 0 to 255",
                *(self._path, kind, ranges[kind].low, ranges[kind].high),
            )
        return ranges


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()
