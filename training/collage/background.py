"""What is behind everything: a photograph, or walls and furniture, with things that stand about and do not move."""

import cv2
import numpy as np

from sam2_ros.synthetic.looks import NEARNESS, USUAL, Background
from sam2_ros.synthetic.settings import SceneSettings

from ..pictures import Pictures
from .sprite import draw_sprite, lay
from .surfaces import draw_labelled, draw_photograph, draw_plain, draw_surface, recoloured

ROOM = 0.4  # probability of walls and furniture
LEAST_PHOTOGRAPH = 0.35  # of a photograph that is seen
LEAST_LABELLED = 0.8  # the same, of one whose objects are asked for
LABELLED_OBJECTS = 8  # of one photograph, at most
OBJECT = (1 / 500, 0.5)  # of the background: one at least about its middle is of such a size
ATTEMPTS = 10  # to find one
CLUTTER = 9  # things that stand about, at most
FURNITURE = 6  # pieces at most
MAX_SIDE = 1024  # pixels


def draw_labelled_background(
    rng: np.random.Generator, pictures: Pictures, settings: SceneSettings, first_id: int
) -> tuple[Background, np.ndarray]:
    """A photograph, and (H, W) uint8 its largest objects with ids from ``first_id`` on."""
    half = _reach(settings, np.array([settings.width, settings.height]))
    width, height = (2 * half * min(settings.width, settings.height)).round().astype(int).clip(max=MAX_SIDE)
    for _ in range(ATTEMPTS):
        canvas, found = draw_labelled(rng, pictures, width, height, LEAST_LABELLED)
        areas = _areas(found) / found.size
        middle = _areas(found[height // 4 : -height // 4, width // 4 : -width // 4]) > 0
        if (middle & (areas >= OBJECT[0]) & (areas <= OBJECT[1])).any():
            break
    largest = np.argsort(-areas)[:LABELLED_OBJECTS]
    ids = np.zeros(256, np.uint8)
    for number, label in enumerate(largest[areas[largest] >= OBJECT[0]]):
        ids[label] = first_id + number
    return _placed(rng, canvas, half), ids[found]


def _areas(labels: np.ndarray) -> np.ndarray:
    """(256,) pixels of each object."""
    areas = np.bincount(labels.ravel(), minlength=256)
    areas[0] = 0
    return areas


def draw_background(rng: np.random.Generator, pictures: Pictures, settings: SceneSettings) -> Background:
    """A random background as large as the camera gets around."""
    longer, shorter = max(settings.width, settings.height), min(settings.width, settings.height)
    half = _reach(settings, np.array([longer, longer]))
    size = min(round(2 * half[0] * shorter), MAX_SIDE)
    if rng.random() < ROOM:
        canvas = _room(rng, pictures, size)
    else:
        canvas = draw_photograph(rng, pictures, size, size, LEAST_PHOTOGRAPH)
    for _ in range(int(rng.integers(CLUTTER + 1)) if pictures.cutouts else 0):
        _place(rng, pictures, canvas, shorter)
    if rng.random() < 0.35:
        canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.5, 4)))
    return _placed(rng, canvas, half)


def _reach(settings: SceneSettings, sides: np.ndarray) -> np.ndarray:
    """How far the camera sees from the middle when its picture has such ``sides``, of the picture's shorter side."""
    half = 0.55 * np.exp(USUAL * settings.zoom) * sides / min(settings.width, settings.height)
    return np.asarray(half + USUAL * settings.pan * NEARNESS[1])


def _placed(rng: np.random.Generator, canvas: np.ndarray, half: np.ndarray) -> Background:
    scale = 2 * half[0] / (canvas.shape[1] - 1)
    return Background(canvas, np.array([(scale, 0, -half[0]), (0, scale, -half[1])]), rng.uniform(*NEARNESS))


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
