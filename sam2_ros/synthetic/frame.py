"""One frame of a scene, and what is known of every object in it."""

from dataclasses import dataclass

import numpy as np

Box = tuple[int, int, int, int]  # x_min, y_min, x_max, y_max in pixels, corners included

VISIBLE_SHARE = 1 / 5000  # of the picture; of fewer pixels nobody can say what they are
LEAST_VISIBLE = 4  # pixels, in very small pictures


@dataclass(frozen=True, slots=True, eq=False)
class SceneFrame:
    """A picture with its ground truth; an object is visible exactly when the labels show it and it has a box."""

    image: np.ndarray  # (H, W, 3) uint8 RGB
    labels: np.ndarray  # (H, W) uint8: the object seen there, from 1; 0 background, occluder, distractor
    visible: tuple[bool, ...]  # of object 1, 2, ...: at least `visible_pixels` of it are seen
    boxes: tuple[Box | None, ...]  # around the visible part


def visible_pixels(width: int, height: int) -> int:
    """How many pixels of an object make it visible in a picture of that size."""
    return max(LEAST_VISIBLE, round(width * height * VISIBLE_SHARE))


def ground_truth(image: np.ndarray, labels: np.ndarray, objects: int) -> SceneFrame:
    """The frame of an image and its label image, from which objects too small to be visible are erased."""
    height, width = labels.shape
    counts = np.bincount(labels.ravel(), minlength=objects + 1)[1:]
    visible = tuple(bool(count >= visible_pixels(width, height)) for count in counts)
    for index, seen in enumerate(visible):
        if not seen and counts[index]:
            labels[labels == index + 1] = 0
    boxes = tuple(_box(labels == index + 1) if seen else None for index, seen in enumerate(visible))
    return SceneFrame(image, labels, visible, boxes)


def _box(mask: np.ndarray) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
