"""What came out of a benchmark, as a table and as JSON."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import BenchError

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something took, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a frame; the last three are 0 where nothing is computed on the device."""

    name: str
    timing: Timing
    gflop: float
    tflop_per_s: float
    share_of_matmul: float  # of the rate of a large matrix product


@dataclass(frozen=True, slots=True)
class Row:
    """A number of objects."""

    objects: int
    end_to_end: Timing  # of Tracker.step: 8-bit image on the host to label image and objects on the host
    frames_per_s: float
    gflop: float  # of a frame
    tflop_per_s: float  # end to end
    share_of_matmul: float
    peak_bytes: int
    reserved_bytes: int  # of the device, by torch, at the end: also what graphs hold and what lies ready; 0 on the CPU
    stages: tuple[Stage, ...]  # one by one, waiting for the device after each


@dataclass(frozen=True, slots=True)
class Report:
    """All of it."""

    model: str
    weights: str
    image_size: int  # side of the network's image
    width: int  # of the images, in pixels
    height: int
    device: str
    attention: str  # which kernel does the memory attention
    passes: str  # how the network runs end to end; stages are measured uncompiled
    precision: str
    threads: int
    torch: str
    version: str  # of this package
    frames: int  # measured
    matmul_tflop_per_s: float
    rows: tuple[Row, ...]


def timing(seconds: Sequence[float]) -> Timing:
    """Percentiles."""
    p50, p95, p99 = (np.percentile(seconds, (50, 95, 99)) * 1e3).tolist()
    return Timing(p50, p95, p99)


def table(report: Report) -> str:
    """For people."""
    lines = [
        f"{report.model} ({report.weights} weights), {report.image_size} px, images {report.width}x{report.height}, "
        f"{report.precision}",
        f"{report.device}; torch {report.torch}; a matrix product does {report.matmul_tflop_per_s:.3g} TFLOP/s; "
        f"memory attention: {report.attention}",
        f"{report.frames} frames each, full memory; milliseconds; end to end {report.passes}",
    ]
    for row in report.rows:
        lines += [
            "",
            f"{_objects(row.objects):26} {'p50':>9} {'p95':>9} {'p99':>9} {'GFLOP':>9} {'TFLOP/s':>8} {'share':>6}",
        ]
        lines += [_line(s.name, s.timing, s.gflop, s.tflop_per_s, s.share_of_matmul) for s in row.stages]
        lines += [_line("end to end", row.end_to_end, row.gflop, row.tflop_per_s, row.share_of_matmul)]
        reserved = f", {row.reserved_bytes / MIB:,.0f} MiB reserved" if row.reserved_bytes else ""
        lines += [f"{row.frames_per_s:.1f} frames/s, {row.peak_bytes / MIB:,.0f} MiB at most{reserved}"]
    return "\n".join(lines)


def _objects(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"


def _line(name: str, took: Timing, gflop: float, rate: float, share: float) -> str:
    times = f"{name:26} {took.p50_ms:9.2f} {took.p95_ms:9.2f} {took.p99_ms:9.2f}"
    return f"{times} {gflop:9.2f} {rate:8.3f} {share:6.1%}" if gflop else times


def write_json(report: Report, path: Path) -> None:
    """For programs; the file is there whole, or as it was before. Raises BenchError."""
    whole = path.resolve()  # through links, such as that of standard output, which are not to be replaced
    part = Path(f"{whole}.part")
    try:
        try:
            part.write_text(json.dumps(dataclasses.asdict(report), indent=1) + "\n", encoding="utf-8")
            part.replace(whole)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise BenchError(
            f"the results cannot be written to {path} ({error.strerror}); give --json a file in a folder that is there"
        ) from error
