"""The rows of objects to the figures of an object, of a clip, and of many clips."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .calibration import calibration_error, pooled, reliability
from .counting import CountedObject
from .longterm import Sighting, long_term
from .positions import position_figures
from .record import FIGURE_NAMES, Evaluation, Figures, ObjectFigures, ReliabilityBin, Row
from .returns import returns
from .statistics import mean, statistics
from .visibility import visibility_score

MS_PER_S = 1e3
# How figures of objects, and of clips, become one: what is not named here is the mean of those that are numbers.
SUMS = ("identity_switches", "frames", "dropped")
ABSENCES = {"found_again_10": (10, 30), "found_again_30": (30, 100), "found_again_100": (100, math.inf)}  # frames


@dataclass(frozen=True, slots=True)
class Course:
    """How a run went, apart from what it found."""

    frames: int  # annotated frames that were scored
    dropped: int  # images, or annotated frames, that got no result of their own
    latencies_s: tuple[float, ...]  # one per processed image


def object_figures(item: CountedObject) -> ObjectFigures:
    """The figures of one object; what is only known of a clip is NaN."""
    rows = [row for row in item.rows if row.counted]
    region = statistics([row.region for row in rows])
    boundary = statistics([row.boundary for row in rows])
    course = long_term(Sighting(row.true_area > 0, row.found_area > 0, row.region) for row in item.rows)
    figures = Figures(
        j_and_f=(region.mean + boundary.mean) / 2,
        j_mean=region.mean,
        j_recall=region.recall,
        j_decay=region.decay,
        f_mean=boundary.mean,
        f_recall=boundary.recall,
        f_decay=boundary.decay,
        accuracy=course.accuracy,
        robustness=course.robustness,
        nre=course.not_reported,
        dre=course.drift,
        adq=course.absence_detected,
        quality=course.quality,
        identity_switches=float(item.switches),
        frames=float(len(item.rows)),
        **_found_again(item.rows),
        **_told_right(rows),
        **_calibration(mask_score_bins(rows), visibility_bins(rows)),
    )
    return ObjectFigures(item.object_id, item.label, figures)


def clip_figures(objects: Sequence[ObjectFigures], rows: Sequence[Row], course: Course) -> Figures:
    """The figures of a clip: means over its objects, but of all rows together where figures are shares of rows.

    ``rows``: those of all objects.
    """
    together = _joined([item.figures for item in objects])
    some = [row for row in rows if row.counted]
    return replace(
        together,
        j_and_f=(together.j_mean + together.f_mean) / 2,
        frames=float(course.frames),
        dropped=float(course.dropped),
        **_told_right(some),
        **_calibration(mask_score_bins(some), visibility_bins(some)),
        **_latencies(course.latencies_s),
    )


def overall(evaluations: Sequence[Evaluation]) -> Figures:
    """The figures of many clips as one.

    J and F, means and the rest, over the objects of all clips, as DAVIS and SA-V have it. Long-term figures over clips,
    as the VOT toolkit has it. Visibility, calibration and latency over all rows and images.
    """
    objects = _joined([item.figures for evaluation in evaluations for item in evaluation.objects])
    clips = _joined([evaluation.figures for evaluation in evaluations])
    return replace(
        objects,
        j_and_f=(objects.j_mean + objects.f_mean) / 2,
        accuracy=clips.accuracy,
        robustness=clips.robustness,
        nre=clips.nre,
        dre=clips.dre,
        adq=clips.adq,
        quality=clips.quality,
        frames=clips.frames,
        dropped=clips.dropped,
        **_told_right([row for evaluation in evaluations for row in evaluation.rows if row.counted]),
        **_calibration(
            pooled([evaluation.mask_score_bins for evaluation in evaluations]),
            pooled([evaluation.visibility_bins for evaluation in evaluations]),
        ),
        **position_figures([each for evaluation in evaluations for each in evaluation.positions]),
        **_latencies([latency for evaluation in evaluations for latency in evaluation.latencies_s]),
    )


def mask_score_bins(rows: Iterable[Row]) -> tuple[ReliabilityBin, ...]:
    """Predicted IoU against J, of the rows that count and whose object is said to be visible.

    Of an object that is said to be hidden the mask is empty, and its predicted IoU speaks of none.
    """
    return reliability((row.mask_score, row.region) for row in rows if row.counted and row.found)


def visibility_bins(rows: Iterable[Row]) -> tuple[ReliabilityBin, ...]:
    """Published visibility against what is true, of the rows that count."""
    return reliability((row.visibility, float(row.visible)) for row in rows if row.counted)


def _found_again(rows: Sequence[Row]) -> dict[str, float]:
    """The share of its returns after which an object is found again, by how long it was away."""
    shortest = min(low for low, _ in ABSENCES.values())
    all_returns = returns(rows, shortest)
    return {
        name: mean([each.found for each in all_returns if low <= each.absent < high])
        for name, (low, high) in ABSENCES.items()
    }


def _told_right(rows: Iterable[Row]) -> dict[str, float]:
    """The figures of visibility."""
    seen = visibility_score((row.visible, row.found) for row in rows)
    return {
        "visibility_accuracy": seen.accuracy,
        "visibility_precision": seen.precision,
        "visibility_recall": seen.recall,
    }


def _calibration(mask_score: Sequence[ReliabilityBin], visibility: Sequence[ReliabilityBin]) -> dict[str, float]:
    """The figures of how far published probabilities hold."""
    return {"mask_score_error": calibration_error(mask_score), "visibility_error": calibration_error(visibility)}


def _joined(many: Sequence[Figures]) -> Figures:
    return Figures(
        **{
            name: float(np.nansum(values)) if name in SUMS else mean(values)
            for name in FIGURE_NAMES
            for values in [[getattr(figures, name) for figures in many]]
        }
    )


def _latencies(latencies_s: Sequence[float]) -> dict[str, float]:
    """Percentiles in milliseconds, linear between two latencies."""
    if not len(latencies_s):
        return {}
    p50, p95, p99 = np.percentile(np.asarray(latencies_s) * MS_PER_S, (50, 95, 99)).tolist()
    return {"latency_p50_ms": p50, "latency_p95_ms": p95, "latency_p99_ms": p99}
