"""``sam2-ros bench``: how fast it is here."""

import argparse
from pathlib import Path

from ..config import ModelChoice, TrackerConfig
from .command import Command
from .options import add_config_options, config_from, count, size
from .terminal import say


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.description = (
        "Measure how fast a model tracks on this machine, with full memory: every stage of a frame by itself, and end "
        "to end from an image on the host to label image and objects on the host. Of models that do not come with the "
        "package the weights are random unless --checkpoint names a file: speed does not depend on them."
    )
    add = parser.add_argument
    add("--objects", type=_counts, default="1,2,4,8,16", metavar="N,N,...", help="how many (default: %(default)s)")
    add("--frames", type=count, default=50, metavar="N", help="frames to measure for each (default: %(default)s)")
    add("--size", type=size, default="1280x720", metavar="WxH", help="of the images in pixels (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write the results to a file as well")
    add_config_options(parser.add_argument_group("model"), ModelChoice)


def run(options: argparse.Namespace) -> None:
    """Measure and print. Raises Sam2RosError."""
    from ..bench.report import table, write_json
    from ..bench.run import BenchRequest, bench

    width, height = options.size
    request = BenchRequest(config_from(ModelChoice, options), options.objects, options.frames, width, height)
    report = bench(request, lambda what: say(f"measuring: {what}"))
    print(table(report))
    if options.json is not None:
        write_json(report, options.json)


def _counts(text: str) -> tuple[int, ...]:
    """Numbers of objects in text such as 1,4,8."""
    counts = tuple(map(count, text.split(",")))
    most = TrackerConfig(mask_encoding="mono8").max_object_id
    if max(counts) > most:
        raise argparse.ArgumentTypeError(f"{max(counts)} objects are too many; give at most {most}")
    return counts


COMMAND = Command("bench", "measure how fast a model tracks on this machine, stage by stage", add_options, run)
