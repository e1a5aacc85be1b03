"""What is behind everything: a photograph, or walls and furniture, with things that stand about and do not move."""

import cv2
import numpy as np

from sam2_ros.synthetic.looks import NEARNESS, USUAL, Background
from sam2_ros.synthetic.settings import SceneSettings

from ..pictures import Pictures
from .sprite import draw_sprite, lay
from .surfaces import draw_photograph, draw_plain, draw_surface, recoloured

ROOM = 0.4  # probability of walls and furniture
LEAST_PHOTOGRAPH = 0.35  # of a photograph that is seen
CLUTTER = 9  # things that stand about, at most
FURNITURE = 6  # pieces at most
MAX_SIDE = 1024  # pixels


def draw_background(rng: np.random.Generator, pictures: Pictures, settings: SceneSettings) -> Background:
    """A random background as large as the camera gets around."""
    shorter = min(settings.width, settings.height)
    half = 0.55 * np.exp(USUAL * settings.zoom) * max(settings.width, settings.height) / shorter
    half = float(half + USUAL * settings.pan * NEARNESS[1])
    size = min(round(2 * half * shorter), MAX_SIDE)
    if rng.random() < ROOM:
        canvas = _room(rng, pictures, size)
    else:
        canvas = draw_photograph(rng, pictures, size, size, LEAST_PHOTOGRAPH)
    for _ in range(int(rng.integers(CLUTTER + 1)) if pictures.cutouts else 0):
        _place(rng, pictures, canvas, shorter)
    if rng.random() < 0.35:
        canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.5, 4)))
    scale = 2 * half / (size - 1)
    return Background(canvas, np.array([(scale, 0, -half), (0, scale, -half)]), rng.uniform(*NEARNESS))


def _room(rng: np.random.Generator, pictures: Pictures, size: int) -> np.ndarray:
    """A wall, a floor or a table, and pieces with straight edges."""
    canvas = draw_plain(rng, size, size) if rng.random() < 0.7 else draw_surface(rng, pictures, size)
    left, right = rng.uniform(0.35, 0.8) * size + rng.normal(0, 0.06 * size, 2)
    _fill(canvas, np.array([(0, left), (size, right), (size, size), (0, size)]), draw_surface(rng, pictures, size))
    for _ in range(int(rng.integers(FURNITURE + 1))):
        centre, half = rng.uniform(0, size, 2), rng.uniform(0.04, 0.25, 2) * size
        corners = centre + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) + rng.normal(0, 0.15, (4, 2)) * half
        _fill(canvas, corners, draw_surface(rng, pictures, size))
    return canvas


def _fill(canvas: np.ndarray, corners: np.ndarray, surface: np.ndarray) -> None:
    inside = np.zeros(canvas.shape[:2], np.uint8)
    cv2.fillPoly(inside, [corners.round().astype(np.int32)], 255, cv2.LINE_AA)
    weight = inside.astype(np.float32) / 255
    canvas[:] = cv2.blendLinear(surface, canvas, weight, 1 - weight)


def _place(rng: np.random.Generator, pictures: Pictures, canvas: np.ndarray, shorter: int) -> None:
    """Something that stands somewhere."""
    side = shorter * rng.uniform(0.08, 0.45)
    cutout = recoloured(rng, pictures.cutout(int(rng.integers(pictures.cutouts))), 0.6)
    sprite = draw_sprite(rng, cutout, side, 0.0)
    angle, mirror = rng.normal(0, 0.15), rng.choice((-1, 1))
    turn = side / 2 * np.array([(mirror * np.cos(angle), -np.sin(angle)), (mirror * np.sin(angle), np.cos(angle))])
    size = canvas.shape[0]
    layer = sprite.layer(0, np.column_stack((turn, rng.uniform(0, size, 2))), np.zeros(2), (size, size))
    if layer is not None:
        lay(canvas, layer, rng.uniform(0, 0.5))
