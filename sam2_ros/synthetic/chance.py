"""Where randomness comes from: one independent generator for each part of a scene, and smooth random functions."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

TERMS = 3  # sines in a wave


class Stream(IntEnum):
    """Parts of a scene that draw on their own, so that a change of one leaves the others as they are."""

    COUNTS = 0
    STAGE = 1
    HOMES = 2
    HIDING = 3
    CAMERA = 4
    LOOKS = 5
    LIGHT = 6
    NOISE = 7
    ABSENCE = 8
    CROSSING = 9
    CUT = 10
    TWIN = 11
    DEPTH = 12


def generator(seed: int, stream: Stream, *which: int) -> np.random.Generator:
    """A fresh generator of a part; ``which``: the one of several alike."""
    return np.random.default_rng([seed, int(stream), *which])


@dataclass(frozen=True, slots=True, eq=False)
class Wave:
    """A smooth random function of time with no end, 0 at time 0; sums of sines, so nothing has to be stored."""

    weights: np.ndarray  # (D, TERMS), each row of sum 1
    speeds: np.ndarray  # (D, TERMS) radians per frame
    phases: np.ndarray  # (D, TERMS)
    start: np.ndarray  # (D,)

    def at(self, time: float) -> np.ndarray:
        """(D,) values, within 2 of zero; ``time`` in frames."""
        values: np.ndarray = (self.weights * np.sin(self.speeds * time + self.phases)).sum(axis=1)
        return values - self.start


def draw_wave(rng: np.random.Generator, size: int, period_min: float, period_max: float) -> Wave:
    """A wave of ``size`` independent values whose sines have such periods, in frames."""
    weights = rng.uniform(0.3, 1.0, (size, TERMS))
    weights /= weights.sum(axis=1, keepdims=True)
    speeds = 2 * np.pi / rng.uniform(period_min, period_max, (size, TERMS))
    phases = rng.uniform(0, 2 * np.pi, (size, TERMS))
    return Wave(weights, speeds, phases, (weights * np.sin(phases)).sum(axis=1))


def smoothstep(share: float) -> float:
    """From 0 to 1 without a jolt at either end."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)
