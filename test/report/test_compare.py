"""Two runs side by side: known differences, intervals against scipy, refusals, the page."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from helpers.evaluations import evaluation
from sam2_ros.errors import BagError, EvaluationError
from sam2_ros.evaluation.output import compare_runs
from sam2_ros.measures.record import Evaluation, Figures
from sam2_ros.report import bootstrap
from sam2_ros.report.bootstrap import paired_interval
from sam2_ros.report.compare import Comparison, Difference, compare
from sam2_ros.report.comparison import comparison_page, comparison_text
from sam2_ros.report.files import Run, write_run


def of(comparison: Comparison, name: str) -> Difference:
    return next(each for each in comparison.differences if each.name == name)


def clips(count: int, change: Callable[[float, int], float] = lambda value, index: value) -> list[Evaluation]:
    """Clips whose J mean is changed."""
    rng = np.random.default_rng(5)
    values = rng.uniform(0.3, 0.8, count).tolist()
    return [
        replace(evaluation(f"clip{index}", frames=3), figures=Figures(j_mean=change(value, index), nre=1 - value))
        for index, value in enumerate(values)
    ]


# --- interval --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [5, 40])
def test_the_interval_is_that_of_scipy(count: int) -> None:
    rng = np.random.default_rng(3)
    a = rng.uniform(0, 1, count)
    b = a + rng.normal(0.05, 0.1, count)
    ours = paired_interval(a, b)
    theirs = stats.bootstrap(
        (a, b),
        lambda first, second, axis: np.mean(second - first, axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=10_000,
        method="percentile",
        confidence_level=0.95,
        random_state=np.random.default_rng(1),  # newer SciPy calls it rng, and takes this, too
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * width)
    assert ours.mean == pytest.approx(np.mean(b - a))


def test_the_interval_covers_a_known_difference_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    inside = 0
    for _ in range(200):
        a = rng.uniform(0, 1, 60)
        interval = paired_interval(a, a + rng.normal(0.03, 0.05, 60))
        inside += interval.low <= 0.03 <= interval.high
    assert 0.90 <= inside / 200 <= 0.99  # 95 %, give or take what chance does to 200 trials


def test_the_same_runs_give_the_same_interval_in_any_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = np.random.default_rng(2).uniform(0, 1, (2, 30))
    once = paired_interval(a, b)
    monkeypatch.setattr(bootstrap, "CHUNK", 999)
    assert paired_interval(a, b) == once


def test_pairs_without_a_figure_do_not_count() -> None:
    a, b = np.array([0.1, 0.2, math.nan, 0.4]), np.array([0.2, math.nan, 0.3, 0.6])
    interval = paired_interval(a, b)
    assert (interval.mean, interval.count) == (pytest.approx(0.15), 2)
    nothing = paired_interval(a[2:3], b[2:3])
    assert nothing.count == 0
    assert not nothing.is_told
    assert not paired_interval(a[:1], b[:1]).is_told  # one pair says nothing of chance


# --- two runs --------------------------------------------------------------------------------------------------------


def test_a_known_difference_is_found() -> None:
    better = clips(30, lambda value, index: value + 0.05 + 0.02 * (-1) ** index)
    found = of(compare(clips(30), better), "j_mean")
    assert found.interval.low < 0.05 < found.interval.high
    assert found.b - found.a == pytest.approx(0.05)
    assert found.better == "B"
    assert of(compare(better, clips(30)), "j_mean").better == "A"


def test_less_of_an_error_is_better() -> None:
    a, b = clips(10), [replace(each, figures=replace(each.figures, nre=each.figures.nre / 2)) for each in clips(10)]
    assert of(compare(a, b), "nre").better == "B"


def test_identical_runs_do_not_differ() -> None:
    runs = [evaluation("a", 1), evaluation("b", 2)]
    comparison = compare(runs, runs)
    assert comparison.over == "clips"
    assert comparison.settings == ()
    for each in comparison.differences:
        assert (each.interval.mean, each.interval.low, each.interval.high, each.better) == (0, 0, 0, "")
    told = {each.name for each in fields(Figures) if not math.isnan(getattr(runs[0].figures, each.name))}
    assert {each.name for each in comparison.differences} == told


def test_noise_is_not_told() -> None:
    noise = np.random.default_rng(4).normal(0, 0.1, 30)
    noise -= noise.mean() - 0.001
    found = of(compare(clips(30), clips(30, lambda value, index: value + noise[index])), "j_mean")
    assert found.better == ""


def test_clips_are_paired_by_name_in_whatever_order() -> None:
    a = clips(5)
    assert compare(a, a[::-1]).differences == compare(a, a).differences
    assert [each.name for each in compare(a[::-1], a).clips] == [each.name for each in a[::-1]]


def test_of_one_clip_its_objects_are_resampled() -> None:
    a = evaluation(objects=5, better_by=0.0)
    b = evaluation(objects=5, better_by=0.05)
    comparison = compare([a], [b])
    assert (comparison.over, comparison.count) == ("objects", 5)
    assert of(comparison, "j_mean").better == "B"
    assert of(comparison, "j_mean").interval.count == 5
    latency = of(comparison, "latency_p50_ms")  # a figure of the clip, not of its objects
    assert (latency.a, latency.interval.count, latency.better) == (52.0, 1, "")
    assert any("one clip only" in note for note in comparison.notes)
    assert any("only 5 pairs" in note for note in comparison.notes)
    assert compare(clips(10), clips(10)).notes == ()


def test_other_clips_are_refused_by_name() -> None:
    with pytest.raises(EvaluationError, match="different clips: A has clip3, clip4, which B lacks"):
        compare(clips(5), clips(3))
    with pytest.raises(EvaluationError, match="B has clip2, clip3, clip4 and 4 more, which A lacks"):
        compare(clips(2), clips(9))
    with pytest.raises(EvaluationError, match="run B has no evaluated clips"):
        compare(clips(2), [])
    twice = [evaluation("a"), evaluation("a", 1)]
    with pytest.raises(EvaluationError, match="A has a, which B lacks"):
        compare(twice, twice[:1])


def test_clips_that_only_share_their_name_are_refused() -> None:
    a = evaluation()
    with pytest.raises(EvaluationError, match=r"kitchen is 64 x 48 pixels in A and 32 x 48 in B"):
        compare([a], [replace(a, width=32)])
    later = replace(a, rows=tuple(replace(row, stamp_ns=row.stamp_ns + 1) for row in a.rows))
    with pytest.raises(EvaluationError, match="no annotated frame in A that it has in B"):
        compare([a], [later])
    with pytest.raises(EvaluationError, match="no object of clip kitchen in common"):
        compare([a], [replace(a, objects=())])


def test_what_else_differs_is_said() -> None:
    a, b = evaluation(frames=20), evaluation(frames=30, objects=3)
    b = replace(b, settings=replace(b.settings, model="tiny", realtime=True))
    comparison = compare([a, replace(a, name="x")], [b, replace(a, name="x", settings=b.settings)])
    assert comparison.settings == (("model", "nano", "tiny"), ("realtime", "no", "yes"))
    assert comparison.notes[:2] == (
        "not on the same annotated frames: kitchen",
        "not with the same objects: kitchen",
    )


# --- to be read ------------------------------------------------------------------------------------------------------


def test_the_text_has_every_figure() -> None:
    comparison = compare(clips(12), clips(12, lambda value, index: value + 0.05 + 0.01 * (-1) ** index))
    (line,) = (line for line in comparison_text(comparison).splitlines() if line.startswith("J mean"))
    cells = re.split(r"\s{2,}", line)
    found = of(comparison, "j_mean")
    assert cells[1:4] == [f"{found.a:.3f}", f"{found.b:.3f}", "+0.050"]
    assert cells[4] == f"+{found.interval.low:.3f} .. +{found.interval.high:.3f}"
    assert cells[5] == "B"


def test_the_page_is_escaped_and_loads_nothing() -> None:
    runs = [replace(each, name=f"<b>{each.name}") for each in clips(3)]
    text = comparison_page(compare(runs, runs), "runs/<a>", "runs/b")
    assert "&lt;b&gt;clip0" in text
    assert "runs/&lt;a&gt;" in text
    assert "<b>clip0" not in text
    assert not re.search(r"https?://|url\(|@import|<script|<link", text)


def test_two_outputs_become_one_folder(tmp_path: Path) -> None:
    write_run(Run(tuple(clips(4))), tmp_path / "a.json")
    (tmp_path / "b").mkdir()
    write_run(Run(tuple(clips(4, lambda value, index: value / 2))), tmp_path / "b" / "evaluation.json")
    text = compare_runs(tmp_path / "a.json", tmp_path / "b", tmp_path / "out")
    content = json.loads((tmp_path / "out" / "comparison.json").read_text())
    differences = {
        row[content["differences"]["columns"].index("name")]: dict(
            zip(content["differences"]["columns"], row, strict=True)
        )
        for row in content["differences"]["rows"]
    }
    assert differences["j_mean"]["better"] == "A"
    assert differences["j_mean"]["interval"]["count"] == 4
    assert "J mean" in (tmp_path / "out" / "comparison.html").read_text()
    assert "4 clips" in text
    with pytest.raises(BagError, match="exists already"):
        compare_runs(tmp_path / "a.json", tmp_path / "b", tmp_path / "out")
