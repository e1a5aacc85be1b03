"""The things of a clip: each draws itself and says which pixels it covers."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sam2_ros.synthetic.chance import Wave, draw_wave
from sam2_ros.synthetic.paint import HALF_COVERED, Skin, paint
from sam2_ros.synthetic.shapes import Shape, Slab

from ..pictures import Pictures
from .puppet import Part, Puppet, arm_parts, draw_puppet
from .sprite import Sprite, draw_sprite, lay
from .surfaces import draw_body_skins, draw_skin, plain_skin, recoloured, shaded, skin_tone

SPREAD = 1.4  # a surface reaches so far from the middle of its thing
SLAB_SPREAD = 10.0
SPRITE, PUPPET = 0.6, 0.2  # probabilities; else an outline with a surface
UPRIGHT = 0.75  # probability that a thing that has an up and a down stands upright, about
HELD = 0.3  # probability that a hand holds an object
LONG = 2.0  # pictures: the length of an arm


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a thing is at a time."""

    time: float
    matrix: np.ndarray  # (2, 3) from the thing's frame, -1 to 1, to pixels
    motion: np.ndarray  # (2,) pixels while the shutter is open


@dataclass(frozen=True, slots=True, eq=False)
class Covered:
    """Pixels that something drawn covers."""

    window: tuple[slice, slice]
    solid: np.ndarray  # (h, w) bool
    own: bool = True  # it is the thing itself, not what holds it


class Thing(Protocol):
    """What can be seen."""

    def draw(self, canvas: np.ndarray, place: Place) -> list[Covered]:
        """Draw it into a picture (H, W, 3) uint8."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class CutOut:
    """A sprite."""

    sprite: Sprite
    turn: np.ndarray  # (2, 2): mirrored and turned, or not
    shadow: float

    def draw(self, canvas: np.ndarray, place: Place) -> list[Covered]:
        """Draw it."""
        matrix = np.column_stack((place.matrix[:, :2] @ self.turn, place.matrix[:, 2]))
        layer = self.sprite.layer(place.time, matrix, place.motion, (canvas.shape[1], canvas.shape[0]))
        if layer is None:
            return []
        lay(canvas, layer, self.shadow)
        return [Covered(layer.window, layer.solid)]


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A made-up outline with a surface."""

    shape: Shape | Slab
    skin: Skin

    def draw(self, canvas: np.ndarray, place: Place) -> list[Covered]:
        """Draw it."""
        spread = SLAB_SPREAD if isinstance(self.shape, Slab) else SPREAD
        return _paint(canvas, [Part(self.shape.outline(place.time), self.skin)], place, spread)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A puppet."""

    puppet: Puppet
    mirror: float

    def draw(self, canvas: np.ndarray, place: Place) -> list[Covered]:
        """Draw it."""
        matrix = place.matrix * (self.mirror, 1, 1)
        return _paint(canvas, self.puppet.parts(place.time), Place(place.time, matrix, place.motion), SPREAD)


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A thing with a hand that holds it, which is not of the thing."""

    thing: Thing
    grip: np.ndarray  # (2,) in the thing's frame
    direction: float
    width: float  # of the thing's radius
    skin: Skin
    sleeve: Skin
    in_front: bool
    wave: Wave

    def draw(self, canvas: np.ndarray, place: Place) -> list[Covered]:
        """Draw both."""
        if self.in_front:
            return self.thing.draw(canvas, place) + self._draw_arm(canvas, place)
        return self._draw_arm(canvas, place) + self.thing.draw(canvas, place)

    def _draw_arm(self, canvas: np.ndarray, place: Place) -> list[Covered]:
        scale = float(np.sqrt(abs(np.linalg.det(place.matrix[:, :2]))))
        sway = self.wave.at(place.time)
        hand = place.matrix[:, :2] @ self.grip + place.matrix[:, 2]
        length, width = LONG * max(canvas.shape[:2]), self.width * scale
        parts = arm_parts(hand, self.direction + 0.2 * sway[0], length, width, self.skin, self.sleeve)
        in_pixels = Place(place.time, np.eye(2, 3), place.motion)
        texture = np.column_stack((np.eye(2) * width / SPREAD, hand))
        covered = _paint(canvas, parts, in_pixels, SPREAD, texture)
        return [dataclasses.replace(part, own=False) for part in covered]


def _paint(
    canvas: np.ndarray, parts: list[Part], place: Place, spread: float, surface: np.ndarray | None = None
) -> list[Covered]:
    """Paint parts one over the other; ``surface``: (2, 3) from -1 to 1 to pixels where surfaces lie elsewhere."""
    covered: list[Covered] = []
    surface = place.matrix if surface is None else surface
    for part in parts:
        size = len(part.skin.texture)
        step = 2 * spread / (size - 1)
        to_frame = np.array([(step, 0, -spread), (0, step, -spread)])
        matrix = surface[:, :2] @ to_frame
        matrix[:, 2] += surface[:, 2]
        outline = part.outline @ place.matrix[:, :2].T + place.matrix[:, 2]
        patch = paint(canvas, outline, part.skin, matrix, place.motion)
        if patch is not None:
            covered.append(Covered(patch.window, patch.cover >= HALF_COVERED))
    return covered


def draw_look(rng: np.random.Generator, pictures: Pictures, side: int, deform: float) -> Callable[[Shape], Thing]:
    """What makes things that look alike, about ``side`` pixels large; each of them moves on its own."""
    kind = rng.random()
    if kind < SPRITE and pictures.cutouts:
        cutout = shaded(rng, recoloured(rng, pictures.cutout(int(rng.integers(pictures.cutouts))), 0.7))
        turn = _draw_turn(rng)
        return lambda _: CutOut(draw_sprite(rng, cutout, side, deform), turn, rng.uniform(0, 0.5))
    if kind < SPRITE + PUPPET:
        skins = draw_body_skins(rng, pictures, side)
        return lambda _: Body(draw_puppet(rng, skins), float(rng.choice((-1, 1))))
    skin = draw_skin(rng, pictures, side)
    return lambda shape: Outline(shape, skin)


def hold(rng: np.random.Generator, pictures: Pictures, thing: Thing, side: int) -> Thing:
    """The thing in a hand, or as it is."""
    if rng.random() >= HELD:
        return thing
    bare = plain_skin(rng, side, skin_tone(rng))
    sleeve = bare if rng.random() < 0.5 else draw_skin(rng, pictures, side)
    direction = rng.uniform(0, 2 * np.pi)
    grip = rng.uniform(0.3, 0.8) * np.array([np.cos(direction), np.sin(direction)]) + rng.normal(0, 0.15, 2)
    wave = draw_wave(rng, 1, 20, 80)
    return Held(thing, grip, direction, rng.uniform(0.25, 0.7), bare, sleeve, bool(rng.random() < 0.7), wave)


def _draw_turn(rng: np.random.Generator) -> np.ndarray:
    """(2, 2) mirrored, or not."""
    return np.diag([float(rng.choice((-1, 1))), 1.0])
