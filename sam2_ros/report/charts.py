"""The charts of the page, as SVG. Colours come from the page's style sheet, so that they follow light and dark."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from markupsafe import Markup

from ..measures.record import ReliabilityBin
from .series import Course
from .ticks import ticks

WIDE, HIGH = 1000, 100  # units of a course's drawing, which the page stretches
STRIP = 7  # of these for what was not remembered, at the lower edge; anchors are twice as high
POINTS = 600  # of one line
COLUMNS = 200  # of what was attended
SIDE, LEFT, BOTTOM, TOP = 240, 40, 40, 12  # pixels of the square charts and their margins
HISTOGRAM_BINS = 24
PERCENTILES = (50, 95, 99)
MS_PER_S = 1e3


@dataclass(frozen=True, slots=True)
class Mark:
    """A number on an axis."""

    percent: float  # of the axis' length
    text: str


def time_marks(first_s: float, last_s: float) -> list[Mark]:
    """Marks of a time axis."""
    length = last_s - first_s
    return [Mark(100 * (time - first_s) / length, f"{time:g} s") for time in ticks(first_s, last_s, 6)]


def course_chart(course: Course, first_s: float, last_s: float) -> Markup:
    """J of one object over time, bands where truth is hidden, and what became of its memory. It has no text: the page
    writes the axes."""
    across = _across(first_s, last_s)

    def bar(kind: str, start_s: float, stop_s: float, high: int, title: str) -> Markup:
        """From the lower edge, wide enough to be seen."""
        shape = '<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"><title>{}</title></rect>'
        wide = max(2.0, across(stop_s) - across(start_s))
        return Markup(shape).format(kind, across(start_s), HIGH - high, wide, high, title)

    bands = Markup("").join(
        bar("hidden", b.start_s, b.stop_s, HIGH, f"hidden in truth from {b.start_s:.2f} to {b.stop_s:.2f} s")
        for b in course.hidden
    )
    forgotten = Markup("").join(
        bar(
            "forgotten", b.start_s, b.stop_s, STRIP, f"not remembered from {b.start_s:.2f} to {b.stop_s:.2f} s: {b.why}"
        )
        for b in course.forgotten
    )
    anchors = Markup("").join(
        Markup('<rect class="anchor" x="{:.1f}" y="{}" width="3" height="{}"><title>{}</title></rect>').format(
            across(anchor.time_s) - 1.5, HIGH - 2 * STRIP, 2 * STRIP, f"anchor at {anchor.time_s:.2f} s: {anchor.why}"
        )
        for anchor in course.anchors
    )
    line = " ".join(f"{across(time):.1f},{HIGH * (1 - region):.1f}" for time, region in course.thinned(POINTS))
    grid = Markup("").join(
        Markup('<line class="grid" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDE, y, y) for y in (0, HIGH // 2, HIGH)
    )
    title = f"J of object {course.name} from {first_s:.1f} to {last_s:.1f} s, mean {course.mean:.3f}"
    return Markup(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}" data-first="{}" data-last="{}">'
        '{}{}<polyline class="line o{}" points="{}"/>{}{}</svg>'
    ).format(WIDE, HIGH, title, first_s, last_s, bands, grid, (course.object_id - 1) % 7, line, forgotten, anchors)


def memory_chart(course: Course, first_s: float, last_s: float) -> Markup:
    """By which images one object was found over time: how many before, the last one at the upper edge, the oldest of
    all at the lower, on a logarithmic scale. It has no text, as `course_chart`."""
    across = _across(first_s, last_s)
    reach = log(max(2, course.oldest))
    dashes = "".join(
        f"M{across(start):.0f},{HIGH * (0.05 + 0.9 * log(age) / reach):.0f}H{across(stop):.0f}"
        for start, stop, ages in course.memories(COLUMNS)
        for age in ages
    )
    title = f"images by which object {course.name} was found: from the last one to {course.oldest} images back"
    return Markup(
        '<svg class="memory" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="line o{}" d="{}"/></svg>'
    ).format(WIDE, HIGH, title, (course.object_id - 1) % 7, dashes)


def _across(first_s: float, last_s: float) -> Callable[[float], float]:
    """Of a time, in seconds, its place in a course's drawing."""
    return lambda time_s: WIDE * (time_s - first_s) / (last_s - first_s)


def reliability_chart(bins: Sequence[ReliabilityBin], promised: str, true: str) -> Markup:
    """What was promised against what came true; the diagonal is an honest tracker."""
    filled = [each for each in bins if each.count]
    most = max((each.count for each in filled), default=1)
    dots = Markup("").join(
        Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"><title>{}</title></circle>').format(
            LEFT + SIDE * each.promised,
            TOP + SIDE * (1 - each.true),
            2.5 + 5 * (each.count / most) ** 0.5,
            f"promised {each.promised:.3f}, true {each.true:.3f}, {each.count} rows",
        )
        for each in filled
    )
    line = " ".join(f"{LEFT + SIDE * each.promised:.1f},{TOP + SIDE * (1 - each.true):.1f}" for each in filled)
    diagonal = Markup('<line class="ideal" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        LEFT, TOP + SIDE, LEFT + SIDE, TOP
    )
    drawing = diagonal + Markup('<polyline class="line o0" points="{}"/>').format(line) + dots
    shares = [Mark(100 * share, f"{share:g}") for share in (0.0, 0.5, 1.0)]
    return _square(f"{true} against {promised}", drawing, shares, promised, shares, true)


def latency_chart(latencies_s: Sequence[float]) -> Markup:
    """How many frames took how long, and percentiles."""
    ms = np.asarray(latencies_s, dtype=np.float64) * MS_PER_S
    marks = np.percentile(ms, PERCENTILES)
    # One very slow frame, usually the first, would squeeze all others into one bar: the last bar takes the rest.
    last = float(min(ms.max(), max(marks[-1] * 1.1, marks[0] * 1.5))) or 1.0
    counts, _ = np.histogram(np.minimum(ms, last), bins=HISTOGRAM_BINS, range=(0, last))
    width = SIDE / HISTOGRAM_BINS
    bars = Markup("").join(
        Markup(
            '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
        ).format(
            LEFT + place * width + 0.5,
            TOP + SIDE * (1 - count / counts.max()),
            width - 1,
            SIDE * count / counts.max(),
            f"{place * last / HISTOGRAM_BINS:.1f} to {(place + 1) * last / HISTOGRAM_BINS:.1f} ms: {count} frames",
        )
        for place, count in enumerate(counts.tolist())
        if count
    )
    lines = Markup("").join(
        Markup('<line class="mark" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"><title>{}</title></line>').format(
            LEFT + SIDE * min(value, last) / last,
            LEFT + SIDE * min(value, last) / last,
            TOP,
            TOP + SIDE,
            f"{share} % of frames within {value:.1f} ms",
        )
        for share, value in zip(PERCENTILES, marks.tolist(), strict=True)
    )
    across = [Mark(100 * time / last, f"{time:g}") for time in ticks(0, last, 5)]
    up = [
        Mark(100 * count / counts.max(), f"{count:g}") for count in ticks(0, float(counts.max()), 5) if count % 1 == 0
    ]
    return _square("frames by latency", bars + lines, across, "latency, ms", up, "frames")


def _square(title: str, drawing: Markup, across: Sequence[Mark], x: str, up: Sequence[Mark], y: str) -> Markup:
    """A drawing in its axes."""
    marks = Markup("").join([*map(_mark_across, across), *map(_mark_up, up)])
    names = Markup(
        '<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>'
        '<text transform="translate(10 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>'
    ).format(LEFT + SIDE / 2, TOP + SIDE + 34, x, TOP + SIDE / 2, y)
    return Markup('<svg class="square" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>').format(
        LEFT + SIDE + 14, TOP + SIDE + BOTTOM, title, marks, drawing, names
    )


def _mark_across(mark: Mark) -> Markup:
    return Markup(
        '<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>'
        '<text x="{0:.1f}" y="{3}" text-anchor="middle">{4}</text>'
    ).format(LEFT + SIDE * mark.percent / 100, TOP, TOP + SIDE, TOP + SIDE + 16, mark.text)


def _mark_up(mark: Mark) -> Markup:
    y = TOP + SIDE * (1 - mark.percent / 100)
    return Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
        '<text x="{}" y="{:.1f}" text-anchor="end">{}</text>'
    ).format(LEFT, LEFT + SIDE, y, y, LEFT - 5, y + 4, mark.text)
