"""Who is in a scene, of which shape, where, in which order of depth. What they look like is elsewhere."""

from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from ..errors import ConfigError
from . import shapes
from .absence import LeavingPath
from .actor import TURNING_PERIOD, Actor
from .camera import Camera, draw_camera
from .chance import Stream, draw_wave, generator
from .crossing import CrossingPath
from .motion import Hideout, Path, Place
from .paint import HALF_COVERED, cover
from .settings import SceneSettings
from .shapes import Shape, Slab, draw_shape

# On the first frame every object shows at least this share of the picture's pixels, and of its own.
FIRST_SHARE_OF_PICTURE = 0.003
FIRST_SHARE_OF_OBJECT = 0.7
ATTEMPTS = 60  # stages drawn in search of one whose first frame is right
BAR_NEARNESS = 1.3
COVERING = ("ellipse", "polygon", "fourier")  # shapes without deep notches, to hide behind
COVER_MARGIN = 1.06
REACH_TIMES = np.arange(0, 420, 15)  # frames at which an outline is measured


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Everything of a scene that has a place."""

    camera: Camera
    actors: tuple[Actor, ...]  # from the farthest to the nearest
    objects: int


def draw_stage(seed: int, settings: SceneSettings) -> Stage:
    """The stage of a seed. Raises ConfigError when the objects do not fit into the picture."""
    rng = generator(seed, Stream.COUNTS)
    objects = int(rng.integers(settings.objects_min, settings.objects_max + 1))
    distractors = int(rng.integers(settings.distractors_min, settings.distractors_max + 1))
    crossings = int(rng.integers(settings.crossings_min, settings.crossings_max + 1))
    camera = draw_camera(generator(seed, Stream.CAMERA), settings)
    for attempt in range(ATTEMPTS):
        drawing = _Drawing(seed, generator(seed, Stream.STAGE, attempt), settings, camera)
        stage = Stage(camera, drawing.actors(objects, distractors, crossings), objects)
        if _is_right_at_first(stage, settings):
            return stage
    raise ConfigError(
        f"{objects} objects of up to {settings.size_max:g} of the picture do not fit beside each other with "
        f"{distractors + crossings} distractors and {settings.bars} bars; choose smaller or fewer ones"
    )


def _is_right_at_first(stage: Stage, settings: SceneSettings) -> bool:
    """Whether on the first frame enough of every object is seen."""
    labels = np.zeros((settings.height, settings.width), dtype=np.uint8)
    whole = np.zeros(stage.objects + 1)
    for actor in stage.actors:
        patch = cover(actor.outline(0, stage.camera.view(0, actor.nearness)), settings.width, settings.height)
        if patch is not None:
            inside = patch.cover >= HALF_COVERED
            labels[patch.window][inside] = actor.object_id
            whole[actor.object_id] += np.count_nonzero(inside)
    seen = np.bincount(labels.ravel(), minlength=stage.objects + 1)[1:]
    least = np.maximum(FIRST_SHARE_OF_PICTURE * labels.size, FIRST_SHARE_OF_OBJECT * whole[1:])
    return bool((seen >= least).all())


@dataclass(frozen=True, slots=True)
class _Body:
    """A shape of a size, without a place."""

    shape: Shape
    radius: float

    def reach(self) -> float:
        """How far it reaches from its centre, deformed as it may be."""
        far = max(float((self.shape.outline(time) ** 2).sum(axis=1).max()) for time in REACH_TIMES.tolist())
        return COVER_MARGIN * self.radius * far**0.5


class _Drawing:
    """Draws the actors of one stage."""

    def __init__(self, seed: int, rng: np.random.Generator, settings: SceneSettings, camera: Camera) -> None:
        self._seed = seed
        self._rng = rng
        self._settings = settings
        self._camera = camera
        self._half = np.array([settings.width, settings.height]) / min(settings.width, settings.height) / 2
        self._numbers = count()
        self._taken: list[tuple[np.ndarray, float]] = []  # first places and radii

    def actors(self, objects: int, distractors: int, crossings: int) -> tuple[Actor, ...]:
        """All actors, from the farthest to the nearest; the smallest objects are those that hide."""
        bodies = sorted((self._body() for _ in range(objects)), key=lambda body: body.radius)
        ids = (self._rng.permutation(objects) + 1).tolist()
        actors: list[Actor] = []
        for index, (body, object_id) in enumerate(zip(bodies, ids, strict=True)):
            if index < self._settings.absences:
                actors.append(self._leaving(body, object_id))
            elif index < self._settings.absences + self._settings.hidings:
                actors += self._hiding(body, object_id)
            else:
                actors.append(self._wandering(body, object_id))
        tracked = [actor for actor in actors if actor.object_id]
        actors += [self._distractor(tracked[self._rng.integers(objects)]) for _ in range(distractors)]
        actors += [self._crossing(tracked[index % objects]) for index in range(crossings)]
        actors += [self._bar() for _ in range(self._settings.bars)]
        return tuple(sorted(actors, key=lambda actor: actor.depth))

    def _body(self) -> _Body:
        settings, rng = self._settings, self._rng
        shape = draw_shape(rng, shapes.draw_family(rng), settings.deform)
        return _Body(shape, rng.uniform(settings.size_min, settings.size_max) / 2)

    def _hiding(self, body: _Body, object_id: int) -> list[Actor]:
        """An object that hides beyond an edge of the picture, or behind an occluder, which comes with it."""
        reach = body.reach()
        depth = self._rng.uniform(0, 0.7)
        kind = self._rng.choice(("edge", "pillar", "thing"), p=(0.4, 0.3, 0.3))
        occluder: Actor | None = None
        if kind == "edge":
            hideout = self._beyond_an_edge(reach)
        elif kind == "pillar":
            hideout, occluder = self._behind_a_pillar(reach, depth)
        else:
            hideout, occluder = self._behind_a_thing(reach, depth)
        near = body.radius + (0.0 if occluder is None else occluder.radius)
        place = Place(*self._area(body.radius), hideout=hideout, near=near, far=near + 0.3)
        actor = self._actor(body, object_id, place, depth)
        held = (self._settings.hidden_frames_min, self._settings.hidden_frames_max)
        assert isinstance(actor.path, Path)
        actor.path.hide(hideout, held, self._camera)
        return [actor] if occluder is None else [actor, occluder]

    def _beyond_an_edge(self, reach: float) -> Hideout:
        outward = np.array([(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)][self._rng.integers(4)])
        across = np.abs(outward[::-1]) * self._half
        centre = outward * self._half + 0.4 * across * self._rng.uniform(-1, 1)
        return Hideout(centre, 0.4 * across, outward, reach)

    def _behind_a_pillar(self, reach: float, depth: float) -> tuple[Hideout, Actor]:
        """A straight occluder through the whole picture, upright or lying; things move unseen along it."""
        upright = bool(self._rng.random() < 0.6)
        along = np.array((0.0, self._half[1]) if upright else (self._half[0], 0.0))
        centre = self._rng.uniform(-0.6, 0.6, 2) * (self._half - reach) * (along == 0)
        angle = np.pi / 2 * upright + self._rng.uniform(-0.02, 0.02)
        shape = Slab(3 * float(max(self._half)) / reach)
        # Swaying and leaning a little, it is a little wider than what it hides.
        width = 1.1 * reach + 0.02 * float(along.max())
        pillar = self._still(shape, width, centre, float(angle), self._rng.uniform(depth, 1))
        return Hideout(centre, 0.6 * along), pillar

    def _behind_a_thing(self, reach: float, depth: float) -> tuple[Hideout, Actor]:
        """A compact occluder of the same families as the objects."""
        shape = draw_shape(self._rng, str(self._rng.choice(COVERING)), 0.0)
        inner = float(np.hypot(*shape.points.T).min())
        while inner < 0.55:
            shape = draw_shape(self._rng, "ellipse", 0.0)
            inner = float(np.hypot(*shape.points.T).min())
        radius = reach / inner
        centre = self._rng.uniform(-0.7, 0.7, 2) * np.maximum(self._half - reach, 0)
        self._taken.append((centre, 0.8 * radius))
        angle = float(self._rng.uniform(0, 2 * np.pi))
        thing = self._still(shape, radius, centre, angle, self._rng.uniform(depth, 1))
        return Hideout(centre, np.zeros(2)), thing

    def _leaving(self, body: _Body, object_id: int) -> Actor:
        """An object that leaves the picture and comes back elsewhere."""
        actor = self._wandering(body, object_id)
        who, place = (self._seed, actor.number), Place(*self._area(body.radius))
        first, sway = actor.path.at(0)[0], draw_wave(self._rng, 2, 24, 90)
        return replace(actor, path=LeavingPath(who, first, place, sway, body.reach(), self._camera))

    def _wandering(self, body: _Body, object_id: int) -> Actor:
        return self._actor(body, object_id, Place(*self._area(body.radius)), self._rng.uniform(0, 0.9))

    def _distractor(self, model: Actor) -> Actor:
        """A thing of the same shape family and looks as an object, and about as large; or its very twin."""
        assert isinstance(model.shape, Shape)
        shape = draw_shape(self._rng, model.shape.family, self._settings.deform)
        body = _Body(shape, model.radius * self._rng.uniform(0.8, 1.2))
        place = Place(*self._area(0.5 * body.radius))
        actor = self._actor(body, 0, place, self._rng.uniform(0, 0.9), model.number)
        if generator(self._seed, Stream.TWIN, actor.number).random() >= self._settings.resemblance:
            return actor
        return replace(actor, twin=True, shape=replace(shape, points=model.shape.points))

    def _crossing(self, model: Actor) -> Actor:
        """A distractor that crosses the way of the object that it looks like."""
        actor = self._distractor(model)
        path = CrossingPath(actor.path, model.path, (self._seed, actor.number), actor.radius + model.radius)
        return replace(actor, path=path)

    def _bar(self) -> Actor:
        """A thin bar in front of everything, which stands or swings through the picture."""
        rng = self._rng
        half_width = rng.uniform(0.012, 0.035)
        upright = rng.normal(np.pi / 2 * (rng.random() < 0.6), 0.2)
        across = np.array([-np.sin(upright), np.cos(upright)])
        centre = across * rng.uniform(-0.6, 0.6)
        swing = rng.uniform(0.1, 0.4) if rng.random() < 0.6 else 0.0
        slab = Slab(3 * float(max(self._half)) / half_width)
        return self._still(slab, half_width, centre, float(upright), 1 + rng.random(), swing, BAR_NEARNESS)

    def _area(self, margin: float) -> tuple[float, float]:
        """Half width and half height of where things have their places."""
        width, height = np.maximum(self._half - margin, 0.1).tolist()
        return width, height

    def _actor(self, body: _Body, object_id: int, place: Place, depth: float, model: int | None = None) -> Actor:
        """An actor that goes from place to place; the first is one that is still free."""
        settings, rng = self._settings, self._rng
        points = place.points(rng)
        gaps = [np.hypot(*(points - centre).T) - radius - body.radius for centre, radius in self._taken]
        free = np.minimum(np.min(gaps, axis=0), 0.05) if gaps else np.zeros(len(points))
        first = points[(free - place.miss(points)).argmax()]
        self._taken.append((first, body.radius))
        number = next(self._numbers)
        sway = draw_wave(rng, 2, 24, 90)
        return Actor(
            number=number,
            object_id=object_id,
            model=number if model is None else model,
            shape=body.shape,
            radius=body.radius,
            path=Path((self._seed, number), first, place, sway, settings.roam, settings.sway),
            angle=rng.uniform(0, 2 * np.pi),
            spin=np.radians(settings.spin),
            wave=draw_wave(rng, 2, *TURNING_PERIOD),
            growth=settings.scale_change,
            depth=depth,
        )

    def _still(
        self,
        shape: Shape | Slab,
        radius: float,
        centre: np.ndarray,
        angle: float,
        depth: float,
        swing: float = 0.0,
        nearness: float = 1.0,
    ) -> Actor:
        """An actor that stays in its place, or swings about it."""
        number = next(self._numbers)
        sway = draw_wave(self._rng, 2, 40, 120)
        path = Path((self._seed, number), centre, Place(0, 0), sway, 0.0, swing)
        still = draw_wave(self._rng, 2, *TURNING_PERIOD)
        return Actor(number, 0, number, shape, radius, path, angle, 0.0, still, 0.0, depth, nearness)
