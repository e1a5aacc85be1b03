"""The log of a run: a CSV with a line per step, and its curves as a picture."""

import csv
from dataclasses import dataclass, fields
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")  # no screen is needed
import matplotlib.pyplot as plt

LOG_FILE = "log.csv"
CURVES_FILE = "curves.png"
SMOOTHING = 50  # steps


@dataclass(frozen=True, slots=True)
class LogLine:
    """One step."""

    step: int
    stage: str
    seconds: float
    learning_rate: float
    total: float
    focal: float
    dice: float
    iou: float
    occlusion: float
    quality: float  # mean IoU of the masks
    presence: float  # share of objects whose presence was told right


class Log:
    """Appends to the log of a folder. Lines of steps that a resumed run will do again are dropped."""

    def __init__(self, folder: Path, first_step: int) -> None:
        self._file = folder / LOG_FILE
        self._curves = folder / CURVES_FILE
        kept = [line for line in read_log(folder) if line.step < first_step]
        with self._file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow([field.name for field in fields(LogLine)])
            writer.writerows(_row(line) for line in kept)

    def write(self, line: LogLine) -> None:
        """Append a step."""
        with self._file.open("a", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerow(_row(line))

    def draw(self) -> None:
        """Write the curves of all steps so far."""
        lines = read_log(self._file.parent)
        steps = np.array([line.step for line in lines])
        figure, axes = plt.subplots(2, 3, figsize=(15, 8), constrained_layout=True)
        names = ("total", "focal", "dice", "iou", "occlusion", "quality")
        titles = ("loss", "focal", "dice", "IoU error", "presence (cross-entropy)", "IoU of masks; presence told right")
        for axis, name, title in zip(axes.flat, names, titles, strict=True):
            values = np.array([getattr(line, name) for line in lines])
            axis.plot(steps, values, color="0.85", linewidth=0.5)
            axis.plot(steps, _smooth(values), color="tab:blue", label=name)
            axis.set_title(title)
            axis.set_xlabel("step")
            for first, stage in _stage_starts(lines):
                axis.axvline(first, color="0.6", linestyle=":", linewidth=1)
                axis.text(first, axis.get_ylim()[1], f" {stage}", fontsize=7, va="top", color="0.4")
        axes.flat[-1].plot(steps, _smooth(np.array([line.presence for line in lines])), color="tab:orange")
        axes.flat[0].set_yscale("log")
        figure.savefig(self._curves, dpi=80)
        plt.close(figure)


def read_log(folder: Path) -> list[LogLine]:
    """The steps logged in a folder, none when there is no log."""
    file = folder / LOG_FILE
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as stream:
        return [
            LogLine(int(row["step"]), row["stage"], *(float(row[field.name]) for field in fields(LogLine)[2:]))
            for row in csv.DictReader(stream)
        ]


def _row(line: LogLine) -> list[object]:
    values = [getattr(line, field.name) for field in fields(LogLine)]
    return [f"{value:.5g}" if isinstance(value, float) else value for value in values]


def _smooth(values: np.ndarray) -> np.ndarray:
    """Mean over the last few steps."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - SMOOTHING, 0)
    return (total[ends] - total[starts]) / (ends - starts)


def _stage_starts(lines: list[LogLine]) -> list[tuple[int, str]]:
    starts = []
    for index, line in enumerate(lines):
        if not index or line.stage != lines[index - 1].stage:
            starts.append((line.step, line.stage))
    return starts
