"""Which depths of a layer are the object's: those not too far from their median."""

import numpy as np

NORMAL = 1.4826  # by which the median absolute deviation of normally distributed values is their standard deviation
WIDTH = 3.0  # standard deviations that are kept on either side
LEAST_SPREAD = 0.005  # of the depth: below it a sensor's steps make the deviation zero


def select(depths: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(N,) bool: of the depths (N,) in a layer (N,) bool those within 3 robust standard deviations of their median.

    Median and median absolute deviation stay where they are while less than half of the values are wrong (Rousseeuw and
    Croux, JASA 1993); a mean moves with the first one. Background that leaks in at the mask's edge is metres away, and
    flying pixels lie anywhere between object and background.
    """
    layer = depths[inside]
    middle = len(layer) // 2
    median = np.partition(layer, middle)[middle]
    away = np.abs(layer - median)
    spread = max(NORMAL * float(np.partition(away, middle)[middle]), LEAST_SPREAD * float(median))
    return np.asarray((np.abs(depths - median) <= WIDTH * spread) & inside)
