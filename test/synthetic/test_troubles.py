"""What may go wrong in a scene besides its difficulty: look-alikes that cross, absences, cuts, crowds."""

from dataclasses import replace
from itertools import groupby, pairwise

import cv2
import numpy as np
import pytest

from sam2_ros.errors import ConfigError
from sam2_ros.synthetic import TROUBLES, SceneFrame, SceneSettings, changed, scene, settings_for
from sam2_ros.synthetic.crossing import CrossingPath
from sam2_ros.synthetic.looks import Looks
from sam2_ros.synthetic.stage import draw_stage

SIDE = 96
SEEDS = range(4)


def small(name: str, **changes: float) -> SceneSettings:
    return replace(settings_for(name), width=SIDE, height=SIDE, **changes)


def seen(frames: list[SceneFrame]) -> list[list[tuple[bool, int]]]:
    """Of each object, in turns: whether it is in view, and for how many frames."""
    states = zip(*(frame.visible for frame in frames), strict=True)
    return [[(state, len(list(group))) for state, group in groupby(visible)] for visible in states]


# --- by name ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("difficulty", ["easy", "hard"])
def test_a_trouble_changes_what_it_names_and_keeps_the_rest(difficulty: str, trouble: str) -> None:
    plain, troubled = settings_for(difficulty), settings_for(f"{difficulty}+{trouble}")
    assert troubled == replace(plain, **TROUBLES[trouble]) != plain


def test_troubles_come_together() -> None:
    both = settings_for("hard+absence+cut")
    assert (both.absences, both.cut_frames, both.deform) == (2, 20, settings_for("hard").deform)


@pytest.mark.parametrize("name", ["distractors", "easy+rain", "easy+", "cut+easy"])
def test_what_is_no_trouble(name: str) -> None:
    with pytest.raises(ConfigError, match=r"unknown difficulty .* easy, medium, hard, .* \+absence .*hard\+distract"):
        settings_for(name)


def test_settings_by_text() -> None:
    settings = changed(settings_for("easy+absence"), ["absent_frames_max=30", "return_scale=0.1"])
    assert (settings.absent_frames_max, settings.return_scale) == (30, 0.1)
    for wrong, sentence in (
        ("absence=3", "unknown scene setting 'absence'; choose one of width, "),
        ("frames=2.5", r"scene setting frames is '2\.5'; choose a whole number"),
        ("light=bright", "scene setting light is 'bright'; choose a number"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            changed(settings, [wrong])


@pytest.mark.parametrize("trouble", TROUBLES)
def test_troubled_scenes_are_the_same_every_time_and_begin_like_shorter_ones(trouble: str) -> None:
    long = list(scene(3, small(f"hard+{trouble}", frames=50)))
    short = list(scene(3, small(f"hard+{trouble}", frames=30)))
    for a, b in zip(short, long, strict=False):
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.labels, b.labels)
    other = next(scene(4, small(f"hard+{trouble}", frames=1)))
    assert not np.array_equal(other.image, short[0].image)


# --- look-alikes that cross ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_every_look_alike_crosses_its_object_in_every_block_and_parts_from_it(seed: int) -> None:
    settings = small("hard+distractors", sway=0.0)
    stage = draw_stage(seed, settings)
    crossing = [actor for actor in stage.actors if isinstance(actor.path, CrossingPath)]
    assert settings.crossings_min <= len(crossing) <= settings.crossings_max
    for actor in crossing:
        model = next(other for other in stage.actors if other.number == actor.model)
        assert model.object_id > 0
        for block in range(2):
            times = np.arange(40 * block, 40 * block + 40)
            ways = [(actor.path.at(time)[0], model.path.at(time)[0]) for time in times.tolist()]
            apart = np.array([np.hypot(*(a - b)) for a, b in ways]) / (actor.radius + model.radius)
            assert apart.min() < 0.75  # over each other
            assert apart.max() > 1.1  # beside each other
            steps = np.hypot(*np.diff([a for a, _ in ways], axis=0).T)
            assert steps.max() < 0.2  # it goes there, and does not jump


def test_a_look_alike_looks_like_its_object() -> None:
    settings = small("hard+distractors", objects_max=1)
    stage = draw_stage(5, settings)
    looks = Looks(5, settings, stage)
    model = next(actor for actor in stage.actors if actor.object_id)
    pattern = looks.skin(model)[0].texture
    twins = [actor for actor in stage.actors if actor.twin]
    assert len(twins) >= settings.crossings_min
    for twin in twins:
        other = looks.skin(twin)[0].texture
        assert np.abs(other.mean(axis=(0, 1)) / pattern.mean(axis=(0, 1)) - 1).max() < 0.1
        assert not np.array_equal(other, pattern)
        assert np.array_equal(twin.shape.outline(0), model.shape.points)  # type: ignore[union-attr]
        assert not np.array_equal(twin.shape.outline(20), model.shape.outline(20))


# --- absences --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [10, 30, 100])
def test_what_leaves_is_out_of_view_for_as_long_as_asked_and_comes_back(frames: int) -> None:
    held = {"absent_frames_min": frames, "absent_frames_max": frames}
    settings = small("easy+absence", frames=frames + 50, objects_max=1, **held)
    for seed in SEEDS:
        for turns in seen(list(scene(seed, settings))):
            away = [length for state, length in turns if not state]
            assert len(away) == 1
            assert frames <= away[0] <= frames + 12
            assert turns[0][0]
            assert turns[0][1] >= 14
            assert turns[-1][0]
            assert turns[-1][1] >= 10


def test_it_comes_back_elsewhere_and_at_another_size() -> None:
    settings = small("easy+absence", frames=80, absent_frames_max=10, objects_max=1, zoom=0.0, scale_change=0.0)
    moved, grown = [], []
    for seed in range(12):
        frames = [frame for frame in scene(seed, settings) if frame.visible[0]]
        masks = [(frame.labels == 1).astype(np.uint8) for frame in (frames[0], frames[-1])]
        before, after = (cv2.moments(mask, binaryImage=True) for mask in masks)
        middles = [np.array([m["m10"], m["m01"]]) / m["m00"] for m in (before, after)]
        moved.append(np.hypot(*(middles[1] - middles[0])) / SIDE)
        grown.append(after["m00"] / before["m00"])
    assert np.mean(moved) > 0.2
    assert min(grown) < 0.8
    assert max(grown) > 1.25


def test_lengths_of_absence_are_drawn_from_their_range() -> None:
    settings = small("easy+absence", frames=400, absent_frames_max=60, objects_max=1)
    away = {n for seed in range(3) for turns in seen(list(scene(seed, settings))) for state, n in turns if not state}
    assert min(away) < 30 < max(away)


# --- cuts and crowds -------------------------------------------------------------------------------------------------


def test_a_cut_changes_the_picture_at_once_and_keeps_the_objects() -> None:
    settings = small("hard+cut", frames=60, bars=0)
    for seed in SEEDS:
        frames = list(scene(seed, settings))
        grey = [cv2.blur(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), (5, 5)) for frame in frames]
        changes = [float(cv2.absdiff(a, b).mean()) for a, b in pairwise(grey)]
        cuts = {place + 1 for place in np.argsort(changes)[-2:].tolist()}
        assert cuts == {20, 40}
        later = np.array([frame.visible for frame in frames[20:]])
        assert later.any(axis=0).all()


def test_without_cuts_nothing_jumps() -> None:
    frames = [frame.image.astype(float) for frame in scene(1, small("hard", frames=60))]
    changes = [np.abs(a - b).mean() for a, b in pairwise(frames)]
    assert max(changes) < 4 * np.median(changes)


def test_a_crowd_is_many_of_a_kind() -> None:
    settings = small("hard+crowd")
    for seed in SEEDS:
        stage = draw_stage(seed, settings)
        alike = [actor for actor in stage.actors if actor.twin]
        assert len(alike) >= 8
        assert {actor.model for actor in alike} <= {actor.number for actor in stage.actors if actor.object_id}
