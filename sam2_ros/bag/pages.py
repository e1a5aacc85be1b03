"""Image files that hold several pictures: TIFF stacks, animations in GIF, WebP and PNG."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageSequence

TIFF_SUFFIXES = (".tif", ".tiff")
PAGED_SUFFIXES = (*TIFF_SUFFIXES, ".apng", ".gif", ".png", ".webp")
_BLOCK = 16  # pages of a TIFF that are read together
_MS_OF_NONE = 100.0  # how long a picture is shown that has no duration: what browsers do

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """One picture of a file."""

    bgr: np.ndarray  # (H, W, 3) of any type
    shown_ms: float | None  # for how long, in an animation


def page_count(file: Path) -> int:
    """How many pictures a file holds; 1 for one that cannot be read, which whoever reads it says."""
    if file.suffix.lower() not in PAGED_SUFFIXES:
        return 1
    try:
        with Image.open(file) as picture:
            return int(getattr(picture, "n_frames", 1))
    except Exception:  # a damaged file makes Pillow fail in any way
        return 1


def pages(file: Path) -> Iterator[Page]:
    """All pictures of a file, in their order. A damaged one raises anything."""
    return _tiff_pages(file) if file.suffix.lower() in TIFF_SUFFIXES else _animation(file)


def three_channels(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) of pixels with one channel, three, or four of which the last is opacity."""
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    return np.ascontiguousarray(pixels[..., :3])


def _animation(file: Path) -> Iterator[Page]:
    with Image.open(file) as picture:
        for frame in ImageSequence.Iterator(picture):
            rgb = np.asarray(frame.convert("RGB"))  # what is said of the frame is there once it is decoded
            yield Page(rgb[..., ::-1].copy(), float(frame.info.get("duration") or _MS_OF_NONE))


def _tiff_pages(file: Path) -> Iterator[Page]:
    """Pillow reads no 16-bit colours, so OpenCV does."""
    count, first, others = page_count(file), None, 0
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        _, block = cv2.imreadmulti(str(file), start=start, count=size, flags=cv2.IMREAD_UNCHANGED)
        if len(block) != size:
            raise ValueError(f"page {start + len(block)} is damaged")
        for pixels in block:
            first = pixels.shape[:2] if first is None else first
            if pixels.shape[:2] == first:
                yield Page(three_channels(pixels), None)
            others += pixels.shape[:2] != first
    if others:
        _log.warning("%d pages of %s are of another size than the first, as thumbnails are; left out", others, file)
