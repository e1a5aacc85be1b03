"""Cuts: a film of one place in shots, each from another camera and at another time."""

from collections.abc import Iterator

from .chance import Stream, generator
from .settings import BLOCK, SceneSettings

CAMERAS = 2  # take turns, each before a background of its own
LATER = (3 * BLOCK, 8 * BLOCK)  # frames from shot to shot


def times(seed: int, settings: SceneSettings) -> Iterator[tuple[int, int]]:
    """Camera and time in the place, in frames, of one frame of the film after the other."""
    shot = skipped = 0
    for index in range(settings.frames):
        if settings.cut_frames and index and index % settings.cut_frames == 0:
            shot += 1
            skipped += int(generator(seed, Stream.CUT, shot).integers(*LATER))
        yield shot % CAMERAS, index + skipped


def cameras(settings: SceneSettings) -> int:
    """How many cameras there are."""
    return CAMERAS if settings.cut_frames else 1
