import hashlib
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace
from itertools import groupby

import cv2
import numpy as np
import pytest

from helpers import CHECKOUT
from sam2_ros.synthetic import SceneFrame, SceneSettings, scene, settings_for, visible_pixels
from sam2_ros.synthetic.stage import FIRST_SHARE_OF_OBJECT, FIRST_SHARE_OF_PICTURE

SIDE = 96
DIFFICULTIES = ("easy", "medium", "hard")
SEEDS = range(8)


def small(difficulty: str, frames: int = 40, **changes: float) -> SceneSettings:
    return replace(settings_for(difficulty), width=SIDE, height=SIDE, frames=frames, **changes)


def digest(seed: int, settings: SceneSettings) -> str:
    total = hashlib.sha256()
    for frame in scene(seed, settings):
        total.update(frame.image.tobytes() + frame.labels.tobytes() + repr((frame.visible, frame.boxes)).encode())
    return total.hexdigest()


@pytest.fixture(scope="module")
def hard_clips() -> list[list[SceneFrame]]:
    return [list(scene(seed, small("hard"))) for seed in SEEDS]


def test_a_seed_makes_the_same_scene_in_every_process():
    settings = small("hard", 4)
    code = (
        f"import sys; sys.path = {sys.path!r}; import cv2; cv2.setNumThreads(1)\n"
        "from test_scene import digest, small\n"
        "print(digest(3, small('hard', 4)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert digest(3, settings) == digest(3, settings) == done.stdout.strip()


def test_every_seed_and_every_setting_makes_another_scene():
    digests = {digest(seed, small("hard", 1)) for seed in SEEDS} | {digest(0, small("medium", 1))}
    assert len(digests) == len(SEEDS) + 1


def test_a_longer_scene_begins_like_a_shorter_one():
    short, long = (list(scene(5, small("hard", frames))) for frames in (3, 50))
    for a, b in zip(short, long, strict=False):
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.labels, b.labels)


def test_interleaved_scenes_do_not_influence_each_other():
    settings = small("medium", 3)
    pairs = list(zip(scene(1, settings), scene(2, settings), strict=True))
    for (first, second), alone, other in zip(pairs, scene(1, settings), scene(2, settings), strict=True):
        assert np.array_equal(first.image, alone.image)
        assert np.array_equal(second.image, other.image)


@pytest.mark.parametrize(("width", "height"), [(160, 90), (64, 128)])
def test_size_and_length_are_as_asked(width, height):
    frames = list(scene(0, replace(settings_for("hard"), width=width, height=height, frames=2)))
    assert len(frames) == 2
    for frame in frames:
        assert (frame.image.shape, frame.image.dtype) == ((height, width, 3), np.uint8)
        assert (frame.labels.shape, frame.labels.dtype) == ((height, width), np.uint8)
        assert frame.image.flags.c_contiguous
        assert frame.labels.flags.c_contiguous


def test_labels_visibility_and_boxes_say_the_same(hard_clips):
    least = visible_pixels(SIDE, SIDE)
    for frame in (frame for clip in hard_clips for frame in clip):
        assert len(frame.visible) == len(frame.boxes)
        assert set(np.unique(frame.labels)) <= set(range(len(frame.visible) + 1))
        for object_id, (visible, box) in enumerate(zip(frame.visible, frame.boxes, strict=True), start=1):
            rows, columns = np.nonzero(frame.labels == object_id)
            assert visible == (len(rows) >= least) == (box is not None)
            if box is None:
                assert len(rows) == 0
            else:
                assert box == (columns.min(), rows.min(), columns.max(), rows.max())


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_on_the_first_frame_every_object_shows(difficulty):
    settings = small(difficulty, 1)
    counts = set()
    for seed in SEEDS:
        frame = next(scene(seed, settings))
        counts.add(len(frame.visible))
        areas = np.bincount(frame.labels.ravel(), minlength=len(frame.visible) + 1)[1:]
        assert all(frame.visible)
        assert areas.min() >= FIRST_SHARE_OF_PICTURE * SIDE**2
        assert settings.objects_min <= len(areas) <= settings.objects_max
    assert len(counts) > 1
    assert 0.5 < FIRST_SHARE_OF_OBJECT <= 1


def absences(visible: list[bool]) -> list[int]:
    """Lengths of the times after which an object came back."""
    runs = [(seen, len(list(group))) for seen, group in groupby(visible)]
    return [length for seen, length in runs[:-1] if not seen]


def test_in_every_hard_scene_an_object_is_hidden_and_comes_back(hard_clips):
    for seed, clip in zip(SEEDS, hard_clips, strict=True):
        lengths = [n for states in zip(*(frame.visible for frame in clip), strict=True) for n in absences(list(states))]
        assert any(8 <= length <= 15 for length in lengths), f"seed {seed}: {lengths}"


def test_in_a_long_scene_hiding_goes_on():
    frames = [frame.visible for frame in scene(2, small("hard", 120, hidings=1, bars=0, distractors_max=1))]
    long = [n for states in zip(*frames, strict=True) for n in absences(list(states)) if n >= 8]
    assert len(long) >= 2


def test_the_length_of_hiding_is_a_setting():
    settings = small("hard", 40, hidings=1, hidden_frames_min=3, hidden_frames_max=3, bars=0, objects_max=2)
    for seed in range(4):
        states = zip(*(frame.visible for frame in scene(seed, settings)), strict=True)
        assert any(3 <= length <= 9 for visible in states for length in absences(list(visible)))


def test_easy_objects_stay_in_view():
    for seed in range(4):
        assert all(all(frame.visible) for frame in scene(seed, small("easy")))


def test_objects_and_camera_move(hard_clips):
    for clip in hard_clips:
        changed = np.mean([clip[0].labels != frame.labels for frame in clip[5:]])
        assert changed > 0.02
        difference = cv2.absdiff(cv2.blur(clip[0].image, (5, 5)), cv2.blur(clip[-1].image, (5, 5)))
        assert difference[(clip[0].labels == 0) & (clip[-1].labels == 0)].mean() > 4


def colour_histogram(pixels: np.ndarray) -> np.ndarray:
    """(8, 8, 8) of pixels (N, 3), a little smoothed."""
    counts, _ = np.histogramdd(pixels, bins=(8, 8, 8), range=((0, 256),) * 3)
    return cv2.blur(counts.reshape(8, 64), (1, 3)).reshape(8, 8, 8) + 1e-3


def found_by_colour(first: SceneFrame, later: SceneFrame) -> list[float]:
    """IoU of each object with the pixels whose colour it had more often than all else had, on the first frame."""
    scores = []
    bins = tuple((later.image // 32).reshape(-1, 3).T)
    for object_id in range(1, len(first.visible) + 1):
        mask, truth = first.labels == object_id, later.labels == object_id
        guess = colour_histogram(first.image[mask])[bins] > colour_histogram(first.image[~mask])[bins]
        guess = guess.reshape(truth.shape)
        if truth.any():
            scores.append(float((guess & truth).sum() / (guess | truth).sum()))
    return scores


def test_colour_alone_does_not_give_hard_objects_away():
    found = {}
    for difficulty in ("easy", "hard"):
        clips = [list(scene(seed, small(difficulty, 6))) for seed in range(10)]
        found[difficulty] = np.mean([score for clip in clips for score in found_by_colour(clip[0], clip[-1])])
    assert found["hard"] < 0.15
    assert found["hard"] < found["easy"] - 0.1


def test_memory_does_not_grow_with_length():
    frames = scene(1, small("hard", 400))
    for _ in range(20):
        next(frames)
    tracemalloc.start()
    for _ in range(10):
        next(frames)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(40):
        next(frames)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 200_000  # keeping the frames would be 1.5 MB


def test_it_is_fast_enough_to_train_from():
    settings = replace(settings_for("hard"), objects_min=3, objects_max=3, frames=12)
    started = time.process_time()
    assert sum(1 for _ in scene(0, settings)) == 12
    # A quarter of a second on a free core; this is to catch something that is slower by an order of magnitude.
    assert time.process_time() - started < 3
