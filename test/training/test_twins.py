"""Copies of an object beside it: they look like it, are another thing, and hide nothing when the object is prompted."""

from pathlib import Path

import numpy as np
import pytest

from training.batch import draw_batch
from training.clips import Clips
from training.config import StageConfig
from training.twins import with_twins

RED, GREEN, GREY = (230, 20, 20), (20, 230, 20), (120, 120, 120)


def square_clip(corner: int = 40, side: int = 16) -> np.ndarray:
    """(6, 96, 96, 4) uint8: object 2, a red square that moves to the right, below object 5, a green bar."""
    clip = np.zeros((6, 96, 96, 4), np.uint8)
    clip[..., :3] = GREY
    clip[:, 30:34, :, :3], clip[:, 30:34, :, 3] = GREEN, 5
    for time, frame in enumerate(clip):
        left = corner + 2 * time
        frame[corner : corner + side, left : left + side] = (*RED, 2)
    return clip


def red(images: np.ndarray) -> np.ndarray:
    """(..., S, S) bool where (..., S, S, 3) is reddish."""
    return np.asarray((images[..., 0] > 150) & (images[..., 1] < 70))


@pytest.mark.parametrize("seed", range(8))
def test_twins_look_like_the_object_and_are_another_thing(seed: int) -> None:
    clip = square_clip()
    twinned = with_twins(clip, 2, np.random.default_rng(seed))
    labels = twinned[..., 3]
    assert (red(twinned[..., :3]) & (labels != 2)).sum(axis=(1, 2)).min() > 40, "there is more red than the object"
    assert set(labels[labels != clip[..., 3]]) == {255}, "what a twin covers is no object's"
    asked = clip[0, ..., 3] > 0
    np.testing.assert_array_equal(twinned[0][asked], clip[0][asked], "nothing is hidden when it is prompted")
    assert (clip == square_clip()).all(), "the clip itself stays as it is"


def test_some_twins_hide_what_they_pass_later() -> None:
    hidden = [(with_twins(square_clip(), 2, np.random.default_rng(seed))[-1, ..., 3] == 2).sum() for seed in range(30)]
    assert max(hidden) == 256
    assert min(hidden) < 200


@pytest.mark.parametrize("clip", [square_clip(corner=0), square_clip(corner=20, side=60)])
def test_objects_cut_off_and_large_ones_have_none(clip: np.ndarray) -> None:
    for seed in range(5):
        np.testing.assert_array_equal(with_twins(clip, 2, np.random.default_rng(seed)), clip)


@pytest.mark.parametrize(("twins", "there"), [(0.0, False), (1.0, True)])
def test_a_stage_says_how_many_clips_have_twins(tmp_path: Path, twins: float, there: bool) -> None:
    np.save(tmp_path / "clip.npy", np.where(square_clip()[..., 3:] == 5, (*GREY, 0), square_clip()).astype(np.uint8))
    stage = StageConfig("few", 1, 1, 1, 3, (1e-3, 1e-3), natural=1.0, twins=twins)
    batch = draw_batch(Clips([tmp_path / "clip.npy"]), stage, 96, np.random.default_rng(3))
    images = batch.images[:, 0].permute(0, 2, 3, 1).numpy()
    outside = (images[..., 0].astype(int) > images[..., 1] + 80) & (batch.labels[:, 0].numpy() != 2)
    assert outside.any() == there
