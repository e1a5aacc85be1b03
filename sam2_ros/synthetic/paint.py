"""Painting one layer over a picture: outline, texture, shade at its rim, shadow below it, motion blur."""

from dataclasses import dataclass

import cv2
import numpy as np

SUBPIXEL_BITS = 4
MAX_BLUR = 15  # pixels
LEAST_BLUR = 1.5  # what is shorter cannot be seen
HALF_COVERED = 128  # of 255: from here on a pixel belongs to the layer


@dataclass(frozen=True, slots=True, eq=False)
class Skin:
    """What a layer looks like."""

    texture: np.ndarray  # (S, S, 3) uint8 RGB
    rim: float  # how much darker its edge is than its middle, 0 to 1
    shadow: float  # how dark the shadow it casts is, 0 to 1


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """The part of the picture that a layer covers."""

    left: int
    top: int
    cover: np.ndarray  # (h, w) uint8, 0 to 255

    @property
    def window(self) -> tuple[slice, slice]:
        """Its rows and columns in the picture."""
        height, width = self.cover.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def cover(outline: np.ndarray, width: int, height: int, margin: int = 0) -> Patch | None:
    """Which pixels of a picture lie inside an outline (K, 2); None when none does. ``margin``: around, in pixels."""
    low = np.floor(outline.min(axis=0)).astype(int) - 1 - margin
    high = np.ceil(outline.max(axis=0)).astype(int) + 2 + margin
    left, top = int(max(low[0], 0)), int(max(low[1], 0))
    right, bottom = int(min(high[0], width)), int(min(high[1], height))
    if right <= left or bottom <= top:
        return None
    inside = np.zeros((bottom - top, right - left), dtype=np.uint8)
    corners = np.round((outline - (left, top)) * 2**SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(inside, [corners], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    return Patch(left, top, inside)


def paint(canvas: np.ndarray, outline: np.ndarray, skin: Skin, matrix: np.ndarray, motion: np.ndarray) -> Patch | None:
    """Paint a layer and return which pixels it covers in the middle of the exposure.

    ``canvas``: (H, W, 3) uint8; ``matrix``: (2, 3) from pixels of the texture to those of the picture;
    ``motion``: (2,) pixels that it moves while the shutter is open.
    """
    height, width = canvas.shape[:2]
    softness = _softness(outline, width, height)
    blur = line_kernel(motion)
    margin = max(2 * softness, 0 if blur is None else len(blur) // 2)
    patch = cover(outline, width, height, margin)
    if patch is None:
        return None
    side = 2 * softness + 1
    alpha, soft = patch.cover, cv2.blur(patch.cover, (side, side), borderType=cv2.BORDER_REPLICATE)
    # The same softened outline, moved down and to the right, is its shadow.
    shadow = np.zeros_like(soft)
    shadow[softness:, softness:] = soft[:-softness, :-softness]
    below = _darkened(canvas[patch.window], 255 - skin.shadow * shadow)
    colour = _darkened(_textured(skin.texture, matrix, patch), 255 - skin.rim * (255.0 - soft))
    if blur is not None:
        # The texture goes on beyond the outline, so colour and cover can be blurred apart.
        colour = cv2.filter2D(colour, -1, blur, borderType=cv2.BORDER_REPLICATE)
        alpha = cv2.filter2D(alpha, -1, blur, borderType=cv2.BORDER_REPLICATE)
    weight = alpha.astype(np.float32) * np.float32(1 / 255)
    canvas[patch.window] = cv2.blendLinear(colour, below, weight, 1 - weight)
    return patch


def _softness(outline: np.ndarray, width: int, height: int) -> int:
    """Pixels over which rim and shadow fade: larger for larger layers."""
    size = float(np.sqrt(cv2.contourArea(outline.astype(np.float32))))
    return int(np.clip(round(0.12 * size), 2, max(2, min(width, height) // 24)))


def _darkened(pixels: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Pixels (h, w, 3) uint8 times a share (h, w), of 255."""
    share8 = share.astype(np.uint8)
    return np.asarray(cv2.multiply(pixels, cv2.merge((share8, share8, share8)), scale=1 / 255))


def _textured(texture: np.ndarray, matrix: np.ndarray, patch: Patch) -> np.ndarray:
    """(h, w, 3) uint8: the texture where the patch is."""
    moved = matrix - np.array([(0, 0, patch.left), (0, 0, patch.top)])
    height, width = patch.cover.shape
    return np.asarray(
        cv2.warpAffine(texture, moved, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    )


def line_kernel(motion: np.ndarray) -> np.ndarray | None:
    """The mean along a motion (2,) in pixels, for cv2.filter2D; None when it is too short to be seen."""
    length = float(np.hypot(*motion))
    if length < LEAST_BLUR:
        return None
    half = motion * (min(length, MAX_BLUR - 1) / length / 2)
    radius = int(np.ceil(np.abs(half).max()))
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1), dtype=np.float32)
    ends = np.round((np.stack((-half, half)) + radius) * 2**SUBPIXEL_BITS).astype(int).tolist()
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_8, SUBPIXEL_BITS)
    return kernel / kernel.sum()
