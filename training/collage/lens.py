"""What cheap cameras do to a picture: out of focus, too few pixels, compressed."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True, slots=True)
class Lens:
    """Alike in all frames of a clip."""

    blur: float  # pixels, standard deviation; 0: none
    shrink: float  # of the side, 1: none
    quality: int | None  # of JPEG

    def through(self, image: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 to the same."""
        if self.blur:
            image = cv2.GaussianBlur(image, (0, 0), self.blur)
        if self.shrink < 1:
            small = cv2.resize(image, None, fx=self.shrink, fy=self.shrink, interpolation=cv2.INTER_AREA)
            image = cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        if self.quality is not None:
            _, packed = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, self.quality))
            image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
        return np.asarray(image)


def draw_lens(rng: np.random.Generator) -> Lens:
    """A random camera."""
    blur = rng.uniform(0.3, 1.3) if rng.random() < 0.4 else 0.0
    shrink = rng.uniform(0.45, 0.9) if rng.random() < 0.25 else 1.0
    return Lens(blur, shrink, int(rng.integers(25, 92)) if rng.random() < 0.6 else None)
