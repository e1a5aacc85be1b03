"""The report of a run: one page to look at, plots, and tables for machines."""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ..errors import Sam2RosError
from ..measures.calibration import pooled
from ..measures.figures import overall
from ..measures.record import FIGURE_NAMES, Evaluation, Failed, Figures, FramePictures, Row, Settings
from ..measures.statistics import mean
from .charts import Mark, course_chart, latency_chart, memory_chart, reliability_chart, time_marks
from .files import FIGURES_NAME, JSON_NAME, ROWS_NAME, Run, write_csv, write_figures, write_run
from .html import check_libraries, render
from .plots import write_plots
from .series import Course, courses, span_s
from .whole import write_whole
from .wording import GROUPS, MAIN, Column, columns, moment, offset_s, play, setting, stamp, told
from .worst import MISSED, RIGHT, TOO_MUCH, Colour, Place, Views, paint, worst_places

PAGE_NAME, PLOTS_NAME = "report.html", "plots"
CHARTS = 12  # clips that are drawn
LINES = 12  # objects of a clip that are drawn
OBJECTS = 500  # lines of the table of objects
NOTES = 50
MS_PER_S = 1e3

Pictures = Callable[[Evaluation, Collection[int]], Iterator[FramePictures]]


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure in large."""

    title: str
    value: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Figures of one kind."""

    title: str
    columns: Sequence[Column]


@dataclass(frozen=True, slots=True)
class Line:
    """One object over time, drawn."""

    name: str
    mean: float
    svg: str
    memory: str  # below it; empty when nothing is known of it
    oldest: int  # at its lower edge


@dataclass(frozen=True, slots=True)
class Chart:
    """One clip over time."""

    title: str
    lines: Sequence[Line]
    marks: Sequence[Mark]
    left_out: int  # objects


@dataclass(frozen=True, slots=True)
class Curve:
    """A square chart."""

    title: str
    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class WorstFrame:
    """A frame to look at."""

    title: str
    row: Row
    offset_s: float
    stamp: str
    moment: str
    play: str
    views: Views | None


@dataclass(frozen=True, slots=True)
class ObjectLine:
    """An object in the table of objects."""

    clip: str
    name: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class SettingsCard:
    """Settings, and which clips were evaluated by them."""

    who: str
    lines: Sequence[tuple[str, str]]


def write_report(folder: Path, evaluations: Sequence[Evaluation], failed: Sequence[Failed], pictures: Pictures) -> None:
    """Fill a new folder: the page, plots/*.png, and JSON and CSV. ``pictures``: frames of a clip by their stamps.

    Where a clip's pictures are not to be had, its worst frames are shown by their numbers and a note says why. Whoever
    calls has the folder appear at the end. Raises Sam2RosError.
    """
    check_libraries()
    folder.mkdir()
    write_run(Run(tuple(evaluations), tuple(failed)), folder / JSON_NAME)
    write_csv(evaluations, folder / ROWS_NAME)
    write_figures(evaluations, folder / FIGURES_NAME)
    if evaluations:
        (folder / PLOTS_NAME).mkdir()
        write_plots(evaluations, folder / PLOTS_NAME)
    write_whole(folder / PAGE_NAME, page(evaluations, failed, pictures))


def page(evaluations: Sequence[Evaluation], failed: Sequence[Failed], pictures: Pictures) -> str:
    """The page as HTML, which loads nothing from elsewhere."""
    total = overall(evaluations) if evaluations else Figures()
    worst, trouble = worst_frames(evaluations, pictures)
    drawn = sorted(evaluations, key=lambda each: (math.isnan(each.figures.j_and_f), each.figures.j_and_f))[:CHARTS]
    objects = [ObjectLine(e.name, f"{o.object_id} {o.label}", o.figures) for e in evaluations for o in e.objects]
    (j_and_f,) = columns(["j_and_f"])
    return render(
        "report.html",
        _title(evaluations),
        summary=_summary(evaluations, failed),
        tiles=_tiles(total, evaluations, failed),
        failed=failed,
        clips=evaluations,
        total=total,
        offline=_offline(evaluations),
        groups=[Group(title, told(names, [total])) for title, names in GROUPS.items() if told(names, [total])],
        notes=[*_notes(evaluations), *trouble],
        j_and_f=j_and_f,
        clip_columns=told(MAIN, [each.figures for each in evaluations]),
        object_columns=told(MAIN, [each.figures for each in objects]),
        charts=[_chart(each) for each in drawn if each.rows],
        curves=_curves(evaluations),
        worst=worst,
        right=_css(RIGHT),
        too_much=_css(TOO_MUCH),
        missed=_css(MISSED),
        objects=objects[:OBJECTS],
        objects_left_out=len(objects[OBJECTS:]),
        settings=_settings(evaluations),
    )


def worst_frames(evaluations: Sequence[Evaluation], pictures: Pictures) -> tuple[list[WorstFrame], list[str]]:
    """The worst frames with their pictures, and why some have none."""
    places = worst_places(evaluations)
    views: dict[int, Views] = {}  # by the place's index
    trouble = []
    for evaluation in evaluations:
        by_stamp = {each.row.stamp_ns: index for index, each in enumerate(places) if each.evaluation is evaluation}
        if not by_stamp:
            continue
        try:
            for frame in pictures(evaluation, by_stamp.keys()):
                index = by_stamp[frame.stamp_ns]
                views[index] = paint(places[index], frame)
        except Sam2RosError as error:
            trouble.append(f"{evaluation.name}: no pictures of its worst frames: {error}")
    return [_worst_frame(each, views.get(index)) for index, each in enumerate(places)], trouble


# --- parts of the page -----------------------------------------------------------------------------------------------


def _title(evaluations: Sequence[Evaluation]) -> str:
    return f"Evaluation of {evaluations[0].name}" if len(evaluations) == 1 else "Evaluation"


def _summary(evaluations: Sequence[Evaluation], failed: Sequence[Failed]) -> str:
    if not evaluations:
        return f"None of {len(failed)} clips could be evaluated."
    settings = evaluations[0].settings
    objects = sum(len(each.objects) for each in evaluations)
    speed = "as fast as the robot" if settings.realtime else "no frame dropped"
    clips = "1 clip" if len(evaluations) == 1 else f"{len(evaluations)} clips"
    things = "1 object" if objects == 1 else f"{objects} objects"
    return (
        f"{clips}, {things}; model {settings.model}, protocol {settings.protocol}, measure {settings.measure}, {speed}."
    )


def _tiles(total: Figures, evaluations: Sequence[Evaluation], failed: Sequence[Failed]) -> list[Tile]:
    names = ("j_and_f", "j_mean", "f_mean", "visibility_accuracy", "latency_p50_ms", "latency_p95_ms")
    tiles = [Tile(each.title, each.text(getattr(total, each.name)), each.unit) for each in told(names, [total])]
    if len(evaluations) != 1 or failed:
        tiles.append(Tile("clips", str(len(evaluations))))
        tiles.append(Tile("failed", str(len(failed))))
    return tiles


def _offline(evaluations: Sequence[Evaluation]) -> Figures | None:
    """Figures with no frame dropped, mean over clips; None when these are the only ones."""
    offline = [each.offline for each in evaluations if each.offline is not None]
    if not offline:
        return None
    return Figures(**{name: mean([getattr(one, name) for one in offline]) for name in FIGURE_NAMES})


def _notes(evaluations: Sequence[Evaluation]) -> list[str]:
    """What was noted, once each, with the clips it is of."""
    clips: dict[str, list[str]] = {}
    for evaluation in evaluations:
        for note in evaluation.notes:
            clips.setdefault(note, []).append(evaluation.name)
    if len(evaluations) == 1:
        return list(clips)
    lines = [f"{_some(names, len(evaluations))}: {note}" for note, names in clips.items()]
    return lines if len(lines) <= NOTES else [*lines[:NOTES], f"{len(lines) - NOTES} more notes are in {JSON_NAME}"]


def _some(names: Sequence[str], of: int) -> str:
    if len(names) == of:
        return "all clips"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _chart(evaluation: Evaluation) -> Chart:
    lines = courses(evaluation)
    first_s, last_s = span_s(lines)
    worst = sorted(sorted(lines, key=lambda each: each.mean)[:LINES], key=lambda each: each.object_id)
    drawn = [_line(each, first_s, last_s) for each in worst]
    return Chart(evaluation.name, drawn, time_marks(first_s, last_s), len(lines) - len(drawn))


def _line(course: Course, first_s: float, last_s: float) -> Line:
    memory = memory_chart(course, first_s, last_s) if course.oldest else ""
    return Line(course.name, course.mean, course_chart(course, first_s, last_s), memory, course.oldest)


def _curves(evaluations: Sequence[Evaluation]) -> list[Curve]:
    curves = []
    for title, bins, true in (
        ("Visibility", pooled([each.visibility_bins for each in evaluations if each.visibility_bins]), "share visible"),
        ("Predicted IoU", pooled([each.mask_score_bins for each in evaluations if each.mask_score_bins]), "mean J"),
    ):
        if count := sum(each.count for each in bins):
            caption = f"{count} rows; on the dashed line what is promised comes true. Larger dots hold more rows."
            curves.append(Curve(title, reliability_chart(bins, "as published", true), caption))
    if latencies := [latency for each in evaluations for latency in each.latencies_s]:
        caption = (
            f"{len(latencies)} frames; dashed: 50, 95 and 99 %. The slowest took {max(latencies) * MS_PER_S:.1f} ms; "
            "the last bar holds all that took longer."
        )
        curves.append(Curve("Latency", latency_chart(latencies), caption))
    return curves


def _worst_frame(place: Place, views: Views | None) -> WorstFrame:
    evaluation, row = place.evaluation, place.row
    labels = {each.object_id: each.label for each in evaluation.objects}
    name = f"{row.object_id} {labels.get(row.object_id, '')}".strip()
    return WorstFrame(
        title=f"{evaluation.name}, object {name}, {offset_s(evaluation, row):.2f} s",
        row=row,
        offset_s=offset_s(evaluation, row),
        stamp=stamp(row.stamp_ns),
        moment=moment(row.stamp_ns) if evaluation.start_ns else "",
        play=play(evaluation, row),
        views=views,
    )


def _settings(evaluations: Sequence[Evaluation]) -> list[SettingsCard]:
    """The settings, once each, with the clips they are of."""
    clips: dict[str, list[Evaluation]] = {}
    for evaluation in evaluations:
        clips.setdefault(repr(evaluation.settings), []).append(evaluation)
    return [
        SettingsCard(_some([each.name for each in many], len(evaluations)), _setting_lines(many[0].settings))
        for many in clips.values()
    ]


def _setting_lines(settings: Settings) -> list[tuple[str, str]]:
    return [(each.name.replace("_", " "), setting(getattr(settings, each.name))) for each in fields(settings)]


def _css(colour: Colour) -> str:
    return f"rgb({colour[0]} {colour[1]} {colour[2]})"
