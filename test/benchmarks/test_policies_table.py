"""The benchmark of memory policies: what is done stays done, and what the table says."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import policies
from helpers.evaluations import evaluation
from helpers.real_clips import write_real_clip
from policies import KINDS, Task, table, work
from sam2_ros.config import ModelChoice
from sam2_ros.measures.figures import overall
from sam2_ros.synthetic import settings_for


def test_a_clip_that_is_done_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(settings_for("easy"), width=64, height=64, frames=4)
    choice = ModelChoice("nano", device="cpu", image_size=128)
    task = Task(tmp_path, "seed_7", ("official", "distractor"), choice, 7, settings)
    first = work(task)
    assert [each.settings.memory_policy for each in first] == ["official", "distractor"]
    assert all(each.figures.j_and_f > 0.5 for each in first)
    monkeypatch.setattr(policies, "load_network", lambda _: pytest.fail("loaded again"))
    assert repr(work(task)) == repr(first)


def test_of_a_real_clip_all_frames_with_truth_count_but_the_first(tmp_path: Path) -> None:
    """What is unclear there is no object, and nothing is wrong about it."""
    task = Task(
        tmp_path / "work", "one", ("official",), ModelChoice("nano", device="cpu"), real=write_real_clip(tmp_path)
    )
    (found,) = work(task)
    told = [(row.frame, row.object_id, row.counted) for row in found.rows]
    assert told == [(0, 1, False), (0, 2, False), (2, 1, True), (2, 2, True), (5, 1, True), (5, 2, True)]
    assert found.figures.j_mean == pytest.approx(sum(row.region for row in found.rows if row.counted) / 4)
    assert found.figures.j_mean > 0.8


def test_absences_have_room_in_their_clips() -> None:
    for frames in (10, 30, 100):
        settings = KINDS[f"absence-{frames}"]
        assert (settings.absent_frames_min, settings.absent_frames_max) == (frames, frames)
        assert settings.frames > frames + 50


def test_what_a_robot_sees_that_goes_by_confirmed_objects() -> None:
    clip = evaluation("clip", frames=6, objects=1)
    told = [  # in view, state, J
        (True, "CONFIRMED", 0.9),
        (True, "CONFIRMED", 0.5),  # of something else
        (True, "UNSURE", 0.9),
        (True, "ABSENT", 0.0),
        (False, "CONFIRMED", 0.0),
        (False, "LOST", 1.0),
    ]
    rows = tuple(
        replace(row, visible=visible, state=state, region=region)
        for row, (visible, state, region) in zip(clip.rows, told, strict=True)
    )
    assert (policies.seen([replace(clip, rows=rows)]), policies.ghosts([replace(clip, rows=rows)])) == (1 / 4, 1 / 2)


def test_the_table_has_figures_and_differences_with_their_interval() -> None:
    worse = [evaluation(f"clip {seed}", seed) for seed in range(5)]
    better = [evaluation(f"clip {seed}", seed, better_by=0.1) for seed in range(5)]
    text = table("easy", {"official": worse, "distractor": better})
    head, _, names, _, first, second = text.splitlines()
    assert head == "easy: 5 clips, 10 objects"
    assert names.startswith("| | J&F | quality | accuracy | robustness | NRE | DRE | ADQ | seen | ghosts |")
    assert first.split("|")[2].strip() == f"{overall(worse).j_and_f:.3f}"
    difference = f"{overall(better).j_and_f - overall(worse).j_and_f:+.3f}"
    told = re.search(r"\| (\S+) \((\S+) \.\. (\S+)\) \|$", second)
    assert told is not None
    mean, low, high = told.groups()
    assert float(low) <= float(mean) <= float(high)
    assert mean == difference
    assert float(low) > 0


def test_a_difference_of_one_clip_has_no_interval_and_is_not_told() -> None:
    clip = evaluation("clip", frames=6, objects=1)
    assert "nan" not in table("kind", {"official": [clip], "distractor": [clip]})
