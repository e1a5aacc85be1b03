"""Evaluations made up from a seed, for tests of what is made of them."""

import dataclasses
import itertools
import math

import numpy as np

from sam2_ros.measures.record import (
    Evaluation,
    Figures,
    FramePictures,
    ObjectFigures,
    ReliabilityBin,
    Row,
    Settings,
)

SECOND = 1_000_000_000
START_NS = 1_700_000_000 * SECOND
SETTINGS = Settings(
    protocol="first-box",
    measure="davis",
    model="nano",
    checkpoint="nano.safetensors 0f3a",
    match_ids=False,
    tolerance_s=0.01,
    realtime=False,
    latency_s=math.nan,
    version="0.1.0",
)


def evaluation(
    name: str = "kitchen", seed: int = 0, frames: int = 40, objects: int = 2, better_by: float = 0.0
) -> Evaluation:
    """A clip whose objects hide in the middle; ``better_by`` raises J of the same clip by as much."""
    rng = np.random.default_rng(seed)
    rows = tuple(
        _row(rng, frame, object_id, frames, better_by) for frame in range(frames) for object_id in range(1, objects + 1)
    )
    each = tuple(
        ObjectFigures(i, ("cup", "door <b>", "robot")[i % 3], _figures([r for r in rows if r.object_id == i]))
        for i in range(1, objects + 1)
    )
    return Evaluation(
        name=name,
        source=f"bags/{name}",
        settings=SETTINGS,
        width=64,
        height=48,
        figures=dataclasses.replace(_figures(rows), latency_p50_ms=52.0, latency_p95_ms=61.0, latency_p99_ms=80.5),
        objects=each,
        rows=rows,
        mask_score_bins=_bins(rng),
        visibility_bins=_bins(rng),
        latencies_s=tuple((0.05 + rng.exponential(0.004, frames)).tolist()),
        notes=("ids of truth and prediction were taken as equal",),
        start_ns=START_NS - SECOND // 2,
    )


def pictures(clip: Evaluation, stamp_ns: int) -> FramePictures:
    """A frame of a made-up clip: the first object is found two pixels beside its place, the second one not at all."""
    noise = np.random.default_rng(stamp_ns % 1000).integers(60, 200, (clip.height, clip.width, 3), dtype=np.uint8)
    truth = np.zeros((clip.height, clip.width), dtype=np.uint8)
    found = truth.copy()
    truth[10:30, 10:30], truth[20:40, 40:60] = 1, 2
    found[10:30, 12:32] = 1
    return FramePictures(stamp_ns, noise, truth, found)


def _row(rng: np.random.Generator, frame: int, object_id: int, frames: int, better_by: float) -> Row:
    visible = not frames * 0.4 <= frame < frames * 0.55
    region = float(np.clip(rng.normal(0.8 - 0.1 * object_id, 0.08), 0, 0.9)) if visible else float(rng.random() < 0.7)
    stamp_ns = START_NS + frame * SECOND // 30
    return Row(
        object_id=object_id,
        found_id=object_id,
        frame=frame,
        stamp_ns=stamp_ns,
        time_ns=stamp_ns + 7_000_000,
        counted=0 < frame < frames - 1,
        region=min(1.0, region + better_by),
        boundary=min(1.0, region * 0.9 + better_by),
        visible=visible,
        found=visible or region == 0.0,
        true_area=400 if visible else 0,
        found_area=390 if visible or region == 0.0 else 0,
        visibility=float(rng.random()),
        mask_score=float(rng.random()) if frame % 7 else math.nan,
    )


def _figures(rows: "tuple[Row, ...] | list[Row]") -> Figures:
    counted = [row for row in rows if row.counted]
    j, f = float(np.mean([row.region for row in counted])), float(np.mean([row.boundary for row in counted]))
    return Figures(
        j_and_f=(j + f) / 2,
        j_mean=j,
        j_recall=float(np.mean([row.region > 0.5 for row in counted])),
        f_mean=f,
        visibility_accuracy=float(np.mean([row.visible == row.found for row in rows])),
        identity_switches=1.0,
        frames=float(len({row.frame for row in rows})),
        dropped=0.0,
    )


def _bins(rng: np.random.Generator) -> tuple[ReliabilityBin, ...]:
    edges = np.linspace(0, 1, 11)
    return tuple(
        ReliabilityBin(float(low), float(high), 0, math.nan, math.nan)
        if low < 0.15
        else ReliabilityBin(float(low), float(high), int(rng.integers(1, 50)), float((low + high) / 2), float(low) ** 2)
        for low, high in itertools.pairwise(edges)
    )
