"""A picture with an outline, bent, seen from the side, blurred by its motion, and laid over others."""

from dataclasses import dataclass

import cv2
import numpy as np

from sam2_ros.synthetic.chance import Wave, draw_wave
from sam2_ros.synthetic.paint import line_kernel

MARGIN = 1.25  # how far bending and perspective may carry a sprite beyond its picture
WAVES = 8  # values of a sprite's wave, see `_bent`
LEAST_SIDE = 3  # pixels


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What one thing covers of a picture."""

    window: tuple[slice, slice]
    pixels: np.ndarray  # (h, w, 4) uint8, colours multiplied by alpha
    solid: np.ndarray  # (h, w) bool, in the middle of the exposure


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A cut-out; its frame reaches from -1 to 1 along the longer side."""

    texture: np.ndarray  # (h, w, 4) uint8 RGB and alpha, colours multiplied by alpha
    softness: float  # how far it bends
    limbs: float  # how far its lower part swings
    tilt: float  # how far it turns out of the picture's plane
    wave: Wave

    def layer(self, time: float, to_picture: np.ndarray, motion: np.ndarray, size: tuple[int, int]) -> Layer | None:
        """``to_picture``: (2, 3) from the sprite's frame to pixels; ``motion``: (2,) pixels while the shutter is open;
        ``size``: width and height of the picture. None when nothing of it is in the picture."""
        height, width = self.texture.shape[:2]
        half = np.array([width, height]) / max(width, height)
        corners = MARGIN * half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        there = corners @ to_picture[:, :2].T + to_picture[:, 2]
        blur = line_kernel(motion)
        margin = 1 if blur is None else len(blur) // 2 + 1
        left, top = np.clip(np.floor(there.min(axis=0)).astype(int) - margin, 0, size)
        right, bottom = np.clip(np.ceil(there.max(axis=0)).astype(int) + margin, 0, size)
        if right - left < LEAST_SIDE or bottom - top < LEAST_SIDE:
            return None
        inverse = np.linalg.inv(to_picture[:, :2])
        x, y = np.meshgrid(np.arange(left, right) - to_picture[0, 2], np.arange(top, bottom) - to_picture[1, 2])
        u, v = (inverse[row, 0] * x + inverse[row, 1] * y for row in (0, 1))
        u, v = self._bent(u.astype(np.float32), v.astype(np.float32), time)
        scale = max(width, height) / 2
        columns, rows = u * scale + (width - 1) / 2, v * scale + (height - 1) / 2
        pixels = cv2.remap(self.texture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        solid = pixels[..., 3] >= 128
        if blur is not None:
            pixels = cv2.filter2D(pixels, -1, blur, borderType=cv2.BORDER_CONSTANT)
        return Layer((slice(top, bottom), slice(left, right)), pixels, solid)

    def _bent(self, u: np.ndarray, v: np.ndarray, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Where in the cut-out what is seen at a place is."""
        wave = self.wave.at(time).astype(np.float32)
        depth = 1 + self.tilt * (wave[0] * u + wave[1] * v)
        u, v = u / depth, v / depth
        bent_u = u + self.softness * (wave[2] * np.sin(2.2 * v + wave[3]) + 0.5 * wave[4] * v * v)
        bent_v = v + self.softness * wave[5] * np.sin(2.2 * u + wave[6])
        # Legs open and close, a tail wags: the lower half swings, its two sides against each other.
        swing = self.limbs * np.maximum(v, 0) * (wave[6] + wave[7] * np.tanh(4 * u))
        return bent_u + swing, bent_v


def draw_sprite(rng: np.random.Generator, cutout: np.ndarray, side: float, deform: float) -> Sprite:
    """A cut-out (h, w, 4) uint8 that will be about ``side`` pixels long."""
    scale = 1.2 * side / max(cutout.shape[:2])
    if scale < 1:
        shape = [max(4, round(scale * n)) for n in cutout.shape[1::-1]]
        cutout = np.asarray(cv2.resize(premultiplied(cutout), shape, interpolation=cv2.INTER_AREA))
    else:
        cutout = premultiplied(cutout)
    cutout = cv2.copyMakeBorder(cutout, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    limbs = rng.uniform(0, 0.25) * (rng.random() < 0.5)
    return Sprite(cutout, deform, limbs, rng.uniform(0, 0.25), draw_wave(rng, WAVES, 14, 70))


def premultiplied(cutout: np.ndarray) -> np.ndarray:
    """Colours times alpha, so that what lies around an outline does not seep in."""
    alpha = cutout[..., 3:]
    return np.dstack(((cutout[..., :3].astype(np.uint16) * alpha // 255).astype(np.uint8), alpha))


def lay(canvas: np.ndarray, layer: Layer, shadow: float) -> None:
    """Put a layer over a picture (H, W, 3) uint8; ``shadow``: how dark what it casts down to the right is, 0 to 1."""
    alpha = layer.pixels[..., 3].astype(np.float32) / 255
    below = canvas[layer.window].astype(np.float32)
    if shadow:
        reach = max(1, round(0.05 * max(alpha.shape)))
        soft = cv2.blur(alpha, (2 * reach + 1, 2 * reach + 1))
        cast = np.zeros_like(soft)
        cast[reach:, reach:] = soft[:-reach, :-reach] if reach < min(soft.shape) else 0
        below *= (1 - shadow * cast)[..., None]
    canvas[layer.window] = np.clip(layer.pixels[..., :3] + below * (1 - alpha)[..., None] + 0.5, 0, 255).astype(
        np.uint8
    )
