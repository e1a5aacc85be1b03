"""Procedural textures and their colours; objects and background draw from the same families."""

from collections.abc import Callable

import cv2
import numpy as np

Field = np.ndarray  # (S, S) float32, about 0 to 1


def draw_palette(rng: np.random.Generator) -> np.ndarray:
    """Colours that go together, (6, 3) RGB 0 to 255: neighbouring hues at most, dark to light."""
    hue = rng.uniform(0, 180) + rng.normal(0, rng.uniform(6, 40), 6)
    saturation = rng.uniform(10, 170, 6)
    value = np.linspace(rng.uniform(25, 80), rng.uniform(180, 250), 6) + rng.normal(0, 15, 6)
    hsv = np.stack((hue % 180, saturation, np.clip(value, 15, 255)), axis=-1).astype(np.uint8)
    rgb: np.ndarray = cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0].astype(np.float64)
    return rgb


def draw_family(rng: np.random.Generator) -> str:
    """The name of a family."""
    return str(rng.choice(list(FAMILIES)))


def draw_texture(rng: np.random.Generator, family: str, palette: np.ndarray, size: int, detail: float) -> np.ndarray:
    """A texture, (size, size, 3) uint8 RGB; ``detail``: how many periods or features lie across it, about."""
    field = FAMILIES[family](rng, size, detail)
    # Nothing real is of one colour: broad shade and fine grain on everything.
    field = field + 0.25 * (_noise(rng, size, 3, 2) - 0.5) + 0.15 * (_noise(rng, size, detail * 4, 2) - 0.5)
    stops = palette[rng.permutation(len(palette))[: rng.integers(2, 5)]] + rng.normal(0, 8, 3)
    levels = np.linspace(0, len(stops) - 1, 256)
    table = np.stack([np.interp(levels, np.arange(len(stops)), stops[:, c]) for c in range(3)], axis=-1)
    # The middle of the table is what noise shows; spread it.
    index = np.clip(field * (1.2 * 255) - 0.1 * 255, 0, 255).astype(np.uint8)
    table8 = np.clip(table, 0, 255).astype(np.uint8)[:, None]  # (256, 1, 3)
    return np.asarray(cv2.LUT(cv2.merge((index, index, index)), table8))


def _noise(rng: np.random.Generator, size: int, cells: float, octaves: int) -> Field:
    """Value noise: random grids, each twice as fine and half as strong as the one before, made smooth."""
    total = np.zeros((size, size), dtype=np.float32)
    strength, sum_of_strengths = 1.0, 0.0
    for octave in range(octaves):
        count = min(max(2, round(cells * 2**octave)), size)
        grid = rng.random((count, count), dtype=np.float32)
        total += strength * cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
        sum_of_strengths += strength
        strength *= 0.5
    return total / sum_of_strengths


def _coordinates(rng: np.random.Generator, size: int, warp: float) -> tuple[Field, Field]:
    """Turned and bent coordinates, (S, S) each, -0.5 to 0.5 across the texture."""
    angle = rng.uniform(0, 2 * np.pi)
    line = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    x, y = line[None, :], line[:, None]
    bend_x, bend_y = (warp * (_noise(rng, size, 4, 1) - 0.5) for _ in range(2))
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cos + y * sin + bend_x, y * cos - x * sin + bend_y


def _sharpened(field: Field, strength: float) -> Field:
    """-1 to 1 into 0 to 1, steeper with ``strength``."""
    return np.asarray(np.clip(field * strength, -1, 1) * 0.5 + 0.5)


def _clouds(rng: np.random.Generator, size: int, detail: float) -> Field:
    return _sharpened(_noise(rng, size, detail * 0.7, 4) * 2 - 1, rng.uniform(1.3, 3))


def _stripes(rng: np.random.Generator, size: int, detail: float) -> Field:
    u, _ = _coordinates(rng, size, rng.uniform(0, 0.25))
    return _sharpened(np.sin(2 * np.pi * detail * u), rng.uniform(0.8, 5))


def _checks(rng: np.random.Generator, size: int, detail: float) -> Field:
    u, v = _coordinates(rng, size, rng.uniform(0, 0.15))
    stretch = rng.uniform(0.5, 1.0)
    waves = np.sin(2 * np.pi * detail * 0.7 * u) * np.sin(2 * np.pi * detail * 0.7 * stretch * v)
    return _sharpened(waves, rng.uniform(1.5, 8))


def _gradient(rng: np.random.Generator, size: int, detail: float) -> Field:
    u, v = _coordinates(rng, size, 0.2)
    slope = u + 0.5 if rng.random() < 0.5 else 1.4 * np.sqrt(u * u + v * v)
    return np.asarray(slope + 0.3 * (_noise(rng, size, detail, 2) - 0.5))


def _spots(rng: np.random.Generator, size: int, detail: float) -> Field:
    field = (0.6 * _noise(rng, size, 3, 2)).astype(np.float32)
    count = int(detail**2 * rng.uniform(0.7, 1.6))
    radius = size / detail * rng.uniform(0.2, 0.5)
    centres = rng.uniform(0, size, (count, 2))
    radii = radius * rng.uniform(0.5, 1.3, count)
    values = rng.uniform(0.6, 1.0, count)
    for (x, y), r, value in zip(centres.tolist(), radii.tolist(), values.tolist(), strict=True):
        cv2.circle(field, (round(x * 16), round(y * 16)), round(r * 16), value, -1, cv2.LINE_AA, 4)
    return cv2.blur(field, (3, 3))


def _cells(rng: np.random.Generator, size: int, detail: float) -> Field:
    """Every pixel goes to its nearest seed; seams between the cells."""
    count = max(4, int(detail**2))
    no_seed = np.ones((size, size), dtype=np.uint8)
    no_seed[rng.integers(0, size, count), rng.integers(0, size, count)] = 0
    distance, cell = cv2.distanceTransformWithLabels(no_seed, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    values = rng.uniform(0, 1, int(cell.max()) + 1).astype(np.float32)
    seam = np.clip(distance * (detail / size), 0, 1) * rng.uniform(0, 0.6)
    return cv2.blur(np.asarray(values[cell] - seam, dtype=np.float32), (3, 3))


FAMILIES: dict[str, Callable[[np.random.Generator, int, float], Field]] = {
    "clouds": _clouds,
    "stripes": _stripes,
    "checks": _checks,
    "gradient": _gradient,
    "spots": _spots,
    "cells": _cells,
}
