"""A comparison to be read: its page, its file for machines, its table for a terminal."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from .bootstrap import RESAMPLES, Interval
from .compare import Comparison, Difference
from .html import check_libraries, render
from .plain import to_plain
from .whole import write_whole
from .wording import NOTHING, Column, columns, told

PAGE_NAME, JSON_NAME = "comparison.html", "comparison.json"
SCHEMA = 1
PER_CLIP = ("j_and_f", "visibility_accuracy", "latency_p50_ms")
WIDE, HIGH, EDGE = 160, 20, 6  # pixels of an interval's drawing


@dataclass(frozen=True, slots=True)
class Line:
    """One figure in words."""

    column: Column
    a: str
    b: str
    difference: str
    interval: str
    svg: Markup
    count: int
    verdict: str
    mood: str  # class of the style sheet


def write_comparison(folder: Path, comparison: Comparison, name_a: str, name_b: str) -> None:
    """Fill a new folder with page and JSON. Whoever calls has it appear at the end. Raises Sam2RosError."""
    check_libraries()
    folder.mkdir()
    content = {"schema": SCHEMA, "a": name_a, "b": name_b, **to_plain(comparison)}
    write_whole(folder / JSON_NAME, json.dumps(content, allow_nan=False, indent=1) + "\n")
    write_whole(folder / PAGE_NAME, comparison_page(comparison, name_a, name_b))


def comparison_page(comparison: Comparison, name_a: str, name_b: str) -> str:
    """The page as HTML, which loads nothing from elsewhere."""
    return render(
        "compare.html",
        "Two evaluations side by side",
        summary=_summary(comparison),
        name_a=name_a,
        name_b=name_b,
        comparison=comparison,
        lines=_lines(comparison),
        columns=told(PER_CLIP, [figures for clip in comparison.clips for figures in (clip.a, clip.b)]),
        resamples=f"{RESAMPLES:,}".replace(",", " "),
    )


def comparison_text(comparison: Comparison) -> str:
    """A table for a terminal."""
    rows = [("", "A", "B", "B - A", "95 % interval", "better")]
    rows += [
        (line.column.head, line.a, line.b, line.difference, line.interval, line.verdict) for line in _lines(comparison)
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    table = [
        "  ".join(
            cell.ljust(width) if place in (0, len(row) - 1) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    settings = [f"{name}: A {a}, B {b}" for name, a, b in comparison.settings]
    return "\n".join([_summary(comparison), *table, *settings, *(f"note: {note}" for note in comparison.notes)])


def _summary(comparison: Comparison) -> str:
    clips = "1 clip" if len(comparison.clips) == 1 else f"{len(comparison.clips)} clips"
    objects = f", {comparison.count} objects" if comparison.over == "objects" else ""
    return f"{clips}{objects}; figures are means over {comparison.over}"


def _lines(comparison: Comparison) -> Sequence[Line]:
    named = columns([each.name for each in comparison.differences])
    return [_line(column, each) for column, each in zip(named, comparison.differences, strict=True)]


def _line(column: Column, each: Difference) -> Line:
    interval = each.interval
    bounds = f"{column.difference(interval.low)} .. {column.difference(interval.high)}"
    return Line(
        column=column,
        a=column.text(each.a),
        b=column.text(each.b),
        difference=column.difference(interval.mean),
        interval=NOTHING if math.isnan(interval.low) else bounds,
        svg=_drawing(interval),
        count=interval.count,
        verdict=_verdict(each),
        mood={"A": "bad", "B": "good"}.get(each.better, "soft"),
    )


def _verdict(each: Difference) -> str:
    if each.better:
        return each.better
    if math.isnan(each.interval.low):
        return "one pair"
    return "same" if each.interval.low == each.interval.high == 0 else "may be chance"


def _drawing(interval: Interval) -> Markup:
    """The interval around zero, as wide as it has to be."""
    if math.isnan(interval.low):
        return Markup("")
    most = max(abs(interval.low), abs(interval.high)) or 1.0

    def across(value: float) -> float:
        return WIDE / 2 + value / most * (WIDE / 2 - EDGE)

    return Markup(
        '<svg class="interval" viewBox="0 0 {0} {1}" aria-hidden="true"><line class="zero" x1="{2}" x2="{2}" y1="0" '
        'y2="{1}"/><line class="range" x1="{3:.1f}" x2="{4:.1f}" y1="{5}" y2="{5}"/><circle cx="{6:.1f}" cy="{5}" '
        'r="5"/></svg>'
    ).format(WIDE, HIGH, WIDE / 2, across(interval.low), across(interval.high), HIGH / 2, across(interval.mean))
