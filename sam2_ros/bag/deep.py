"""Pictures of more than 8 bits a value, as thermal and scientific cameras give them: their range becomes 0..255."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Range:
    """The smallest and the largest value."""

    low: float
    high: float

    def to_bytes(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels of any type and shape as uint8; what is no number becomes 0."""
        share = (pixels.astype(np.float64) - self.low) / ((self.high - self.low) or 1.0)
        return np.round(255 * np.clip(np.nan_to_num(share, nan=0.0), 0.0, 1.0)).astype(np.uint8)


def range_of(pictures: Iterable[np.ndarray]) -> Range:
    """The range of all finite values of some pictures."""
    low, high = np.inf, -np.inf
    for pixels in pictures:
        finite = pixels[np.isfinite(pixels)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return Range(low, high) if low <= high else Range(0.0, 0.0)
