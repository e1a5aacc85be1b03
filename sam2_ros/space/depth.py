"""Depth images: what their pixels mean (REP 118), and which of them mean anything."""

from dataclasses import dataclass

import numpy as np

MM = 0.001
# 16UC1: 0 is no measurement, and the largest number is what drivers write that cannot say more.
NO_DEPTH, TOO_FAR = 0, 65535
# Metres in 32FC1: outside of them no camera measures. A depth from 0.2 m on that is in millimetres would be.
NEAREST, FARTHEST = 0.001, 200.0


@dataclass(frozen=True, slots=True, eq=False)
class DepthImage:
    """Depth along the optical axis, registered to the image that is tracked; a message's memory, not to be changed."""

    values: np.ndarray  # (H, W) uint16 in `unit`, or float32 in metres
    unit: float = MM  # metres of one step of uint16

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.values.shape[1], self.values.shape[0]

    def measured(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of some of its ``values`` (N,) are measurements, (N,) bool, and those in metres, (M,) float32.

        Not those: of integers 0 and 65535; of floats NaN and all outside of 1 mm to 200 m.
        """
        if values.dtype == np.uint16:
            valid = (values != NO_DEPTH) & (values != TOO_FAR)
            return valid, values[valid].astype(np.float32) * np.float32(self.unit)
        with np.errstate(invalid="ignore"):
            valid = (values > NEAREST) & (values < FARTHEST)
        return valid, values[valid].astype(np.float32, copy=False)
