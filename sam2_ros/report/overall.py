"""One set of figures for many clips.

As in DAVIS 2017 every object counts the same, whatever its clip: accuracy is the mean over all objects. Latencies are
pooled, counts are summed, calibration errors come from the pooled bins.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace

import numpy as np

from ..evaluation.record import Evaluation, Figures, ReliabilityBin

SUMMED = ("identity_switches", "frames", "dropped")
PERCENTILES = {"latency_p50_ms": 50, "latency_p95_ms": 95, "latency_p99_ms": 99}
MS_PER_S = 1e3

Bins = Callable[[Evaluation], Sequence[ReliabilityBin]]


def overall(evaluations: Sequence[Evaluation]) -> Figures:
    """The figures over all clips; those of the clip itself when there is one."""
    if len(evaluations) == 1:
        return evaluations[0].figures
    figures = Figures(**{each.name: _mean_over_objects(evaluations, each.name) for each in fields(Figures)})
    return replace(
        figures,
        **{name: _sum(getattr(each.figures, name) for each in evaluations) for name in SUMMED},
        **_latencies(evaluations),
        mask_score_error=calibration_error(pooled(evaluations, lambda each: each.mask_score_bins)),
        visibility_error=calibration_error(pooled(evaluations, lambda each: each.visibility_bins)),
    )


def pooled(evaluations: Sequence[Evaluation], bins: Bins) -> tuple[ReliabilityBin, ...]:
    """The bins of all clips as one curve; bins with the same edges become one."""
    by_edges: dict[tuple[float, float], list[ReliabilityBin]] = {}
    for evaluation in evaluations:
        for each in bins(evaluation):
            by_edges.setdefault((each.low, each.high), []).append(each)
    return tuple(_joined(each) for _, each in sorted(by_edges.items()))


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error: |promised - true|, weighted by the number of rows; NaN without rows."""
    filled = [each for each in bins if each.count]
    total = sum(each.count for each in filled)
    return sum(each.count * abs(each.promised - each.true) for each in filled) / total if total else math.nan


def mean(values: Iterable[float]) -> float:
    """Mean of those that are not NaN; NaN when there is none."""
    told = [value for value in values if not math.isnan(value)]
    return math.fsum(told) / len(told) if told else math.nan


def _joined(bins: Sequence[ReliabilityBin]) -> ReliabilityBin:
    filled = [each for each in bins if each.count]
    count = sum(each.count for each in filled)
    if not count:
        return bins[0]
    return replace(
        filled[0],
        count=count,
        promised=sum(each.count * each.promised for each in filled) / count,
        true=sum(each.count * each.true for each in filled) / count,
    )


def _mean_over_objects(evaluations: Sequence[Evaluation], name: str) -> float:
    """Mean over all objects; over clips for a figure that only clips have."""
    over_objects = mean(getattr(each.figures, name) for clip in evaluations for each in clip.objects)
    return mean(getattr(clip.figures, name) for clip in evaluations) if math.isnan(over_objects) else over_objects


def _sum(values: Iterable[float]) -> float:
    told = [value for value in values if not math.isnan(value)]
    return math.fsum(told) if told else math.nan


def _latencies(evaluations: Sequence[Evaluation]) -> dict[str, float]:
    latencies = np.concatenate([[], *(each.latencies_s for each in evaluations)])
    if not latencies.size:
        return dict.fromkeys(PERCENTILES, math.nan)
    return {name: float(np.percentile(latencies, share)) * MS_PER_S for name, share in PERCENTILES.items()}
