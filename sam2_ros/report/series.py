"""J over time for every object of a clip, when it is hidden in truth, and when it entered its memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import numpy as np

from ..measures.record import Evaluation, ObjectFigures, Row
from .wording import offset_s

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Band:
    """A time in which an object is hidden, in seconds."""

    start_s: float
    stop_s: float


@dataclass(frozen=True, slots=True)
class Forgotten(Band):
    """A time that did not enter the object's memory."""

    why: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """A frame that was remembered for long."""

    time_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Course:
    """One object over time."""

    object_id: int
    label: str
    times_s: np.ndarray  # (N,)
    region: np.ndarray  # (N,) J
    hidden: tuple[Band, ...]
    mean: float  # J of the frames that count
    forgotten: tuple[Forgotten, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    attended: tuple[tuple[int, ...], ...] = ()  # by which images it was found in each row: how many before that one

    @property
    def oldest(self) -> int:
        """The furthest that an image lies back by which it was found; 0 when nothing is known of them."""
        return max((age for ages in self.attended for age in ages), default=0)

    @property
    def name(self) -> str:
        """Id and label."""
        return f"{self.object_id} {self.label}".strip()

    def memories(self, most: int) -> Iterator[tuple[float, float, tuple[int, ...]]]:
        """Of at most ``most`` rows, evenly spread: when they begin and end, in seconds, and what was attended."""
        kept = np.unique(np.linspace(0, len(self.times_s) - 1, min(most, len(self.times_s))).astype(int))
        edges = _edges(self.times_s[kept])
        for place, start, stop in zip(kept.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            yield start, stop, self.attended[place]

    def thinned(self, most: int) -> Iterator[tuple[float, float]]:
        """At most ``most`` points (seconds, J) that look the same: of every stretch the lowest and the highest."""
        if len(self.region) <= most:
            yield from zip(self.times_s.tolist(), self.region.tolist(), strict=True)
            return
        for part in np.array_split(np.arange(len(self.region)), most // 2):
            ends = {int(part[self.region[part].argmin()]), int(part[self.region[part].argmax()])}
            for place in sorted(ends):
                yield float(self.times_s[place]), float(self.region[place])


def courses(evaluation: Evaluation) -> list[Course]:
    """The objects of a clip by id."""
    objects = {each.object_id: each for each in evaluation.objects}
    rows = sorted(evaluation.rows, key=lambda row: (row.object_id, row.frame))
    return [
        _course(evaluation, objects[object_id], list(group))
        for object_id, group in groupby(rows, key=lambda row: row.object_id)
    ]


def span_s(courses: Iterable[Course]) -> tuple[float, float]:
    """First and last time of all, in seconds; never of no length."""
    times = np.concatenate([course.times_s for course in courses])
    first, last = float(times.min()), float(times.max())
    return first, last if last > first else first + 1


def _course(evaluation: Evaluation, of: ObjectFigures, rows: Sequence[Row]) -> Course:
    times = np.array([offset_s(evaluation, row) for row in rows])
    region = np.array([row.region for row in rows])
    return Course(
        object_id=of.object_id,
        label=of.label,
        times_s=times,
        region=region,
        hidden=tuple(band for seen, band in _runs(times, [row.visible for row in rows]) if not seen),
        mean=of.figures.j_mean,
        forgotten=tuple(
            Forgotten(band.start_s, band.stop_s, why)
            for (remembered, why), band in _runs(times, [(row.remembered, row.memory_note) for row in rows])
            if not remembered
        ),
        anchors=tuple(
            Anchor(float(time), row.memory_note) for time, row in zip(times, rows, strict=True) if row.anchor
        ),
        attended=tuple(row.attended for row in rows),
    )


def _runs(times: np.ndarray, values: Sequence[Value]) -> Iterator[tuple[Value, Band]]:
    """Equal values in a row and the time that they take."""
    edges, place = _edges(times), 0
    for value, group in groupby(values):
        count = len(list(group))
        yield value, Band(float(edges[place]), float(edges[place + count]))
        place += count


def _edges(times: np.ndarray) -> np.ndarray:
    """Where the times that frames take meet, half way between them, and the ends (N + 1,)."""
    return np.concatenate((times[:1], (times[:-1] + times[1:]) / 2, times[-1:]))
