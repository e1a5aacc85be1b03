"""Copies of an object pasted beside it, which are not it: what has neighbours of its looks is told apart by place."""

import cv2
import numpy as np

MOST = 3  # of one object
LARGEST = 0.5  # of the picture's side: larger objects have none
AWAY = (0.7, 1.6)  # of the object's box: how far its copy is at first; below 1 they touch
STILL = 0.6  # probability that a copy shows the object as it was at first; else it does what the object does
PASSES = 0.5  # probability that it changes its place beside the object
WAY = (-2.0, 0.5)  # where it goes then, of how far it was; below -1 it is on the object's other side at last
IN_FRONT = 0.5  # probability that it hides what it passes
GAIN = 0.05  # standard deviation of its brightness; 1 is the object's
SOFT = (3, 3)  # pixels over which its edge is softened


def with_twins(window: np.ndarray, object_id: int, rng: np.random.Generator) -> np.ndarray:
    """A clip (T, S, S, 4) uint8 with up to `MOST` copies of an object that its first picture shows.

    Colours and labels, as `Clips` has them. The copies are labelled as one more thing, with an id of its own, and hide
    no object on the first picture. Objects that are large there, or cut off by the picture's edge, have none.
    """
    pixels = np.argwhere(window[0, ..., 3] == object_id)[:, ::-1]
    (low, high), last = (pixels.min(axis=0), pixels.max(axis=0)), window.shape[1] - 1
    extent = high - low + 1
    if low.min() == 0 or high.max() == last or extent.max() > LARGEST * last:
        return window
    twinned = window.copy()
    twin_id = int(np.setdiff1d(np.arange(1, 256), window[..., 3])[-1])
    for _ in range(int(rng.integers(1, MOST + 1))):
        angle = rng.uniform(0, 2 * np.pi)
        start = np.array((np.cos(angle), np.sin(angle))) * extent * rng.uniform(*AWAY)
        way = start * rng.uniform(*WAY) if rng.random() < PASSES else np.zeros(2)
        still, in_front, gain = rng.random() < STILL, rng.random() < IN_FRONT, rng.normal(1, GAIN)
        for time, share in enumerate(np.linspace(0, 1, len(window))):
            source = window[0 if still else time]
            _paste(twinned[time], source, (object_id, twin_id), start + share * way, gain, in_front and time > 0)
    return twinned


def _paste(
    frame: np.ndarray, source: np.ndarray, ids: tuple[int, int], offset: np.ndarray, gain: float, in_front: bool
) -> None:
    """Lay what ``source`` shows of an object into ``frame``, both (S, S, 4), ``offset`` (x, y) pixels away.

    ``ids``: the object's, the copy's.
    """
    size = frame.shape[:2]
    move = np.array([(1, 0, offset[0]), (0, 1, offset[1])])
    cover = (source[..., 3] == ids[0]).astype(np.float32)
    cover = np.asarray(cv2.warpAffine(cv2.blur(cover, SOFT), move, size))
    if not in_front:
        cover[frame[..., 3] > 0] = 0
    colours = cv2.warpAffine(
        cv2.convertScaleAbs(source[..., :3], alpha=gain), move, size, borderMode=cv2.BORDER_REPLICATE
    )
    frame[..., :3] = cv2.blendLinear(colours, np.ascontiguousarray(frame[..., :3]), cover, 1 - cover)
    frame[..., 3][cover >= 0.5] = ids[1]
