"""Images with their label images from a bag."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sam2_ros.errors import BagError

from .config import BagData, TrainingError


def labelled_frames(data: BagData) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of image (H, W, 3) uint8 RGB and labels (H, W) uint8 with equal stamps, in order. Raises TrainingError."""
    raise NotImplementedError
