"""The page: self-contained, escaped, complete; what is shown of which frame; plots."""

import base64
import itertools
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers.evaluations import SECOND, START_NS, evaluation, pictures
from sam2_ros.errors import BagError
from sam2_ros.measures.record import Evaluation, Failed, Figures, FramePictures, Row
from sam2_ros.report.charts import course_chart, memory_chart
from sam2_ros.report.files import read_run
from sam2_ros.report.page import page, write_report
from sam2_ros.report.series import courses, span_s
from sam2_ros.report.ticks import ticks
from sam2_ros.report.wording import columns, play
from sam2_ros.report.worst import MISSED, RIGHT, TOO_MUCH, WIDTH, Place, paint, worst_places

VOID = {"meta", "img", "br", "link", "input"}


def look(clip: Evaluation, stamps: Collection[int]) -> Iterator[FramePictures]:
    return (pictures(clip, stamp) for stamp in sorted(stamps))


class Page(HTMLParser):
    """Every tag with its attributes, and the text; refuses tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = page([evaluation(), evaluation("yard", 1)], [], look)
    found = Page(text)
    assert {name for name, _ in found.tags} & {"link", "iframe", "object", "embed"} == set()
    assert all((image["src"] or "").startswith("data:image/jpeg;base64,") for image in found.all("img"))
    assert all((link["href"] or "").startswith("#") for link in found.all("a"))
    assert all("src" not in script for script in found.all("script"))
    assert not re.search(r"https?://|url\(|@import", text)


def test_every_link_leads_somewhere() -> None:
    found = Page(page([evaluation(), evaluation("yard", 1)], [Failed("x", "y")], look))
    places = {attributes.get("id") for _, attributes in found.tags}
    assert {(link["href"] or "")[1:] for link in found.all("a")} <= places


def test_names_are_escaped() -> None:
    clip = replace(evaluation("<script>alert(1)</script>"), notes=("a <b> & c",))
    text = page([clip], [Failed("<img src=x>", 'no "bag" <here>')], look)
    found = Page(text)
    assert "<script>alert" not in text
    assert len(found.all("script")) == 1
    assert all(image["src"] != "x" for image in found.all("img"))
    assert "<script>alert(1)</script>" in found.text
    assert "a <b> & c" in found.text
    assert 'no "bag" <here>' in found.text
    assert any("door <b>" in (svg.get("aria-label") or "") for svg in found.all("svg"))


def test_figures_stand_in_the_page() -> None:
    clips = [evaluation("kitchen"), evaluation("yard", 1, objects=3)]
    found = Page(page(clips, [], look))
    for clip in clips:
        assert f"{clip.figures.j_and_f:.3f}" in found.text
        for each in clip.objects:
            assert f"{each.figures.j_mean:.3f}" in found.text
    assert "ids of truth and prediction were taken as equal" in found.text
    assert "first-box" in found.text
    assert "nan" not in found.text.lower().replace("nano", "")


def test_offline_figures_stand_beside_those_at_speed() -> None:
    clip = replace(evaluation(), offline=Figures(j_and_f=0.9876))
    assert "0.988" in Page(page([clip], [], look)).text
    assert "no frame dropped" not in Page(page([evaluation()], [], look)).text.split("Figures", 2)[2]


def test_a_run_in_which_all_failed_has_a_page() -> None:
    found = Page(page([], [Failed("bags/a", "it is truncated")], look))
    assert "bags/a" in found.text
    assert "it is truncated" in found.text


def test_a_clip_without_scores_latencies_or_rows_has_a_page() -> None:
    clip = replace(evaluation(), rows=(), latencies_s=(), mask_score_bins=(), visibility_bins=())
    assert "no published scores" in Page(page([clip], [], look)).text


def test_worst_frames_say_where_they_are_in_the_bag() -> None:
    clip = evaluation(frames=90)
    text = Page(page([clip], [], look)).text
    worst = worst_places([clip])[0].row
    offset = (worst.time_ns - clip.start_ns) / SECOND
    assert f"{offset:.3f} s from the start" in text
    assert f"stamp {worst.stamp_ns // SECOND}.{worst.stamp_ns % SECOND:09d}" in text
    assert f"ros2 bag play bags/kitchen --start-offset {offset - 1:.2f}" in text


def test_the_command_begins_with_the_bag_and_quotes_its_name() -> None:
    clip = replace(evaluation(), source="my bags/a;b")
    assert play(clip, clip.rows[0]) == "ros2 bag play 'my bags/a;b' --start-offset 0.00"
    assert play(replace(clip, start_ns=0), clip.rows[0]) == ""


def test_of_very_many_notes_the_first_are_shown() -> None:
    clips = [replace(evaluation(f"clip{i}", frames=3), notes=(f"gap of {i} frames",)) for i in range(60)]
    text = Page(page(clips, [], look)).text
    assert "clip49: gap of 49 frames" in text
    assert "gap of 50 frames" not in text
    assert "10 more notes are in evaluation.json" in text


def test_missing_pictures_are_said_and_the_rest_is_shown() -> None:
    def fail(clip: Evaluation, stamps: Collection[int]) -> Iterator[FramePictures]:
        if clip.name == "yard":
            raise BagError("the bag is gone")
        return look(clip, stamps)

    found = Page(page([evaluation("kitchen", frames=90), evaluation("yard", 1, frames=90)], [], fail))
    assert "yard: no pictures of its worst frames: the bag is gone" in found.text
    assert found.all("img")


# --- worst frames ----------------------------------------------------------------------------------------------------


def test_worst_frames_are_of_lowest_j_and_a_second_apart() -> None:
    clip = evaluation(frames=300)
    places = worst_places([clip])
    values = [place.row.region for place in places]
    assert values == sorted(values)
    assert values[0] == min(row.region for row in clip.rows if row.counted)
    assert all(place.row.counted for place in places)
    for a in places:
        for b in places:
            if a is not b and a.row.object_id == b.row.object_id:
                assert abs(a.row.stamp_ns - b.row.stamp_ns) >= SECOND


def test_one_bad_clip_does_not_hide_the_others() -> None:
    bad = evaluation("bad", frames=900)
    bad = replace(bad, rows=tuple(replace(row, region=0.0) for row in bad.rows))
    names = [place.evaluation.name for place in worst_places([bad, evaluation("b", 1, 300), evaluation("c", 2, 300)])]
    assert {name: names.count(name) for name in names} == {"bad": 3, "b": 3, "c": 3}


def test_perfect_frames_are_not_worst() -> None:
    clip = evaluation()
    assert worst_places([replace(clip, rows=tuple(replace(row, region=1.0) for row in clip.rows))]) == []


def decoded(uri: str) -> np.ndarray:
    data = base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def nearest(colour: np.ndarray) -> tuple[int, int, int]:
    return min((RIGHT, TOO_MUCH, MISSED), key=lambda each: float(np.abs(colour - np.array(each)).sum()))


def test_the_difference_shows_what_is_right_too_much_and_missed() -> None:
    clip = evaluation()
    row = next(row for row in clip.rows if row.object_id == 1)
    frame = replace(pictures(clip, START_NS), image=np.full((48, 64, 3), 128, np.uint8))
    views = paint(Place(clip, row), frame)
    picture = decoded(views.difference)
    assert picture.shape == (WIDTH * 48 // 64, WIDTH, 3)
    scale = WIDTH / 64  # the object is at x 10..30 in truth and 12..32 in the prediction

    def at(x: float, y: float) -> np.ndarray:
        return picture[int(y * scale), int(x * scale)].astype(int)

    assert nearest(at(20.5, 20.5)) == RIGHT
    assert nearest(at(31.5, 20.5)) == TOO_MUCH
    assert nearest(at(10.5, 20.5)) == MISSED
    assert np.abs(at(50, 10) - 128).max() < 12  # grey
    assert np.abs(at(50.5, 30.5) - 128).max() < 12  # another object is not what it is about


def test_an_object_has_one_colour_in_truth_and_prediction_by_whatever_id() -> None:
    clip = evaluation()
    clip = replace(clip, rows=tuple(replace(row, found_id=40 + row.object_id) for row in clip.rows))
    frame = pictures(clip, START_NS)
    frame = replace(frame, image=np.full((48, 64, 3), 128, np.uint8), found=np.where(frame.found == 1, 41, 0))
    views = paint(Place(clip, clip.rows[0]), frame)
    scale = WIDTH / 64
    truth, found = (
        decoded(view)[int(20.5 * scale), int(20.5 * scale)].astype(int) for view in (views.truth, views.found)
    )
    assert np.abs(truth - found).max() < 12
    assert np.abs(truth - 128).max() > 40
    assert nearest(decoded(views.difference)[int(20.5 * scale), int(20.5 * scale)].astype(int)) == RIGHT


# --- over time -------------------------------------------------------------------------------------------------------


def test_bands_are_where_truth_is_hidden() -> None:
    clip = evaluation(frames=40)  # hidden in frames 16 to 21 at 30 per second; the bag begins 0.5 s before
    course = courses(clip)[0]
    (band,) = course.hidden
    assert band.start_s == pytest.approx(0.507 + 15.5 / 30, abs=1e-6)
    assert band.stop_s == pytest.approx(0.507 + 21.5 / 30, abs=1e-6)
    seen = [row.visible for row in clip.rows if row.object_id == course.object_id]
    assert [band.start_s < time < band.stop_s for time in course.times_s] == [not each for each in seen]


def test_a_hidden_end_is_a_band_too() -> None:
    clip = evaluation(frames=10)
    clip = replace(clip, rows=tuple(replace(row, visible=row.frame not in (0, 9)) for row in clip.rows))
    assert len(courses(clip)[0].hidden) == 2


def test_a_long_line_keeps_its_extremes() -> None:
    course = courses(evaluation(frames=5000, objects=1))[0]
    points = list(course.thinned(600))
    assert len(points) <= 600
    assert min(j for _, j in points) == course.region.min()
    assert max(j for _, j in points) == course.region.max()
    assert [time for time, _ in points] == sorted(time for time, _ in points)


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0.5, 4.4, 6) == [1, 2, 3, 4]
    assert ticks(0, 1, 5) == [0, 0.25, 0.5, 0.75, 1]
    assert ticks(0, 74.5, 5) == [0, 20, 40, 60]


def test_figures_are_written_as_they_are_read() -> None:
    share, latency, count = columns(["j_mean", "latency_p50_ms", "frames"])
    assert [share.text(0.12345), latency.text(52.04), count.text(12345.0)] == ["0.123", "52.0", "12 345"]
    assert share.text(float("nan")) == "\N{EN DASH}"
    assert share.difference(-0.01) == "\N{MINUS SIGN}0.010"
    assert [share.difference(0.01), share.difference(0.0001)] == ["+0.010", "0.000"]


# --- the folder ------------------------------------------------------------------------------------------------------


def test_the_folder_has_all(tmp_path: Path) -> None:
    clips = [evaluation("kitchen"), evaluation("kitchen", 1), evaluation("a/b $x$", 2)]
    failed = [Failed("bags/c", "it is truncated")]
    write_report(tmp_path / "out", clips, failed, look)
    names = sorted(str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*") if file.is_file())
    assert [name for name in names if not name.startswith("plots/j_")] == [
        "evaluation.json",
        "figures.csv",
        "plots/latency.png",
        "plots/reliability_predicted_iou.png",
        "plots/reliability_visibility.png",
        "report.html",
        "rows.csv",
    ]
    assert len(names) == 10
    for file in (tmp_path / "out" / "plots").iterdir():
        picture = cv2.imread(str(file))
        assert picture is not None
        assert picture.std() > 5  # something is drawn
    run = read_run(tmp_path / "out")
    assert ([each.name for each in run.evaluations], run.failed) == ([each.name for each in clips], tuple(failed))


SCRIPTS = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }}",
]


@pytest.mark.parametrize("evil", SCRIPTS)
def test_labels_and_names_are_text_whatever_they_say(evil: str) -> None:
    """Labels come over topics and stand in bags: nothing of them may run in the browser of who reads the report."""
    clip = evaluation()
    objects = tuple(replace(each, label=evil) for each in clip.objects)
    harmless = Page(page([evaluation()], [], look))
    found = Page(page([replace(clip, name=evil, source=evil, notes=(evil,), objects=objects)], [], look))
    assert evil in found.text
    assert sorted(name for name, _ in found.tags) == sorted(name for name, _ in harmless.tags)
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)


def test_the_course_shows_what_was_not_remembered_and_anchors() -> None:
    clip = evaluation(frames=10, objects=1)

    def told(place: int, row: Row) -> Row:
        gone = 3 <= place < 6
        note = "it is absent" if gone else "a distractor is seen" if place == 8 else ""
        return replace(row, remembered=not gone, anchor=place == 8, memory_note=note)

    course = courses(replace(clip, rows=tuple(told(place, row) for place, row in enumerate(clip.rows))))[0]
    (band,), (anchor,) = course.forgotten, course.anchors
    half = (course.times_s[2] + course.times_s[3]) / 2, (course.times_s[5] + course.times_s[6]) / 2
    assert (band.start_s, band.stop_s, band.why) == (*half, "it is absent")
    assert (anchor.time_s, anchor.why) == (course.times_s[8], "a distractor is seen")
    drawn = course_chart(course, *span_s([course]))
    assert f"not remembered from {band.start_s:.2f} to {band.stop_s:.2f} s: it is absent" in drawn
    assert f"anchor at {anchor.time_s:.2f} s: a distractor is seen" in drawn
    assert "not remembered from" not in course_chart(courses(clip)[0], *span_s([course]))


def test_below_j_stand_the_images_that_were_attended() -> None:
    clip = evaluation(frames=5, objects=1)
    ages = ((), (1,), (1, 2), (1, 10), (1, 100))
    rows = tuple(replace(row, attended=some) for row, some in zip(clip.rows, ages, strict=True))
    course = courses(replace(clip, rows=rows))[0]
    assert (course.attended, course.oldest) == (ages, 100)
    drawn = memory_chart(course, *span_s([course]))
    # A quarter of the time is 250 wide; 1 image back is at 5, 100 at 95 and 10 half way between them.
    assert 'd="M125,5H375M375,5H625M375,19H625M625,5H875M625,50H875M875,5H1000M875,95H1000"' in drawn
    found = Page(page([replace(clip, rows=rows)], [], look))
    assert [svg["class"] for svg in found.all("svg") if "images back" in (svg["aria-label"] or "")] == ["memory"]
    assert "memory" not in {svg.get("class") for svg in Page(page([clip], [], look)).all("svg")}


def test_of_a_long_memory_so_many_rows_are_drawn() -> None:
    clip = evaluation(frames=5000, objects=1)
    course = courses(replace(clip, rows=tuple(replace(row, attended=(row.frame + 1,)) for row in clip.rows)))[0]
    parts = list(course.memories(200))
    assert len(parts) == 200
    assert [ages for _, _, ages in (parts[0], parts[-1])] == [(1,), (5000,)]
    assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
    assert (parts[0][0], parts[-1][1]) == (course.times_s[0], course.times_s[-1])
