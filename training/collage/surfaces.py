"""Surfaces: crops of photographs, plain colours as of cloth, walls and skin, textures of the made-up scenes."""

import cv2
import numpy as np

from sam2_ros.synthetic.paint import Skin
from sam2_ros.synthetic.textures import draw_family, draw_palette, draw_texture

from ..pictures import Pictures
from .puppet import SKIN_TONES

LEAST_CROP = 60  # pixels of a photograph
MAX_SHADING = 0.35  # of the logarithm of light, standard deviation


def draw_photograph(rng: np.random.Generator, pictures: Pictures, width: int, height: int, least: float) -> np.ndarray:
    """(height, width, 3) uint8, a random part of a random photograph, of ``least`` of its size or more."""
    part = _part(rng, pictures.photograph(int(rng.integers(pictures.photographs))), width, height, least)
    return recoloured(rng, _fitted(part, width, height), 0.6)


def draw_labelled(
    rng: np.random.Generator, pictures: Pictures, width: int, height: int, least: float
) -> tuple[np.ndarray, np.ndarray]:
    """(height, width, 3) uint8, a part of a photograph with a label image, and (height, width) uint8 its objects."""
    photograph, labels = pictures.labelled_photograph(int(rng.integers(pictures.labelled)))
    part = _part(rng, np.dstack((photograph, labels)), width, height, least)
    labels = np.asarray(cv2.resize(part[..., 3], (width, height), interpolation=cv2.INTER_NEAREST_EXACT))
    return recoloured(rng, _fitted(part[..., :3], width, height), 0.4), labels


def _part(rng: np.random.Generator, picture: np.ndarray, width: int, height: int, least: float) -> np.ndarray:
    """A random part of a picture (h, w, C) of the sides' ratio, mirrored or not."""
    whole = np.array(picture.shape[1::-1])
    fit = float((whole / (width, height)).min())
    share = rng.uniform(least, 1)
    side = np.maximum(fit * share * np.array([width, height]), LEAST_CROP).astype(int).clip(max=whole)
    x, y = rng.integers(0, whole - side + 1)
    part = picture[y : y + side[1], x : x + side[0]]
    return part[:, ::-1] if rng.random() < 0.5 else part


def _fitted(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    way = cv2.INTER_AREA if picture.shape[1] > width else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=way))


def draw_plain(rng: np.random.Generator, width: int, height: int, colour: np.ndarray | None = None) -> np.ndarray:
    """(height, width, 3) uint8 of nearly one colour, with a slope of light and a little grain."""
    if colour is None:
        hsv = np.array([[[rng.integers(180), rng.integers(0, 230) * rng.random(), rng.integers(25, 250)]]], np.uint8)
        colour = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(float)
    grid = rng.uniform(0.75, 1.15, (3, 3)).astype(np.float32)
    light = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    cells = (max(2, width // 6), max(2, height // 6))
    grain = rng.normal(0, rng.uniform(0, 6), cells[::-1]).astype(np.float32)
    surface = light[..., None] * colour + cv2.resize(grain, (width, height))[..., None]
    return np.clip(surface, 0, 255).astype(np.uint8)


def draw_surface(rng: np.random.Generator, pictures: Pictures, size: int) -> np.ndarray:
    """(size, size, 3) uint8 of some kind."""
    kind = rng.random()
    if kind < 0.5:
        return draw_photograph(rng, pictures, size, size, 0.12)
    if kind < 0.8:
        return draw_plain(rng, size, size)
    return draw_texture(rng, draw_family(rng), draw_palette(rng), size, rng.uniform(1.5, 8))


def draw_skin(rng: np.random.Generator, pictures: Pictures, size: int) -> Skin:
    """A surface for an outline."""
    return Skin(draw_surface(rng, pictures, size), rng.uniform(0, 0.6), rng.uniform(0, 0.4))


def draw_body_skins(rng: np.random.Generator, pictures: Pictures, size: int) -> tuple[Skin, ...]:
    """Of body, head, arms, legs, hair: clothes, skin, hair."""
    bare = plain_skin(rng, size, skin_tone(rng))
    hair = plain_skin(rng, size, rng.uniform(15, 130) * np.array([1.0, 0.8, 0.6]))
    shirt, trousers = draw_skin(rng, pictures, size), draw_skin(rng, pictures, size)
    return shirt, bare, bare if rng.random() < 0.5 else shirt, bare if rng.random() < 0.3 else trousers, hair


def skin_tone(rng: np.random.Generator) -> np.ndarray:
    """(3,) RGB."""
    dark, light = np.array(SKIN_TONES, float)
    return np.asarray(dark + (light - dark) * rng.random() + rng.normal(0, 6, 3))


def plain_skin(rng: np.random.Generator, size: int, colour: np.ndarray) -> Skin:
    """A plain surface for an outline."""
    return Skin(draw_plain(rng, size, size, colour), rng.uniform(0.1, 0.5), rng.uniform(0, 0.4))


def recoloured(rng: np.random.Generator, picture: np.ndarray, strength: float) -> np.ndarray:
    """A picture (h, w, 3 or 4) uint8 in another light: gain, gamma, tint, saturation; as often brighter as darker."""
    colours = picture[..., :3].astype(np.float32) / 255
    colours = colours ** np.float32(np.exp(strength * rng.uniform(-0.5, 0.5)))
    grey = colours.mean(axis=2, keepdims=True)
    colours = grey + (colours - grey) * np.float32(1 + strength * rng.uniform(-0.8, 0.4))
    gain = np.exp(strength * (rng.uniform(-0.4, 0.4) + rng.normal(0, 0.05, 3))).astype(np.float32)
    changed = np.clip(colours * gain * 255, 0, 255).astype(np.uint8)
    return np.dstack((changed, picture[..., 3])) if picture.shape[2] == 4 else changed


def shaded(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """A picture (h, w, 4) uint8 with light that falls on it unevenly: parts of a thing differ, and are one thing."""
    grid = np.exp(rng.normal(0, rng.uniform(0, MAX_SHADING), (3, 3))).astype(np.float32)
    light = cv2.resize(grid, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    lit = np.clip(picture[..., :3] * light[..., None], 0, 255).astype(np.uint8)
    return np.dstack((lit, picture[..., 3]))
