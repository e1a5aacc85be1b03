"""The composer: stage, camera, light and sensor of the made-up scenes with other looks."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from sam2_ros.errors import ConfigError
from sam2_ros.synthetic import SceneFrame, SceneSettings
from sam2_ros.synthetic.actor import Actor
from sam2_ros.synthetic.camera import Camera
from sam2_ros.synthetic.effects import Sensor, draw_light
from sam2_ros.synthetic.frame import ground_truth
from sam2_ros.synthetic.looks import Background
from sam2_ros.synthetic.shapes import Shape, Slab
from sam2_ros.synthetic.stage import Stage, draw_stage

from ..pictures import Pictures
from .background import draw_background, draw_labelled_background
from .lens import draw_lens
from .surfaces import draw_skin
from .things import UPRIGHT, Outline, Place, Thing, draw_look, hold

SETTINGS, LOOKS, BACKGROUND, LIGHT, LENS = range(5)  # parts of a clip that draw on their own
MAX_SURFACE = 512  # pixels
LABELLED = 0.7  # probability of a background whose objects are asked for, where there are such pictures
ALONE = 0.5  # probability that nothing is in front of it
COVERING = 0.5  # probability that what hides others is a made-up outline


def collage(seed: int, pictures: Pictures, width: int, height: int, frames: int) -> Iterator[SceneFrame]:
    """The frames of a clip. The same seed, pictures and size give the same bytes. Raises ConfigError."""
    settings, stage = _draw_stage(seed, width, height, frames)
    things = _draw_things(np.random.default_rng((seed, LOOKS)), pictures, stage, min(width, height))
    scenery = _draw_scenery(np.random.default_rng((seed, BACKGROUND)), pictures, settings, stage.objects + 1)
    if scenery.alone:
        things = []
    light = draw_light(np.random.default_rng((seed, LIGHT)), settings)
    sensor, lens = Sensor(seed, settings), draw_lens(np.random.default_rng((seed, LENS)))
    for time in range(frames):
        canvas, labels = scenery.seen(stage.camera, time, settings)
        for actor, thing in things:
            for part in thing.draw(canvas, _place(actor, stage.camera, time, settings)):
                labels[part.window][part.solid] = actor.object_id if part.own else 0
        image = lens.through(sensor.expose(light.apply(canvas, time)))
        yield ground_truth(image, labels, max(stage.objects, int(scenery.labels.max())))


def _draw_stage(seed: int, width: int, height: int, frames: int) -> tuple[SceneSettings, Stage]:
    """Settings and a stage in which the objects fit beside each other."""
    rng = np.random.default_rng((seed, SETTINGS))
    while True:
        settings = _draw_settings(rng, width, height, frames)
        try:
            return settings, draw_stage(seed, settings)
        except ConfigError:  # too many for their size; the next ones are others
            continue


def _draw_settings(rng: np.random.Generator, width: int, height: int, frames: int) -> SceneSettings:
    """Anything between a still life and a tumult."""
    small, large = np.sort(rng.uniform(0.1, 0.6, 2))
    hidings = int(rng.integers(0, 3)) if rng.random() < 0.6 else 0
    calm = rng.random() ** 2
    return SceneSettings(
        width=width,
        height=height,
        frames=frames,
        objects_min=1,
        objects_max=5 if large < 0.35 else 3,
        size_min=float(small),
        size_max=float(large),
        roam=float(rng.uniform(0, 0.95)),
        sway=float(calm * rng.uniform(0, 0.15)),
        spin=float(calm * rng.uniform(0, 5)),
        scale_change=float(rng.uniform(0, 0.3)),
        deform=float(rng.uniform(0, 0.13)),
        distractors_min=0,
        distractors_max=6 if large < 0.25 else 3,
        crossings_min=0,
        crossings_max=1,
        bars=int(rng.integers(0, 2)),
        hidings=hidings,
        hidden_frames_min=3,
        hidden_frames_max=10,
        pan=float(rng.uniform(0, 0.15)),
        zoom=float(rng.uniform(0, 0.15)),
        roll=float(rng.uniform(0, 5)),
        shake=float(rng.uniform(0, 0.005)),
        blur=float(rng.uniform(0, 0.6)),
        light=float(rng.uniform(0.02, 0.2)),
        vignette=float(rng.uniform(0, 0.3)),
        noise=float(rng.uniform(0, 7)),
    )


def _draw_things(rng: np.random.Generator, pictures: Pictures, stage: Stage, shorter: int) -> list[tuple[Actor, Thing]]:
    """Every actor with what is seen of it; distractors look like their models."""
    looks: dict[int, Callable[[Shape], Thing]] = {}
    things: list[tuple[Actor, Thing]] = []
    for actor in sorted(stage.actors, key=lambda actor: actor.number):
        side = int(np.clip(2 * actor.radius * shorter, 16, MAX_SURFACE))
        if isinstance(actor.shape, Slab) or (not actor.spin and rng.random() < COVERING):
            things.append((actor, Outline(actor.shape, draw_skin(rng, pictures, 2 * side))))
            continue
        if actor.model not in looks:
            looks[actor.model] = draw_look(rng, pictures, side, 0.02 + actor.shape.deform)
        thing = looks[actor.model](actor.shape)
        if rng.random() < UPRIGHT and not isinstance(thing, Outline):
            actor = dataclasses.replace(actor, angle=rng.normal(0, 0.25))
        things.append((actor, hold(rng, pictures, thing, side) if actor.object_id else thing))
    return sorted(things, key=lambda pair: pair[0].depth)


def _place(actor: Actor, camera: Camera, time: float, settings: SceneSettings) -> Place:
    view, pose = camera.view(time, actor.nearness), actor.pose(time)
    matrix = view.matrix[:, :2] @ pose
    matrix[:, 2] += view.matrix[:, 2]
    half = settings.blur / 2
    before, after = (
        camera.view(at, actor.nearness).pixels(actor.path.at(at)[0]) for at in (max(time - half, 0.0), time + half)
    )
    return Place(time, matrix, after - before)


@dataclass(frozen=True, slots=True, eq=False)
class Scenery:
    """What is behind everything."""

    background: Background
    labels: np.ndarray  # (h, w) uint8 ids of the objects that belong to it
    alone: bool  # nothing moves in front of it

    def seen(self, camera: Camera, time: float, settings: SceneSettings) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) uint8 its picture and (H, W) uint8 its objects."""
        view = camera.view(time, self.background.nearness)
        matrix = view.matrix[:, :2] @ self.background.to_world
        matrix[:, 2] += view.matrix[:, 2]
        size = (settings.width, settings.height)
        picture = cv2.warpAffine(self.background.texture, matrix, size, borderMode=cv2.BORDER_REFLECT_101)
        labels = cv2.warpAffine(self.labels, matrix, size, flags=cv2.INTER_NEAREST)
        return np.asarray(picture), np.asarray(labels)


def _draw_scenery(rng: np.random.Generator, pictures: Pictures, settings: SceneSettings, first_id: int) -> Scenery:
    if pictures.labelled and rng.random() < LABELLED:
        return Scenery(*draw_labelled_background(rng, pictures, settings, first_id), bool(rng.random() < ALONE))
    background = draw_background(rng, pictures, settings)
    return Scenery(background, np.zeros(background.texture.shape[:2], np.uint8), False)
