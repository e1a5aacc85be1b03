"""The charts as PNG files, for slides and issues."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..measures.calibration import pooled
from ..measures.record import Evaluation, ReliabilityBin
from .charts import COLUMNS, MS_PER_S, PERCENTILES
from .series import Course, courses, span_s
from .whole import Whole
from .worst import HUES

DPI = 120
MOST_CLIPS = 50  # with a plot of their own
MOST_OBJECTS = 12  # in one
COLOURS = [tuple(part / 255 for part in hue) for hue in HUES]
BAND = "#e9e4d8"
FORGOTTEN, ANCHOR = "#8c8c8c", "#009e73"


def write_plots(evaluations: Sequence[Evaluation], folder: Path) -> list[Path]:
    """Write J over time of every clip (the worst of very many), reliability and latency; the files written.

    Raises EvaluationError.
    """
    written = []
    by_quality = sorted(evaluations, key=lambda each: each.figures.j_and_f)
    for number, evaluation in enumerate(by_quality[:MOST_CLIPS], start=1):
        if evaluation.rows:
            # The number tells clips of one name apart, and says which is worst.
            written.append(_courses(evaluation, folder / f"j_{number:02d}_{_file_name(evaluation.name)}.png"))
    for name, many, true in (
        (
            "visibility",
            [each.visibility_bins for each in evaluations if each.visibility_bins],
            "share visible in truth",
        ),
        ("predicted_iou", [each.mask_score_bins for each in evaluations if each.mask_score_bins], "mean J"),
    ):
        if any(each.count for bins in many for each in bins):
            written.append(_reliability(pooled(many), name.replace("_", " "), true, folder / f"reliability_{name}.png"))
    if latencies := [latency for each in evaluations for latency in each.latencies_s]:
        written.append(_latency(latencies, folder / "latency.png"))
    return written


def _courses(evaluation: Evaluation, path: Path) -> Path:
    every = courses(evaluation)
    lines = sorted(every, key=lambda each: each.mean)[:MOST_OBJECTS]
    parts = [
        (course, draw, high)
        for course in sorted(lines, key=lambda each: each.object_id)
        for draw, high in ((_course, 1.2), *(((_memory, 0.6),) if course.oldest else ()))
    ]
    heights = [high for _, _, high in parts]
    figure = _figure(8, 0.6 + sum(heights))
    grid = figure.subplots(len(parts), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (course, draw, _) in zip(grid, parts, strict=True):
        draw(axes, course)
    grid[0].set_xlim(*span_s(every))
    legend = "shaded: hidden in truth; below, grey: not remembered, green: anchors"
    grid[0].set_title(f"J over time: {_plain(evaluation.name)} ({legend})", fontsize=10)
    grid[-1].set_xlabel("s from the start")
    return _saved(figure, path)


def _course(axes: Any, course: Course) -> None:
    for band in course.hidden:
        axes.axvspan(band.start_s, band.stop_s, color=BAND, linewidth=0)
    for forgotten in course.forgotten:
        axes.axvspan(forgotten.start_s, forgotten.stop_s, ymax=0.07, color=FORGOTTEN, linewidth=0)
    for anchor in course.anchors:
        axes.axvline(anchor.time_s, ymax=0.14, color=ANCHOR, linewidth=1.5)
    axes.plot(course.times_s, course.region, color=COLOURS[(course.object_id - 1) % len(COLOURS)], linewidth=1.2)
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel(_plain(f"J of {course.name}"), fontsize=8)
    axes.grid(alpha=0.3)


def _memory(axes: Any, course: Course) -> None:
    """By which images it was found, how many back."""
    starts, stops, ages = zip(*((a, b, age) for a, b, some in course.memories(COLUMNS) for age in some), strict=True)
    axes.hlines(ages, starts, stops, color=COLOURS[(course.object_id - 1) % len(COLOURS)], linewidth=1.2)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylim(1.3 * course.oldest, 0.8)
    axes.set_ylabel("images back", fontsize=8)
    axes.grid(alpha=0.3)


def _reliability(bins: Sequence[ReliabilityBin], name: str, true: str, path: Path) -> Path:
    filled = [each for each in bins if each.count]
    figure = _figure(4.2, 4.2)
    axes = figure.subplots()
    axes.plot((0, 1), (0, 1), color="grey", linestyle="--", linewidth=1)
    axes.plot([each.promised for each in filled], [each.true for each in filled], color=COLOURS[0], marker="o")
    for each in filled:
        axes.annotate(str(each.count), (each.promised, each.true), (4, -10), textcoords="offset points", fontsize=7)
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel=f"{name}, as published", ylabel=true)
    axes.set_title("reliability (numbers: rows)", fontsize=10)
    axes.grid(alpha=0.3)
    return _saved(figure, path)


def _latency(latencies_s: Sequence[float], path: Path) -> Path:
    ms = np.asarray(latencies_s) * MS_PER_S
    figure = _figure(5.5, 3.6)
    axes = figure.subplots()
    axes.hist(ms, bins=30, color=COLOURS[0])
    for share, value in zip(PERCENTILES, np.percentile(ms, PERCENTILES).tolist(), strict=True):
        axes.axvline(value, color=COLOURS[5], linestyle="--", linewidth=1, label=f"{share} %: {value:.1f} ms")
    axes.set(xlabel="latency, ms", ylabel="frames")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return _saved(figure, path)


def _figure(width: float, height: float) -> Any:
    """A figure that needs no window and no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _saved(figure: Any, path: Path) -> Path:
    with Whole(path) as part:
        figure.savefig(part, format=path.suffix.removeprefix("."))
    return path


def _plain(text: str) -> str:
    """A text that matplotlib does not take for mathematics."""
    return text.replace("$", r"\$")


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)[:80]
