"""What one step trains on: parts of clips, some of their objects, cut out, turned and recoloured."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from .clips import Clips
from .config import StageConfig, TrainingError
from .twins import with_twins

LEAST_SHARE = 1 / 1000  # of the picture: an object that shows less is not asked for
ATTEMPTS = 50  # to find a clip with an object to ask for
RETURN_ATTEMPTS = 12  # to find one in which an object comes back; then any will do
LONGEST_JUMP = 12  # frames that a jump leaves out at most: after it all but the prompted memories are old or gone


@dataclass(frozen=True, slots=True)
class Batch:
    """T frames of C clips, and N objects that are seen in the first frame of theirs."""

    numbers: tuple[int, ...]  # T, of the frames, from 0; those that a jump leaves out are counted
    images: Tensor  # (T, C, 3, S, S) uint8
    labels: Tensor  # (T, C, S, S) uint8, 0 background, else the object's id in its clip
    clip: Tensor  # (N,) which clip an object is in
    ids: Tensor  # (N,) uint8

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        return Batch(self.numbers, *(t.to(device) for t in (self.images, self.labels, self.clip, self.ids)))

    @property
    def masks(self) -> Tensor:
        """Of the objects, (T, N, S, S) bool."""
        return self.labels[:, self.clip] == self.ids[:, None, None]


def draw_batch(clips: Clips, stage: StageConfig, size: int, rng: np.random.Generator) -> Batch:
    """A batch by chance of pictures of ``size`` pixels a side.

    Raises TrainingError when the clips hold no object that could be asked for.
    """
    numbers = _draw_numbers(stage, int(clips.lengths.max()), rng)
    images, labels, owners, ids = [], [], [], []
    for index in range(stage.clips):
        window, objects = _draw_window(clips, stage, numbers, size, rng)
        natural = stage.natural > 0 and rng.random() < stage.natural
        window = _mirrored(window, rng) if natural else _turned(window, rng)
        relit = _relit(window[..., :3], rng)
        images.append(relit if natural else relit[:, rng.permutation(3)])
        labels.append(window[..., 3])
        owners += [index] * len(objects)
        ids += objects
    return Batch(
        tuple(numbers.tolist()),
        torch.from_numpy(np.stack(images, axis=1)),
        torch.from_numpy(np.stack(labels, axis=1)),
        torch.tensor(owners),
        torch.tensor(ids, dtype=torch.uint8),
    )


def _draw_numbers(stage: StageConfig, clip_frames: int, rng: np.random.Generator) -> np.ndarray:
    """(T,) numbers of the frames to take out of ``clip_frames``; jumps for which there is no room are not made."""
    jumps = rng.integers(1, LONGEST_JUMP + 1, stage.frames - 1) * (rng.random(stage.frames - 1) < stage.jumps)
    jumps[np.cumsum(jumps) > clip_frames - stage.frames] = 0
    return np.concatenate(([0], np.cumsum(1 + jumps)))


def _draw_window(
    clips: Clips, stage: StageConfig, numbers: np.ndarray, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, list[int]]:
    """(T, size, size, 4) uint8 and the ids of the objects to ask for."""
    wants_return = rng.random() < stage.returns
    long_enough = np.flatnonzero(clips.lengths > numbers[-1] * min(stage.strides))
    for attempt in range(ATTEMPTS if len(long_enough) else 0):
        clip = clips[int(rng.choice(long_enough))]
        stride = int(rng.choice([stride for stride in stage.strides if numbers[-1] * stride < len(clip)]))
        start = int(rng.integers(len(clip) - numbers[-1] * stride))
        backwards = rng.random() < 0.5  # a film run backwards is a film
        times = start + stride * (numbers[-1] - numbers if backwards else numbers)
        anchors = _shown(clip[times[0], ..., 3])
        if wants_return and attempt < RETURN_ATTEMPTS:
            anchors = _returning(clip[times, ..., 3], anchors)
        if not len(anchors):
            continue
        anchor = int(rng.choice(anchors))
        y, x, side = _draw_crop(clip[times[0], ..., 3] == anchor, size, stage.widest, rng)
        window = np.stack([_resized(clip[time, y : y + side, x : x + side], size) for time in times])
        candidates = _shown(window[0, ..., 3])
        if anchor in candidates:
            others = rng.permutation(candidates[candidates != anchor])[: stage.objects - 1]
            if stage.twins and rng.random() < stage.twins:
                window = with_twins(window, anchor, rng)
            return window, sorted([anchor, *map(int, others)])
    raise TrainingError(
        f"{ATTEMPTS} clips drawn for the stage {stage.name} had no object in {stage.frames} frames; give other data"
    )


def _shown(labels: np.ndarray) -> np.ndarray:
    """Ids of the objects that show enough of themselves in (S, S)."""
    counts = np.bincount(labels.ravel())
    counts[0] = 0
    return np.flatnonzero(counts >= LEAST_SHARE * labels.size)


def _returning(labels: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """Of some objects those that are in (T, S, S) at first, then not at all, and at last again."""
    here = np.stack([np.bincount(frame.ravel(), minlength=256)[objects] > 0 for frame in labels])  # (T, objects)
    gone = np.maximum.accumulate(~here, axis=0)
    return objects[(gone & here).any(axis=0)]


def _draw_crop(anchor: np.ndarray, size: int, widest: float, rng: np.random.Generator) -> tuple[int, int, int]:
    """Corner y, x and side of a square that holds a pixel of ``anchor`` (S, S) bool; 1 to ``widest`` times ``size``."""
    whole = anchor.shape[0]
    side = int(rng.integers(size, int(min(whole, widest * size)) + 1))
    pixels = np.argwhere(anchor)
    centre = pixels[rng.integers(len(pixels))]
    low, high = np.clip(centre - side + 1, 0, whole - side), np.clip(centre, 0, whole - side)
    y, x = rng.integers(low, high + 1)
    return int(y), int(x), side


def _resized(picture: np.ndarray, size: int) -> np.ndarray:
    """(side, side, 4) uint8 to (size, size, 4): pixels by area, labels by the nearest."""
    if len(picture) == size:
        return picture
    pixels = cv2.resize(picture[..., :3], (size, size), interpolation=cv2.INTER_AREA)
    return np.dstack((pixels, cv2.resize(picture[..., 3], (size, size), interpolation=cv2.INTER_NEAREST_EXACT)))


def _turned(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The window mirrored and with its axes exchanged, or not."""
    flip_x, flip_y, exchange = rng.random(3) < 0.5
    if flip_x:
        window = window[:, :, ::-1]
    if flip_y:
        window = window[:, ::-1]
    return window.transpose(0, 2, 1, 3) if exchange else window


def _mirrored(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The window mirrored left to right, or not."""
    return window[:, :, ::-1] if rng.random() < 0.5 else window


def _relit(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brightness and contrast changed, alike in all frames: (T, S, S, 3) uint8 to (T, 3, S, S)."""
    gain, offset = rng.uniform(0.75, 1.25), rng.uniform(-25, 25)
    table = np.clip((np.arange(256) - 128) * gain + 128 + offset, 0, 255).astype(np.uint8)
    return np.stack([cv2.LUT(images[..., channel], table) for channel in range(3)], axis=1)
