"""Label images made from a seed with whole numbers alone, so that every machine makes the same."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelClip:
    """What is true and what was found, both (T, H, W) uint8 of ids, 0 background."""

    truth: np.ndarray
    found: np.ndarray


def label_clip(seed: int, frames: int, objects: int, height: int, width: int, kind: str) -> LabelClip:
    """Ellipses that drift, and ellipses beside them with holes in them.

    ``kind``: plain; gaps: objects are missing on some frames of either; wild: far beside; late: the last object comes
    after some frames, and is found before that; edges: masks that fill the picture, touch its border or are a pixel.
    """
    rng = np.random.default_rng(seed)
    clip = LabelClip(*(np.zeros((frames, height, width), np.uint8) for _ in range(2)))
    for object_id in range(1, objects + 1):
        _draw(rng, clip, object_id, kind)
    if kind == "late":
        clip.truth[: frames // 3][clip.truth[: frames // 3] == objects] = 0
        clip.found[: frames // 5][clip.found[: frames // 5] == objects] = 0
    if kind == "edges":
        _edges(clip)
    return clip


def _draw(rng: np.random.Generator, clip: LabelClip, object_id: int, kind: str) -> None:
    frames, height, width = clip.truth.shape
    at = rng.integers((0, 0), (width, height))
    speed = rng.integers(-3, 4, 2)
    radii = rng.integers(2, max(4, min(height, width) // 3), 2)
    spread = 12 if kind == "wild" else 3
    missing = 3 if kind in ("gaps", "late") else 1_000_000
    for t in range(frames):
        centre = at + t * speed
        mask = _ellipse(height, width, centre, radii)
        aside = centre + rng.integers(-spread, spread + 1, 2)
        answer = _ellipse(height, width, aside, np.maximum(radii + rng.integers(-2, 3, 2), 1))
        answer &= rng.integers(0, 50, (height, width)) > 0
        if not t or rng.integers(missing) or missing > 3:
            clip.truth[t][mask] = object_id
        if rng.integers(missing) or missing > 3:
            clip.found[t][answer] = object_id


def _ellipse(height: int, width: int, centre: np.ndarray, radii: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    (cx, cy), (a, b) = centre.tolist(), radii.tolist()
    inside: np.ndarray = (x - cx) ** 2 * b**2 + (y - cy) ** 2 * a**2 < a**2 * b**2
    return inside


def _edges(clip: LabelClip) -> None:
    """Truth and prediction run through the same list at different speeds, so that all pairs meet."""
    frames = len(clip.truth)
    for t in range(1, frames):
        _edge(clip.truth[t], t % 6)
        _edge(clip.found[t], t // 6 % 6)


def _edge(pixels: np.ndarray, which: int) -> None:
    pixels[:] = 0
    if which == 1:
        pixels[:] = 1
    elif which == 2:
        pixels[-2:, -2:] = 1
    elif which == 3:
        pixels[:3] = 1
    elif which == 4:
        pixels[5:8, :] = 1
    elif which == 5:
        pixels[:, 1:4] = 1
