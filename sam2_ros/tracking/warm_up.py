"""First uses are slow: kernels are chosen and memory is laid out. Done once before the first camera image."""

import numpy as np
import torch

from ..config import TrackerConfig
from ..errors import DeviceError
from ..model.sam2 import Sam2
from .prompt import Prompt
from .tracker import Tracker


def warm_up(network: Sam2) -> None:
    """Run a prompted and a tracked frame on a tracker of its own. Raises DeviceError when memory does not suffice."""
    side = network.config.image_size
    frame = np.zeros((side, side, 3), dtype=np.uint8)
    try:
        tracker = Tracker(network, TrackerConfig(max_objects=1))
        tracker.step(frame, [Prompt(box=np.array([0.25, 0.25, 0.75, 0.75]) * side)])
        tracker.step(frame)
    except torch.cuda.OutOfMemoryError as error:
        raise DeviceError(f"{network.device} has no memory for one object; choose a smaller model") from error
