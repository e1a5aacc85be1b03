"""How large a picture file says it is, before a pixel of it is decoded: a few bytes may promise gigabytes."""

import functools
import io

import numpy as np
from PIL import Image

from ..errors import ImageError

# What OpenCV reads with 8 bits per channel; Pillow knows more, in code that nobody needs to reach from a topic.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM", "SUN", "JPEG2000", "GIF", "AVIF")


def picture_size(data: np.ndarray) -> tuple[int, int] | None:
    """Width and height in pixels of a picture file (N,) uint8 by its header; None when it is none of the `FORMATS`.

    Raises ImageError for one that is beyond all reason.
    """
    try:
        with Image.open(io.BytesIO(data.tobytes()), formats=_known_formats()) as picture:
            return picture.size
    except Image.DecompressionBombError:
        raise ImageError(
            f"an image has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels, more than max_image_pixels can "
            "allow, and is not decoded; set the camera to a smaller size"
        ) from None
    except Exception:  # a damaged header can make it fail in any way
        return None


@functools.cache
def _known_formats() -> tuple[str, ...]:
    """Those that this Pillow was built with."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)
