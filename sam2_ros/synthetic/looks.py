"""What the things of a scene look like, and the background."""

from dataclasses import dataclass, replace

import numpy as np

from .actor import Actor
from .chance import Stream, generator
from .paint import Skin, paint
from .settings import SceneSettings
from .shapes import Slab, draw_shape
from .shapes import draw_family as draw_shape_family
from .stage import Stage
from .textures import draw_family, draw_palette, draw_texture

USUAL = 1.3  # how far a wave gets as a rule; when the camera gets farther it sees the background mirrored
MAX_TEXTURE = 1024  # pixels of one side
SHAPE_SPAN = 1.3  # a shape's texture reaches so far from its centre, in radii
SLAB_SPAN = 10.0
FEATURES = (8, 24)  # of a texture, for each unit of the world
PATCH_SKINS = 5
TINT = (0.93, 1.07)  # of each colour of a twin
NEARNESS = (0.6, 1.8)  # above 1: as the camera goes along with what it films


@dataclass(frozen=True, slots=True)
class Style:
    """What things that look alike have in common."""

    family: str
    palette: np.ndarray  # (6, 3) RGB
    features: float  # for each unit of the world


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """A picture larger than the view."""

    texture: np.ndarray  # (S, S, 3) uint8
    to_world: np.ndarray  # (2, 3) from pixels of the texture
    nearness: float


class Looks:
    """Draws the looks of one scene: every thing's from its own number, so that one thing more changes no other."""

    def __init__(self, seed: int, settings: SceneSettings, stage: Stage) -> None:
        self._seed = seed
        self._settings = settings
        self._shorter = min(settings.width, settings.height)
        rng = generator(seed, Stream.LOOKS)
        self._palette = draw_palette(rng)
        self._base = self._style(rng, self._palette)
        self._actors = {actor.number: actor for actor in stage.actors}
        self._styles = {actor.number: self._actor_style(actor) for actor in stage.actors if actor.model == actor.number}

    def skin(self, actor: Actor) -> tuple[Skin, np.ndarray]:
        """An actor's skin and (2, 3) from pixels of its texture to the shape's frame."""
        if actor.twin:
            return self._twin(actor)
        rng = generator(self._seed, Stream.LOOKS, 2, actor.number)
        span = SLAB_SPAN if isinstance(actor.shape, Slab) else SHAPE_SPAN
        across = 2 * span * actor.radius
        size = int(np.clip(across * self._shorter * 1.2, 24, MAX_TEXTURE))
        style = self._styles[actor.model]
        skin = Skin(_texture(rng, style, size, across), rng.uniform(0.1, 0.7), rng.uniform(0, 0.5))
        return skin, _spread(size, span)

    def _twin(self, actor: Actor) -> tuple[Skin, np.ndarray]:
        """The skin of what an actor looks like: as of another one of its kind."""
        skin, to_shape = self.skin(self._actors[actor.model])
        rng = generator(self._seed, Stream.TWIN, actor.number, 1)
        turned = np.rot90(skin.texture, int(rng.integers(4)))[:: rng.choice((-1, 1))]
        tinted = np.clip(turned * rng.uniform(*TINT, 3), 0, 255).astype(np.uint8)
        return replace(skin, texture=np.ascontiguousarray(tinted)), to_shape

    def background(self, camera: int) -> Background:
        """The background before a camera with its patches, which look like objects and do not move."""
        settings = self._settings
        rng = generator(self._seed, Stream.LOOKS, 3, *([camera] if camera else []))
        half = 0.55 * np.exp(USUAL * settings.zoom) * max(settings.width, settings.height) / self._shorter
        half = float(half + USUAL * settings.pan * NEARNESS[1])
        size = min(round(2 * half * self._shorter), MAX_TEXTURE)
        canvas = _texture(rng, self._base, size, 2 * half)
        skins = self._patch_skins(rng)
        for _ in range(round(settings.patches * (2 * half) ** 2)):
            _paint_patch(rng, canvas, size / (2 * half), skins[rng.integers(len(skins))])
        return Background(canvas, _spread(size, half), rng.uniform(*NEARNESS))

    def _patch_skins(self, rng: np.random.Generator) -> list[Skin]:
        """A few skins for all patches: of objects, as far as they are to look alike, and of their own."""
        models = list(self._styles.values())
        skins = []
        for _ in range(PATCH_SKINS):
            alike = rng.random() < self._settings.likeness
            style = models[rng.integers(len(models))] if alike else self._style(rng, self._palette)
            size = max(24, self._shorter // 2)
            skins.append(Skin(_texture(rng, style, size, 0.5), rng.uniform(0, 0.5), rng.uniform(0, 0.4)))
        return skins

    def _actor_style(self, actor: Actor) -> Style:
        rng = generator(self._seed, Stream.LOOKS, 1, actor.number)
        return self._style(rng, self._palette if rng.random() < self._settings.likeness else draw_palette(rng))

    def _style(self, rng: np.random.Generator, palette: np.ndarray) -> Style:
        return Style(draw_family(rng), palette, rng.uniform(*FEATURES))


def _texture(rng: np.random.Generator, style: Style, size: int, across: float) -> np.ndarray:
    """(size, size, 3) uint8 of a style; ``across``: its side in the world's unit."""
    return draw_texture(rng, style.family, style.palette, size, max(1.5, style.features * across))


def _spread(size: int, span: float) -> np.ndarray:
    """(2, 3) from pixels of a texture of that size to -span ... span."""
    scale = 2 * span / (size - 1)
    return np.array([(scale, 0, -span), (0, scale, -span)])


def _paint_patch(rng: np.random.Generator, canvas: np.ndarray, unit: float, skin: Skin) -> None:
    """Paint a random shape on the background; ``unit``: its pixels for one unit of the world."""
    size = len(canvas)
    radius = unit * rng.uniform(0.05, 0.2)
    angle = rng.uniform(0, 2 * np.pi)
    turn = radius * np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    centre = rng.uniform(0, size, 2)
    outline = draw_shape(rng, draw_shape_family(rng), 0.0).points @ turn.T + centre
    middle = len(skin.texture) / 2
    scale = turn / radius * rng.uniform(0.7, 1.3)
    matrix = np.column_stack((scale, centre - scale @ (middle, middle)))
    paint(canvas, outline, skin, matrix, np.zeros(2))
