"""The command ``sam2-ros evaluate``: its options, and what it prints."""

import argparse
import hashlib
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..bag.names import GROUND_TRUTH_3D_TOPIC, GROUND_TRUTH_TOPIC
from ..config import ModelChoice, TrackerConfig
from ..errors import EvaluationError
from ..evaluation.request import DEFAULT_FPS, EvaluateRequest
from ..measures.protocol import Measure, Protocol
from ..measures.record import FIGURE_NAMES
from .command import Command
from .options import add_config_options, add_space, config_from, space_from

if TYPE_CHECKING:
    from ..report.files import Run
    from ..report.gate import Baseline

BAD = 1  # exit status when a clip failed or a figure fell
EVERY = "all"  # stands for every figure in --tolerance


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.description = (
        "Hold what a tracker found against ground truth, frame by frame: in bags or folders that hold results already, "
        "or after tracking through them. A folder of bags or of sequences means each of them. The measures and where "
        "they come from stand in docs/evaluation.md."
    )
    add = parser.add_argument
    add("clips", nargs="*", type=Path, metavar="BAG_OR_FOLDER", help="with results, or with images to track through")
    _add_truth(parser.add_argument_group("ground truth"))
    _add_results(parser.add_argument_group("results"))
    _add_output(parser.add_argument_group("output"))
    _add_many(parser.add_argument_group("many clips"))
    _add_gate(parser.add_argument_group("regression gate"))
    add_space(parser)
    add_config_options(parser.add_argument_group("model"), ModelChoice)
    add_config_options(parser.add_argument_group("tracker"), TrackerConfig)


def run(options: argparse.Namespace) -> int:
    """Evaluate and print; the exit status. Raises Sam2RosError."""
    if options.compare:
        from ..evaluation.output import compare_runs

        first, second = options.compare
        print(compare_runs(first, second, options.output))
        return 0
    if not options.clips:
        raise EvaluationError("there is nothing to evaluate; give a bag or a folder, or two runs with --compare A B")
    from ..evaluation.requests import requests_of
    from ..report.gate import read_baseline

    # Before hours of work.
    baseline = read_baseline(options.baseline) if options.baseline else None
    if options.output:
        from ..evaluation.output import check_output

        check_output(options.output)
    with _work(options) as work:
        requests = [one for request in _requests(options) for one in requests_of(request, options.names)]
        if options.output:
            requests = [replace(one, keep=work / "kept" / _key(one)) for one in requests]
        done = _evaluated(requests, work, options)
        if options.output:
            from ..evaluation.output import write_output

            write_output(options.output, done.evaluations, done.failed, requests)
    if not options.quiet:
        from ..report.table import table

        print("\n".join(table(done.evaluations)))
    return _verdict(done, baseline, options)


# --- options ---------------------------------------------------------------------------------------------------------


def _add_truth(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add(
        "--truth",
        type=Path,
        metavar="BAG_OR_FOLDER",
        help="a bag, or label images as DAVIS, MOSE or SA-V lay them out (default: the bag itself)",
    )
    add("--truth-topic", default=GROUND_TRUTH_TOPIC, metavar="TOPIC", help="label images (default: %(default)s)")
    add(
        "--truth-3d-topic",
        default=GROUND_TRUTH_3D_TOPIC,
        metavar="TOPIC",
        help="true positions, vision_msgs/Detection3DArray, with which those of the results are compared where both "
        "are there (default: %(default)s)",
    )
    add(
        "--stamp-tolerance",
        type=float,
        default=0.0,
        metavar="S",
        help="seconds by which the stamps of an image and its truth may differ (default: %(default)s)",
    )
    add(
        "--measure",
        type=Measure,
        choices=list(Measure),
        default=Measure.DAVIS,
        metavar="davis|sa-v",
        help="whose rule says which frames and objects count (default: davis)",
    )
    add("--match-ids", action="store_true", help="ids of truth and results differ: match them by overlap (Hungarian)")


def _add_results(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add(
        "--protocol",
        type=Protocol,
        choices=list(Protocol),
        metavar="|".join(protocol.value for protocol in Protocol),
        help="take results as recorded, or track from the bag's own prompts, or from ground truth: masks, boxes or "
        "clicks where an object appears (default: recorded where there are results, else prompts; for a folder of "
        "images davis-semi)",
    )
    add("--image-topic", metavar="TOPIC", help="to track on (default: the bag's only image topic)")
    add(
        "--fps",
        type=float,
        default=DEFAULT_FPS,
        metavar="N",
        help="images per second of a folder (default: %(default)s)",
    )
    add(
        "--realtime",
        action="store_true",
        help="as fast as the robot: images that come while the tracker is busy are dropped, its last result stands",
    )
    add("--latency", type=float, metavar="S", help="with --realtime: seconds per image (default: as measured)")


def _add_output(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add("--output", type=Path, metavar="DIR", help="a new folder for the report, plots, JSON and CSV")
    add("--compare", nargs=2, type=Path, metavar=("A", "B"), help="two outputs side by side, instead of evaluating")
    add("--quiet", action="store_true", help="show no progress and no table, only warnings and errors")


def _add_many(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add(
        "--names",
        type=Path,
        metavar="FILE",
        help="only the clips whose names stand in it, as in ImageSets/2017/val.txt",
    )
    add("--work", type=Path, metavar="DIR", help="finished clips, not done again (default: OUTPUT.work, if --output)")
    add("--workers", type=int, default=1, metavar="N", help="processes (default: %(default)s)")
    add("--threads", type=int, default=0, metavar="N", help="in each process; 0: all (default: %(default)s)")
    add("--devices", default="", metavar="cuda:0,cuda:1", help="a process for each, at least")
    add("--ray", metavar="auto|local|ADDRESS", help="over a Ray cluster, a task for each clip; local starts one here")


def _add_gate(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add("--baseline", type=Path, metavar="FILE", help="exit with 1 when a figure is worse than in this file")
    add(
        "--tolerance",
        nargs="+",
        type=_tolerance,
        default=[],
        metavar="FIGURE=VALUE",
        help=f"by how much it may be worse, such as j_and_f=0.01; {EVERY}=VALUE or VALUE: any other (default: 0)",
    )
    add("--write-baseline", type=Path, metavar="FILE", help="write these figures as a baseline")


def _tolerance(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=") if "=" in text else (EVERY, "=", text)
    known = [EVERY, *FIGURE_NAMES]
    if name not in known:
        raise argparse.ArgumentTypeError(f"{name!r} is no figure; choose one of {', '.join(known)}")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} gives no tolerance; write FIGURE=VALUE, such as j_and_f=0.01")
    return name, number


def _requests(options: argparse.Namespace) -> Iterator[EvaluateRequest]:
    choice, config = config_from(ModelChoice, options), config_from(TrackerConfig, options)
    for clip in options.clips:
        yield EvaluateRequest(
            results=clip,
            truth=options.truth,
            truth_topic=options.truth_topic,
            truth_3d_topic=options.truth_3d_topic,
            image_topic=options.image_topic,
            protocol=options.protocol,
            measure=options.measure,
            match_ids=options.match_ids,
            tolerance_s=options.stamp_tolerance,
            realtime=options.realtime,
            latency_s=options.latency,
            fps=options.fps,
            choice=choice,
            config=config,
            space=space_from(options),
        )


# --- work ------------------------------------------------------------------------------------------------------------


@contextmanager
def _work(options: argparse.Namespace) -> Iterator[Path]:
    """The folder of finished clips: it stays where somebody may come back to it."""
    if options.work or options.output:
        yield options.work or options.output.with_name(f"{options.output.name}.work")
        return
    with TemporaryDirectory(prefix="sam2_ros_evaluate_") as folder:
        yield Path(folder)


def _key(request: EvaluateRequest) -> str:
    """A name for what a request leaves behind: the same in the next run, whatever else is asked for then."""
    return hashlib.sha256(repr(request).encode()).hexdigest()[:16]


def _evaluated(requests: Sequence[EvaluateRequest], work: Path, options: argparse.Namespace) -> "Run":
    progress = not options.quiet
    if options.ray:
        from ..evaluation.cluster import Cluster, evaluate_on_cluster

        cluster = Cluster(address=options.ray, threads=options.threads or 1)
        return evaluate_on_cluster(requests, work, cluster, progress)
    if len(requests) == 1 and not (options.work or options.output):
        from ..evaluation.one import evaluate
        from ..report.files import Run

        # Alone, a clip has a bar of its own, and its error is the command's.
        return Run((evaluate(requests[0], progress),), ())
    from ..evaluation.many import Workers, evaluate_many

    devices = tuple(device for device in options.devices.split(",") if device)
    return evaluate_many(
        requests, work, Workers(max(options.workers, len(devices)), options.threads, devices), progress
    )


def _verdict(done: "Run", baseline: "Baseline | None", options: argparse.Namespace) -> int:
    """Say what failed or fell, write the baseline; the exit status."""
    from ..report.gate import check, write_baseline

    complaints = [f"{clip.source}: {clip.reason}" for clip in done.failed]
    if baseline is not None:
        complaints += check(baseline, done.evaluations, _tolerances(options.tolerance))
    for complaint in complaints:
        print(f"sam2-ros: {complaint}", file=sys.stderr)
    if options.write_baseline and not done.failed:
        write_baseline(options.write_baseline, done.evaluations)
    return BAD if complaints else 0


def _tolerances(given: Sequence[tuple[str, float]]) -> Mapping[str, float]:
    named = dict(given)
    every = named.pop(EVERY, 0.0)
    from ..report.gate import OF_THE_MACHINE

    return {name: every for name in FIGURE_NAMES if name not in OF_THE_MACHINE} | named


COMMAND = Command("evaluate", "hold what was tracked against ground truth, in the field's measures", add_options, run)
