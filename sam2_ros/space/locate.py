"""From a mask and a depth image to a place: erode, choose a layer, select in it, back-project, describe."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from ..config import SpaceConfig
from .camera import PinholeCamera
from .depth import MM, DepthImage
from .layers import Before, layers
from .mask import eroded, resampled
from .place import Box3D, Nowhere, Place
from .robust import select

MAX_PIXELS = 8_000  # of one object that are looked at: more make nothing surer, and cost time
PATCH = 25  # pixels that a stereo camera measures together, so that their errors are one
LEAST_SCORE = 0.05  # a predicted IoU that is lower says no more than this one
LOW, HIGH = 0.02, 0.98  # shares of the points below which and above which a box does not reach


@dataclass(frozen=True, slots=True)
class Doubt:
    """What makes a position unsure besides the scatter of its points."""

    looked_at: float  # pixels of the mask for each one that counts
    mask_score: float  # predicted IoU of the mask
    layer: float  # variance of the depth by which layer is the object, square metres


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The pixels of a mask that are looked at."""

    pixels: np.ndarray  # (N, 2) x, y in the depth image
    each: int  # pixels that each of them stands for
    rim: int  # pixels of the depth image by which the mask was made smaller on all sides


def locate(
    mask: np.ndarray,
    box: tuple[int, int, int, int],
    depth: DepthImage,
    camera: PinholeCamera,
    config: SpaceConfig,
    mask_score: float = 1.0,
    before: Before | None = None,
) -> Place | Nowhere:
    """Where an object is, in the camera's optical frame (REP 103), metres.

    ``mask``: (H, W) bool; ``box``: its first and last pixel, x_min, y_min, x_max, y_max. ``depth``: of the same view,
    of any size; ``camera``: of the size of the depth image. ``mask_score``: predicted IoU of the mask, 0 to 1.
    ``before``: where the object was last, which decides between layers of depth that the mask has both.
    """
    sample = _sample(mask, box, depth.size, config)
    valid, depths = depth.measured(depth.values[sample.pixels[:, 1], sample.pixels[:, 0]])
    if not len(depths) or len(depths) * sample.each < config.min_depth_pixels:
        return Nowhere(
            f"{len(depths) * sample.each} pixels of its mask have a depth, and min_depth_pixels is "
            f"{config.min_depth_pixels}: it is too far, too near, or of what the camera cannot measure"
        )
    found = layers(depths, before)
    kept = select(depths, found.inside)
    if np.count_nonzero(kept) * sample.each < config.min_depth_pixels:
        return Nowhere("the depths in its mask are too different to be of one thing")
    pixels = sample.pixels[valid][kept]
    points = camera.points(pixels[:, 1], pixels[:, 0], depths[kept])
    if not np.isfinite(points.sum()):
        return Nowhere("the distortion that camera_info tells cannot be taken out where it is; calibrate the camera")
    doubt = Doubt(len(sample.pixels) / len(points), mask_score, found.doubt)
    return _described(points, pixels, sample, camera, config.box_3d == "oriented", doubt)


def _sample(mask: np.ndarray, box: tuple[int, int, int, int], size: tuple[int, int], config: SpaceConfig) -> Sample:
    """The pixels that are surely of the object, evenly thinned out when they are many."""
    height, width = mask.shape
    x, y = size[0] / width, size[1] / height
    rows = slice(math.floor(box[1] * y), math.ceil((box[3] + 1) * y))
    columns = slice(math.floor(box[0] * x), math.ceil((box[2] + 1) * x))
    part = mask[rows, columns] if size == (width, height) else resampled(mask, (rows, columns), size)
    inner, rim = eroded(part, config.mask_erosion, config.min_depth_pixels)
    step = max(1, math.ceil((np.count_nonzero(inner) / MAX_PIXELS) ** 0.5))
    found = cv2.findNonZero(np.ascontiguousarray(inner[::step, ::step]))
    pixels = np.zeros((0, 2), dtype=np.int32) if found is None else found.reshape(-1, 2) * step
    return Sample(pixels + np.array((columns.start, rows.start), dtype=np.int32), step**2, rim)


def _described(
    points: np.ndarray, pixels: np.ndarray, sample: Sample, camera: PinholeCamera, oriented: bool, doubt: Doubt
) -> Place:
    position = points.mean(axis=0, dtype=np.float64)
    away = points - position.astype(np.float32)
    scatter = (away.T @ away).astype(np.float64) / len(points)
    rotation = _axes(scatter) if oriented else np.eye(3)
    # The rim that was left out is part of the object: it is given back, to the sides as the camera sees them.
    pixel = position[2] / np.array((camera.fx, camera.fy))
    rim = np.abs(rotation[:2].T) @ (sample.rim * pixel)
    box = _box(away @ rotation.astype(np.float32) if oriented else away, rotation, rim)
    return Place(
        position=position,
        covariance=_covariance(scatter, len(points) * sample.each, doubt, position, pixel),
        box=Box3D(position + box.centre, box.size, rotation),
        points=points,
        pixels=pixels,
    )


def _box(points: np.ndarray, rotation: np.ndarray, rim: np.ndarray) -> Box3D:
    """Around points (N, 3) in the box's own axes; ``rim`` (3,) is added on either side."""
    low, high = round(LOW * (len(points) - 1)), round(HIGH * (len(points) - 1))
    ordered = np.partition(np.ascontiguousarray(points.T), (low, high), axis=1)
    least, most = ordered[:, low].astype(np.float64), ordered[:, high].astype(np.float64)
    return Box3D(rotation @ (least + most) / 2, most - least + 2 * rim, rotation)


def _axes(scatter: np.ndarray) -> np.ndarray:
    """(3, 3) the principal axes of a covariance as columns, longest first, right-handed.

    Of an axis and its opposite the one that looks to the right, down or away counts, so that boxes do not flip from
    image to image.
    """
    _, vectors = np.linalg.eigh(scatter)
    axes = vectors[:, ::-1].copy()
    for index in (0, 1):
        axes[:, index] *= np.sign(axes[np.abs(axes[:, index]).argmax(), index])
    axes[:, 2] = np.cross(axes[:, 0], axes[:, 1])
    return axes


def _covariance(scatter: np.ndarray, count: int, doubt: Doubt, position: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    """(3, 3) of the mean of ``count`` pixels with such a scatter.

    Four causes add up. The mean of so many patches scatters by scatter / patches. A share v of what may be the object
    is seen, m is not: v is the share of the mask's pixels that count, times the predicted IoU of the mask. Were the
    missing part all on one side of what is seen, the mean would be off by sqrt(3) m / v standard deviations of the
    scatter (of an even one); that it lies anywhere from evenly spread to this gives a variance of (m / v)^2 scatter.
    Which layer is the object adds along the ray. And nothing is known finer than a pixel and a millimetre.
    """
    patches = max(1.0, count / PATCH)
    missing = doubt.looked_at / max(doubt.mask_score, LEAST_SCORE) - 1
    steps = np.array((*pixel, MM)) ** 2 / 12
    ray = position / position[2]
    return np.asarray(scatter * (1 / patches + missing**2) + doubt.layer * np.outer(ray, ray) + np.diag(steps))
