"""What a depth camera sees of a scene: distances that go with the sizes, a sensor's errors, and what is true.

Metres in the camera's optical frame of REP 103 (x right, y down, z forward); depth is z (REP 118). The world of a scene
is flat, and its things grow and shrink: here they come nearer and go away instead. The map is where the camera was at
the beginning, with the axes of REP 103 for bodies: x forward, y left, z up.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ..space.camera import PinholeCamera
from ..space.place import Box3D, Place
from ..space.transform import Transform
from .actor import Actor
from .chance import Stream, generator
from .paint import HALF_COVERED, cover
from .settings import SceneSettings
from .stage import Stage, draw_stage

FOCAL = 0.9  # focal length, of the picture's width: 58 degrees across
BACKGROUND = 4.5  # metres
FARTHEST, NEARER = 3.0, 1.0  # metres: the farthest thing at the beginning, and how much nearer each layer of depth is
NEAREST = 0.4  # metres
BEHIND = 0.93  # nothing is farther than this share of the background's distance
SLOPE = 0.3  # of a thing's surface, metres of depth per metre across, at most
BASELINE = 0.05  # metres between the two eyes of the depth camera: what only one sees has no depth
NOISE = 0.005  # standard deviation for each square metre of distance, per metre: 1 % at 2 m
GRAIN = 1.2  # pixels over which the errors are alike
STEP = 0.1  # metres between neighbours from which on there is an edge
LOST_AT_EDGES, LOST = 0.5, 0.02  # shares of pixels without depth, at edges and elsewhere
BLOB = 6  # pixels of a hole, about
MM = 1000.0
TOO_FAR = 65535

# From the axes of the camera's optical frame to those of its body.
BODY = Transform(np.array([(0.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)]), np.zeros(3))


@dataclass(frozen=True, slots=True, eq=False)
class DepthFrame:
    """Depth of one frame, and where the camera is."""

    depth: np.ndarray  # (H, W) float32, as it is, metres
    measured: np.ndarray  # (H, W) uint16, as a stereo camera measures it, millimetres, 0: nothing
    in_map: Transform  # from the camera's optical frame to the map

    @property
    def camera(self) -> PinholeCamera:
        """Its intrinsics; the principal point is the picture's middle."""
        height, width = self.depth.shape
        focal = FOCAL * width
        return PinholeCamera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)

    def objects(self, labels: np.ndarray) -> dict[int, Place]:
        """Where what is seen of the objects in a label image (H, W) is, in the camera's optical frame, by id.

        Boxes hold all points; there is nothing to be unsure of.
        """
        return {each: self._place(labels == each) for each in np.unique(labels).tolist() if each}

    def _place(self, mask: np.ndarray) -> Place:
        rows, columns = np.nonzero(mask)
        z, camera = self.depth[rows, columns].astype(np.float64), self.camera
        x, y = (columns - camera.cx) / camera.fx * z, (rows - camera.cy) / camera.fy * z
        points = np.stack((x, y, z), axis=-1)
        low, high = points.min(axis=0), points.max(axis=0)
        return Place(
            position=points.mean(axis=0),
            covariance=np.zeros((3, 3)),
            box=Box3D((low + high) / 2, high - low, np.eye(3)),
            points=points.astype(np.float32),
            pixels=np.stack((columns, rows), axis=-1),
        )


def depth_frames(seed: int, settings: SceneSettings) -> Iterator[DepthFrame]:
    """The depth of each frame of a scene, one by one, as `scene` gives the pictures. Raises ConfigError."""
    stage = draw_stage(seed, settings)
    surfaces = [_Surface.of(seed, actor, stage) for actor in stage.actors]
    for index in range(settings.frames):
        depth = _depth(index, settings, stage, surfaces)
        measured = _measured(generator(seed, Stream.DEPTH, 1, index), depth)
        yield DepthFrame(depth, measured, _camera_pose(index, stage, settings))


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    """The side of an actor that faces the camera: flat, and not quite across."""

    actor: Actor
    reach: float  # metres times pixels: its distance times its size in the picture
    slope: np.ndarray  # (2,)

    @classmethod
    def of(cls, seed: int, actor: Actor, stage: Stage) -> "_Surface":
        slope = generator(seed, Stream.DEPTH, 0, actor.number).uniform(-SLOPE, SLOPE, 2)
        first = max(FARTHEST - NEARER * actor.depth, 2 * NEAREST)
        return cls(actor, first * _pixels(actor, stage, 0), slope)

    def paint(self, depth: np.ndarray, time: float, stage: Stage, focal: float) -> None:
        """Put it in front of what is there."""
        height, width = depth.shape
        view = stage.camera.view(time, self.actor.nearness)
        patch = cover(self.actor.outline(time, view), width, height)
        if patch is None:
            return
        z = float(np.clip(self.reach / _pixels(self.actor, stage, time), NEAREST, BEHIND * depth.max()))
        rows, columns = np.ogrid[patch.window]
        x, y = view.pixels(self.actor.path.at(time)[0])
        lean = (self.slope[0] * (columns - x) + self.slope[1] * (rows - y)) / focal
        inside = patch.cover >= HALF_COVERED
        depth[patch.window][inside] = (z * np.clip(1 + lean, 0.8, 1.2))[inside]


def _pixels(actor: Actor, stage: Stage, time: float) -> float:
    """How large an actor is in the picture, in pixels of its radius."""
    pose = actor.pose(time)
    return float(np.hypot(pose[0, 0], pose[1, 0])) * stage.camera.view(time).scale


def _depth(time: float, settings: SceneSettings, stage: Stage, surfaces: list[_Surface]) -> np.ndarray:
    shorter = min(settings.width, settings.height)
    away = BACKGROUND * shorter / stage.camera.view(time).scale
    depth = np.full((settings.height, settings.width), away, dtype=np.float32)
    for surface in surfaces:
        surface.paint(depth, time, stage, FOCAL * settings.width)
    return depth


def _camera_pose(time: float, stage: Stage, settings: SceneSettings) -> Transform:
    """From the optical frame to the map: what pans, zooms and rolls the picture moves and turns the camera."""
    view = stage.camera.view(time)
    shorter = min(settings.width, settings.height)
    turn = np.eye(3)
    turn[:2, :2] = view.matrix[:, :2].T / view.scale
    middle = np.array((settings.width - 1, settings.height - 1)) / 2
    centre = np.linalg.solve(view.matrix[:, :2], middle - view.matrix[:, 2])  # of the picture, in the world's unit
    metres = BACKGROUND * shorter / (FOCAL * settings.width)  # of the world's unit, where the background is
    position = np.array((*(centre * metres), BACKGROUND * (1 - shorter / view.scale)))
    return BODY.after(Transform(turn, position))


def _measured(rng: np.random.Generator, depth: np.ndarray) -> np.ndarray:
    """(H, W) uint16 millimetres: depth with noise that grows with its square, with flying pixels and holes."""
    near, far = (each(depth, np.ones((3, 3), np.uint8)) for each in (cv2.erode, cv2.dilate))
    edges = far - near > STEP
    mix = rng.random(depth.shape, dtype=np.float32)
    seen = np.where(edges, near + mix * (far - near), depth)
    grain = cv2.GaussianBlur(rng.standard_normal(depth.shape, dtype=np.float32), (0, 0), GRAIN)
    seen += NOISE * seen**2 * (grain / grain.std())
    lost = edges & (rng.random(depth.shape, dtype=np.float32) < LOST_AT_EDGES)
    lost |= _holes(rng, depth.shape) | _unseen_by_the_other_eye(depth)
    return np.where(lost, 0, np.clip(np.round(seen * MM), 0, TOO_FAR)).astype(np.uint16)


def _holes(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    height, width = shape
    coarse = rng.random((-(-height // BLOB), -(-width // BLOB)), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST) < LOST)


def _unseen_by_the_other_eye(depth: np.ndarray) -> np.ndarray:
    """(H, W) bool: what something to its right hides from an eye to the right."""
    width = depth.shape[1]
    there = np.arange(width) - BASELINE * FOCAL * width / depth  # column in the other eye's picture
    to_the_right = np.minimum.accumulate(there[:, ::-1], axis=1)[:, ::-1]
    hidden = np.zeros(depth.shape, dtype=bool)
    hidden[:, :-1] = to_the_right[:, 1:] < there[:, :-1]
    return hidden
