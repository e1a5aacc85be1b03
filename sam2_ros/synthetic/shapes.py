"""Outlines: many families, each of endless variety, that change smoothly over time and never cross themselves."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .chance import Wave, draw_wave

POINTS = 72
ANGLES = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
RIPPLES = np.array([2, 3, 4])  # bulges around the outline that come and go
BEND = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """An outline around the origin that reaches to about 1 at rest."""

    family: str
    points: np.ndarray  # (POINTS, 2) at rest
    ripples: np.ndarray  # (3, POINTS) growth of the radius by each value of `wave`
    deform: float
    wave: Wave  # 5 values: three ripples, bending, foreshortening

    def outline(self, time: float) -> np.ndarray:
        """(POINTS, 2) at a time in frames."""
        wave = self.wave.at(time)
        points = self.points * (1 + self.deform * (0.5 * wave[:3] @ self.ripples))[:, None]
        points[:, 0] += BEND * min(1.0, 4 * self.deform) * wave[3] * (points[:, 1] ** 2 - 0.3)
        points[:, 1] *= 1 - self.deform * abs(wave[4])
        return points

    @property
    def reach(self) -> float:
        """No point of the outline is ever farther from the origin."""
        # Ripples and waves stay within 1 and 2; the bend moves by its value at the tips.
        grown = 1 + self.deform * 3
        return float(grown + 2 * BEND * min(1.0, 4 * self.deform) * (grown**2 - 0.3))


@dataclass(frozen=True, slots=True, eq=False)
class Slab:
    """A straight bar along x, far longer than the picture, 2 wide."""

    half_length: float
    family: str = "bar"

    def outline(self, time: float) -> np.ndarray:
        """(4, 2), the same at all times."""
        x = self.half_length
        return np.array([(-x, -1.0), (x, -1.0), (x, 1.0), (-x, 1.0)])


def draw_family(rng: np.random.Generator) -> str:
    """The name of a family."""
    return str(rng.choice(list(FAMILIES)))


def draw_shape(rng: np.random.Generator, family: str, deform: float) -> Shape:
    """A shape of a family; ``deform``: how much it changes, share of its radius."""
    radius = FAMILIES[family](rng)
    points = radius[:, None] * np.stack((np.cos(ANGLES), np.sin(ANGLES)), axis=-1)
    points[:, 1] *= rng.uniform(0.6, 1.0)
    points -= points.mean(axis=0)
    points /= np.hypot(*points.T).max()
    shifts = rng.uniform(0, 2 * np.pi, len(RIPPLES))
    ripples = np.sin(RIPPLES[:, None] * ANGLES + shifts[:, None])
    return Shape(family, points, ripples, deform, draw_wave(rng, 5, 18, 60))


# --- families: radius by angle, (POINTS,) ----------------------------------------------------------------------------


def _smoothed(radius: np.ndarray, width: float) -> np.ndarray:
    """Corners rounded off; ``width`` in points."""
    waves = np.arange(POINTS // 2 + 1)
    soft = np.exp(-2 * (np.pi * width * waves / POINTS) ** 2)
    return np.fft.irfft(np.fft.rfft(radius) * soft, POINTS)


def _fourier(rng: np.random.Generator) -> np.ndarray:
    waves = np.arange(2, 8)
    strength = rng.normal(0, 0.35, len(waves)) / waves
    shifts = rng.uniform(0, 2 * np.pi, len(waves))
    return np.maximum(1 + strength @ np.sin(waves[:, None] * ANGLES + shifts[:, None]), 0.35)


def _ellipse(rng: np.random.Generator) -> np.ndarray:
    power = rng.uniform(1.8, 4)
    across = rng.uniform(0.55, 1.0)
    return (np.abs(np.cos(ANGLES)) ** power + np.abs(np.sin(ANGLES) / across) ** power) ** (-1 / power)


def _polygon(rng: np.random.Generator) -> np.ndarray:
    """Random corners around the origin, straight between them."""
    corners = int(rng.integers(3, 8))
    angles = (np.arange(corners) + rng.uniform(-0.25, 0.25, corners)) * 2 * np.pi / corners
    far = rng.uniform(0.7, 1.0, corners)
    ends = np.stack((far * np.cos(angles), far * np.sin(angles)), axis=-1)
    after = np.roll(ends, -1, axis=0)
    # The ray at each angle meets the line of the edge at normal . x = offset; the nearest such edge is the outline.
    normals = np.stack((after[:, 1] - ends[:, 1], ends[:, 0] - after[:, 0]), axis=-1)
    offsets = (normals * ends).sum(axis=1)
    rays = np.stack((np.cos(ANGLES), np.sin(ANGLES)))
    facing = normals @ rays  # (corners, POINTS)
    crossing = np.where(facing > 1e-6, offsets[:, None] / np.maximum(facing, 1e-6), np.inf)
    sector = np.searchsorted(angles, (ANGLES - angles[0]) % (2 * np.pi) + angles[0], side="right") - 1
    return _smoothed(crossing[sector, np.arange(POINTS)], rng.uniform(0.4, 2))


def _star(rng: np.random.Generator) -> np.ndarray:
    tips = int(rng.integers(3, 8))
    zigzag = np.abs((ANGLES * tips / np.pi) % 2 - 1)
    return _smoothed(1 - rng.uniform(0.3, 0.55) * zigzag, rng.uniform(0.5, 2.5))


def _arms(rng: np.random.Generator) -> np.ndarray:
    count = int(rng.integers(2, 6))
    middles = (np.arange(count) + rng.uniform(-0.3, 0.3, count)) * 2 * np.pi / count
    away = np.abs((ANGLES - middles[:, None] + np.pi) % (2 * np.pi) - np.pi)
    arms = rng.uniform(0.5, 1.0, count) @ np.exp(-((away / rng.uniform(0.2, 0.45)) ** 2))
    return np.asarray(rng.uniform(0.4, 0.6) + arms)


FAMILIES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "fourier": _fourier,
    "ellipse": _ellipse,
    "polygon": _polygon,
    "star": _star,
    "arms": _arms,
}
