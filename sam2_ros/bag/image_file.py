"""The pictures of an image file, as deep as they are."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..errors import BagError
from .pages import page_count, pages, three_channels
from .picture import Picture

JPEG_START, PNG_START = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
TIFF_STARTS = (b"II*\0", b"MM\0*")
PNG_BITS = 24  # place in a file of the byte that says how many bits a value has
NS_PER_MS = 1_000_000


def pictures_of(file: Path, alone: bool) -> Iterator[Picture]:
    """All pictures of an image file, of any depth. Raises BagError.

    Only an animation that is ``alone`` has times: among other files its pictures are frames like theirs.
    """
    if page_count(file) == 1:
        yield _read(file)
        return
    shown_ms = 0.0
    try:
        for page in pages(file):
            yield Picture(page.bgr, None, None if page.shown_ms is None or not alone else round(shown_ms * NS_PER_MS))
            shown_ms += page.shown_ms or 0.0
    except Exception as error:  # a damaged file makes Pillow fail in any way
        raise BagError(f"a picture of {file} cannot be read: it is damaged; remove or replace the file") from error


def _read(file: Path) -> Picture:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BagError(f"the image {file} cannot be read: {error.strerror}") from error
    bgr = _pixels(data)
    if bgr is None:
        raise BagError(f"the image {file} cannot be read: it is damaged or empty; remove or replace it")
    as_it_is = data.startswith(JPEG_START) and not _is_turned(data, bgr)
    return Picture(bgr, data if as_it_is else None)


def _pixels(data: bytes) -> np.ndarray | None:
    """(H, W, 3) BGR of any type; None when no library can read it."""
    if data.startswith(TIFF_STARTS):  # in which OpenCV makes no colours of floats
        stored = _decode(data, cv2.IMREAD_UNCHANGED)
        if stored is not None and stored.dtype != np.uint8:
            return three_channels(stored)
    bgr = _decode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if bgr is not None:
        return bgr
    try:
        with Image.open(BytesIO(data)) as picture:  # a GIF, before OpenCV 4.11
            return np.asarray(picture.convert("RGB"))[..., ::-1].copy()
    except Exception:  # a damaged file makes Pillow fail in any way
        return None


def is_surely_in_bytes(file: Path) -> bool:
    """Whether a file need not be decoded to know that its pictures have 8 bits."""
    with file.open("rb") as opened:
        head = opened.read(PNG_BITS + 1)
    is_png = head.startswith(PNG_START) and len(head) > PNG_BITS
    return head.startswith(JPEG_START) or (is_png and head[PNG_BITS] <= 8)


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
