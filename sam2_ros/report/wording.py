"""Figures, times and places in the words of the report."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import Field, dataclass, fields
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from ..measures.record import Better, Evaluation, Figures, Row

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
NS_PER_S = 1_000_000_000
COUNTS = ("identity_switches", "frames", "dropped")  # whole numbers, as long as they are no means
LEAD_S = 1.0  # a player begins so long before a frame, so that one sees it coming
GROUPS = {
    "Accuracy": ("j_and_f", "j_mean", "j_recall", "j_decay", "f_mean", "f_recall", "f_decay"),
    "Visibility": ("visibility_accuracy", "visibility_precision", "visibility_recall"),
    "Long term": (
        *("quality", "accuracy", "robustness", "nre", "dre", "adq"),
        *("found_again_10", "found_again_30", "found_again_100", "identity_switches"),
    ),
    "Calibration": ("mask_score_error", "visibility_error"),
    "Position": ("position_mean_m", "position_p95_m", "position_share", "position_p95_share", "position_found"),
    "Speed": ("latency_p50_ms", "latency_p95_ms", "latency_p99_ms", "frames", "dropped"),
}
MAIN = (  # columns of wide tables
    *("j_and_f", "j_mean", "f_mean", "visibility_accuracy", "visibility_precision", "visibility_recall"),
    *("robustness", "quality", "identity_switches", "latency_p50_ms", "latency_p95_ms", "frames", "dropped"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """What a figure is called, and how it is written."""

    name: str
    title: str
    unit: str
    better: Better

    @property
    def head(self) -> str:
        """Title with unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    @property
    def direction(self) -> str:
        """Which way is good, in words."""
        return f"{self.better.value} is better"

    @property
    def arrow(self) -> str:
        """Which way is good, as a sign; nothing for what is but a size."""
        return "" if self.name == "frames" else {Better.HIGHER: "↑", Better.LOWER: "↓"}[self.better]

    def text(self, value: float) -> str:
        """The figure to be read: three places for shares, four in space, one for milliseconds, none for counts."""
        if math.isnan(value):
            return NOTHING
        if self.name in COUNTS and value == int(value):
            return f"{int(value):,}".replace(",", " ")
        return f"{value:.{1 if self.unit == 'ms' else 4 if self.name.startswith('position') else 3}f}"

    def difference(self, value: float) -> str:
        """A difference of the figure, with its sign."""
        text = self.text(abs(value))
        return text if math.isnan(value) or not float(text.replace(" ", "")) else ("+" if value > 0 else MINUS) + text


def columns(names: Sequence[str]) -> list[Column]:
    """The columns of figures."""
    by_name = {each.name: each for each in fields(Figures)}
    return [_column(by_name[name]) for name in names]


def told(names: Sequence[str], many: Sequence[Figures]) -> list[Column]:
    """Those columns that have anything to tell of any of these."""
    return [each for each in columns(names) if not all(math.isnan(getattr(figures, each.name)) for figures in many)]


def _column(item: "Field[Any]") -> Column:
    return Column(item.name, item.metadata["title"], item.metadata["unit"], item.metadata["better"])


def setting(value: Any) -> str:
    """The value of a setting."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return NOTHING if math.isnan(value) else f"{value:g}"
    return str(value.value if isinstance(value, Enum) else value)


def offset_s(evaluation: Evaluation, row: Row) -> float:
    """Seconds from the start of the bag to the frame; from the first annotated frame where there is no bag."""
    if evaluation.start_ns:
        return (row.time_ns - evaluation.start_ns) / NS_PER_S
    return (row.stamp_ns - evaluation.rows[0].stamp_ns) / NS_PER_S


def stamp(stamp_ns: int) -> str:
    """A stamp as ROS prints it, in seconds."""
    return f"{stamp_ns // NS_PER_S}.{stamp_ns % NS_PER_S:09d}"


def moment(stamp_ns: int) -> str:
    """A stamp as date and time."""
    return f"{datetime.fromtimestamp(stamp_ns // NS_PER_S, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def play(evaluation: Evaluation, row: Row) -> str:
    """The command that plays the bag from right before a frame; nothing where there is no bag."""
    if not evaluation.start_ns:
        return ""
    start_s = max(0.0, offset_s(evaluation, row) - LEAD_S)
    return f"ros2 bag play {shlex.quote(evaluation.source)} --start-offset {start_s:.2f}"
