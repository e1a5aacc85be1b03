"""Which code turns image messages into pixels: cv_bridge where it works, our own where it does not."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..machine.system import cv_bridge_remedy
from ..machine.trial import USE_CV_BRIDGE, in_python
from ..stream.pixels import ENCODINGS, MAX_PIXELS, is_wrong, to_rgb


def converter(warn: Callable[[str], None], max_pixels: int = MAX_PIXELS) -> Callable[[Any], np.ndarray]:
    """A function from image message to (H, W, 3) uint8 RGB, which refuses images of more than ``max_pixels``.

    Calls ``warn`` once when cv_bridge cannot be used.
    """
    ours = partial(to_rgb, max_pixels=max_pixels)
    # Where it was built for another numpy it may take the process down that tries it.
    _, error = in_python(USE_CV_BRIDGE)
    if error:
        warn(f"cv_bridge cannot be used ({error}); our own conversion serves; {cv_bridge_remedy()}")
        return ours
    from cv_bridge import CvBridge

    bridge = CvBridge()

    def convert(message: Any) -> np.ndarray:
        known = ENCODINGS.get(message.encoding) if hasattr(message, "encoding") else None
        # cv_bridge shifts the rows of an image whose step is not a whole number of pixels, takes a step that is too
        # short for the width, and does not know in all its versions how many rows colours of 2x2 pixels add.
        if known is None or known.colour_rows or message.step % known.channels or is_wrong(message, max_pixels):
            return ours(message)
        try:
            pixels: np.ndarray = bridge.imgmsg_to_cv2(message, "rgb8")
        except Exception:  # it raises whatever its parts raise; ours says what is wrong
            return ours(message)
        return pixels

    return convert
