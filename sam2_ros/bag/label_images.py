"""Label images: of messages and of PNG files."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import BagError, ImageError, quoted
from ..stream.picture_size import picture_size
from ..stream.pixels import MAX_PIXELS, check_size, plane

# Bytes in native order; the message says whether they are.
DTYPES: dict[str, "np.dtype[Any]"] = {
    "mono8": np.dtype(np.uint8),
    "8UC1": np.dtype(np.uint8),
    "mono16": np.dtype(np.uint16),
    "16UC1": np.dtype(np.uint16),
    "16SC1": np.dtype(np.int16),
    "32SC1": np.dtype(np.int32),
}


def labels_of(message: Any) -> np.ndarray:
    """Ids (H, W) of a sensor_msgs Image or of a CompressedImage that holds a PNG; 0 is background.

    Negative ids, which stand for unknown in some tools, become background. Raises ImageError.
    """
    if hasattr(message, "format"):
        return _of_png_bytes(message)
    dtype = DTYPES.get(message.encoding)
    if dtype is None:
        raise ImageError(
            f"a label image has the encoding {quoted(message.encoding)}, whose pixels are no ids; "
            f"publish one of {', '.join(DTYPES)}"
        )
    rows = plane(message, dtype.itemsize)
    stored = dtype.newbyteorder(">" if message.is_bigendian else "<")
    pixels = np.ascontiguousarray(rows).view(stored).reshape(message.height, message.width)
    return np.maximum(pixels, 0).astype(dtype, copy=False) if dtype.kind == "i" else pixels.astype(dtype, copy=False)


def _of_png_bytes(message: Any) -> np.ndarray:
    data = np.frombuffer(message.data, dtype=np.uint8)
    if (size := picture_size(data)) is not None:
        check_size(*size, MAX_PIXELS)
    try:
        pixels = None if size is None else cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.ndim != 2 or not message.format.lower().endswith("png"):
        raise ImageError(
            f"a compressed label image of format {quoted(message.format)} is no PNG of one channel; "
            "other formats change ids, publish PNG or a raw label image"
        )
    return pixels


def labels_of_png(file: Path) -> np.ndarray:
    """Ids (H, W) of a PNG file: the indices of a palette, or grey values. Raises BagError."""
    try:
        with Image.open(file) as picture:
            if picture.mode not in ("P", "L", "1", "I;16", "I"):
                raise BagError(
                    f"the label image {file} has colours ({picture.mode}) in place of ids; "
                    "give PNG files with a palette or of one channel"
                )
            pixels = np.array(picture)
            return pixels.astype(np.uint8) if picture.mode == "1" else pixels
    except FileNotFoundError:
        raise BagError(f"there is no label image {file}; every annotated frame needs its result") from None
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise BagError(f"the label image {file} cannot be read: it is damaged; write it again") from error
