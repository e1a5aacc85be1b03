"""Scenes: short videos with ground truth, made up from a seed."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ..errors import ConfigError
from .actor import Actor
from .camera import Camera, View
from .chance import Stream, generator
from .cuts import cameras, times
from .effects import Sensor, draw_light
from .frame import SceneFrame, ground_truth
from .looks import Background, Looks
from .paint import HALF_COVERED, Skin, line_kernel, paint
from .settings import SceneSettings
from .stage import draw_stage


def scene(seed: int, settings: SceneSettings) -> Iterator[SceneFrame]:
    """The frames of a scene, one by one. Raises ConfigError.

    The same seed and settings give the same bytes, on a machine of the same kind with the same numpy and OpenCV.
    Memory does not grow with the number of frames, and a longer scene begins like a shorter one.
    """
    if seed < 0:
        raise ConfigError(f"the seed of a scene is {seed}; choose 0 or a positive number")
    return _frames(seed, settings)


def _frames(seed: int, settings: SceneSettings) -> Iterator[SceneFrame]:
    stage = draw_stage(seed, settings)
    looks = Looks(seed, settings, stage)
    light = draw_light(generator(seed, Stream.LIGHT), settings)
    sensor = Sensor(seed, settings)
    layers = [_Layer(actor, *looks.skin(actor)) for actor in stage.actors]
    backgrounds = [looks.background(camera) for camera in range(cameras(settings))]
    painters = [_Painter(settings, stage.camera, background, layers) for background in backgrounds]
    del looks
    for camera, time in times(seed, settings):
        canvas, labels = painters[camera].frame(time)
        yield ground_truth(sensor.expose(light.apply(canvas, time)), labels, stage.objects)


class _Views:
    """The views of one frame; most things in it share theirs."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._known: dict[tuple[float, float], View] = {}

    def at(self, time: float, nearness: float) -> View:
        """The view at a time in frames of things of that nearness."""
        key = (time, nearness)
        if key not in self._known:
            self._known[key] = self._camera.view(time, nearness)
        return self._known[key]


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """An actor with its skin."""

    actor: Actor
    skin: Skin
    to_shape: np.ndarray  # (2, 3) from pixels of the texture to the shape's frame


@dataclass(frozen=True, slots=True, eq=False)
class _Painter:
    """Paints what the camera sees, from the farthest to the nearest."""

    settings: SceneSettings
    camera: Camera
    background: Background
    layers: list[_Layer]

    def frame(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """The picture (H, W, 3) uint8 and the label image (H, W) uint8 at a time in frames."""
        views = _Views(self.camera)
        canvas = self._behind(time, views)
        labels = np.zeros(canvas.shape[:2], dtype=np.uint8)
        for layer in self.layers:
            actor = layer.actor
            view = views.at(time, actor.nearness)
            matrix = _chained(view.matrix, _chained(actor.pose(time), layer.to_shape))
            motion = self._motion(time, actor, views)
            patch = paint(canvas, actor.outline(time, view), layer.skin, matrix, motion)
            if patch is not None:
                labels[patch.window][patch.cover >= HALF_COVERED] = actor.object_id
        return canvas, labels

    def _behind(self, time: float, views: _Views) -> np.ndarray:
        """(H, W, 3) uint8 the background."""
        settings, nearness = self.settings, self.background.nearness
        matrix = _chained(views.at(time, nearness).matrix, self.background.to_world)
        size = (settings.width, settings.height)
        picture = cv2.warpAffine(
            self.background.texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        origin = np.zeros(2)
        before, after = (views.at(t, nearness).pixels(origin) for t in self._exposure(time))
        blur = line_kernel(after - before)
        if blur is not None:
            picture = cv2.filter2D(picture, -1, blur, borderType=cv2.BORDER_REFLECT_101)
        return np.asarray(picture)

    def _motion(self, time: float, actor: Actor, views: _Views) -> np.ndarray:
        """(2,) pixels that an actor moves while the shutter is open."""
        before, after = (views.at(t, actor.nearness).pixels(actor.path.at(t)[0]) for t in self._exposure(time))
        return after - before

    def _exposure(self, time: float) -> tuple[float, float]:
        half = self.settings.blur / 2
        return max(time - half, 0.0), time + half


def _chained(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """(2, 3) first ``inner``, then ``outer``."""
    chained = outer[:, :2] @ inner
    chained[:, 2] += outer[:, 2]
    return chained
