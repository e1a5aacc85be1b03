"""The command ``sam2-ros``: replay or make a bag, make up scenes, measure speed, fetch weights. Needs no ROS."""

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from .. import __version__
from ..bag.names import CAMERA_TOPIC, DEFAULT_STORAGE, PROMPTS_TOPIC, STORAGES
from ..config import ModelChoice, TimeConfig, TrackerConfig
from ..demo.scene import DIFFICULTY, SEED
from ..errors import Sam2RosError
from ..weights.shipped import ABOUT_NANO
from .evaluate import add_evaluate
from .options import add_config_options, config_from

INTERRUPTED = 130  # what a shell reports for Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit status."""
    options = _parser().parse_args(arguments)
    _set_up_logging()
    # Whoever stops the command, what it has half written is taken away.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        status: int | None = options.run(options)
    except Sam2RosError as error:
        _say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        _say("interrupted; nothing was written")
        return INTERRUPTED
    return status or 0


# --- commands --------------------------------------------------------------------------------------------------------
# Each imports what it needs itself: torch takes seconds, and --help and import can do without.


def _replay(options: argparse.Namespace) -> None:
    from ..bag.replay import ReplayRequest, replay
    from ..tracking.ready import repeatable_tracker
    from ..weights.loading import load_network

    choice, config = config_from(ModelChoice, options), config_from(TrackerConfig, options)
    if choice.checkpoint == "random":
        _say("warning: the weights are random (--checkpoint random), so the masks mean nothing")
    request = ReplayRequest(
        bag=options.bag,
        output=options.output,
        image_topic=options.image_topic,
        prompts=options.prompts,
        prompts_topic=options.prompts_topic,
        start_s=options.start,
        duration_s=options.duration,
        keep_images=not options.no_images,
        overlay=options.overlay,
        video=options.video,
        overlays=options.overlays,
        storage=options.storage,
        progress=not options.quiet,
        time=config_from(TimeConfig, options),
        as_live=options.as_live,
    )
    compiling = choice.compile_network == "always"
    summary = replay(request, lambda: repeatable_tracker(load_network(choice), config, compiling))
    for sentence in summary.prompts_not_applied:
        _say(f"warning: not applied: {sentence}")
    if not options.quiet:
        ids = ", ".join(map(str, summary.object_ids)) or "none"
        print(f"frames: {summary.frames} tracked, {summary.failed} failed, {summary.fps:.1f} per second")
        print(
            f"prompts: {summary.prompts_applied} applied, {summary.prompts_refused} refused, "
            f"{len(summary.prompts_not_applied)} for no image"
        )
        print(f"objects: {len(summary.object_ids)} (ids: {ids})")
        print(f"written: {', '.join(map(str, summary.outputs))}")


def _demo(options: argparse.Namespace) -> None:
    from ..demo.run import SCENE, SHEET, TRACKED, VIDEO, run_demo

    choice = config_from(ModelChoice, options)
    summary = run_demo(options.output, choice, options.seed, options.difficulty)
    if choice.model in ("auto", "nano") and choice.checkpoint == "auto":
        print(f"model nano: {ABOUT_NANO}")
    print(
        f"objects: {len(summary.replay.object_ids)}, each from one box on the first of {summary.replay.frames} images"
    )
    print(f"J&F: {summary.j_and_f:.3f} (mean over objects, 1 is perfect)")
    print(f"visibility: {summary.visibility:.1%} of objects and images told right")
    print(f"speed: {summary.replay.fps:.1f} images per second, with reading, drawing and writing")
    for name, text in (
        (SCENE, "scene with prompts and ground truth"),
        (TRACKED, "bag with masks and objects"),
        (VIDEO, "overlay video"),
        (SHEET, "contact sheet"),
    ):
        print(f"{text}: {options.output / name}")


def _import(options: argparse.Namespace) -> None:
    from ..bag.ingest import IngestRequest, ingest

    summary = ingest(
        IngestRequest(
            source=options.source,
            output=options.output,
            fps=options.fps,
            topic=options.topic,
            compressed=options.compressed,
            storage=options.storage,
            progress=not options.quiet,
        )
    )
    if not options.quiet:
        print(f"written: {summary.output}, {summary.frames} images on {summary.topic}")


def _synthesize(options: argparse.Namespace) -> None:
    from ..bag.synthesize import SynthesizeRequest, synthesize
    from ..synthetic import settings_for

    width, height = options.size or (None, None)
    given = {"frames": options.frames, "fps": options.fps, "width": width, "height": height}
    summary = synthesize(
        SynthesizeRequest(
            output=options.output,
            seed=options.seed,
            settings=replace(
                settings_for(options.difficulty), **{name: value for name, value in given.items() if value is not None}
            ),
            storage=options.storage,
            progress=not options.quiet,
        )
    )
    if not options.quiet:
        print(f"written: {summary.output}, {summary.frames} images of {summary.objects} objects, a box for each")


def _bench(options: argparse.Namespace) -> None:
    from ..bench.report import table, write_json
    from ..bench.run import BenchRequest, bench

    width, height = options.size
    request = BenchRequest(config_from(ModelChoice, options), options.objects, options.frames, width, height)
    report = bench(request, lambda what: _say(f"measuring: {what}"))
    print(table(report))
    if options.json is not None:
        write_json(report, options.json)


def _doctor(options: argparse.Namespace) -> int:
    from ..machine.doctor import examine, works

    findings = examine()
    print("\n".join(map(str, findings)))
    return 0 if works(findings) else 1


def _download(options: argparse.Namespace) -> None:
    from ..weights.download import download

    for model in options.models:
        print(download(model))


# --- options ---------------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sam2-ros", description="Track objects in recorded images with SAM 2.1.")
    parser.add_argument("--version", action="version", version=f"sam2-ros {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_replay(_command(commands, "replay", "track through a rosbag2 and write the results to a new one"))
    _add_import(_command(commands, "import", "make a rosbag2 of a folder of images or of a video"))
    _add_synthesize(_command(commands, "synthesize", "make up a scene with prompts and ground truth, as a rosbag2"))
    add_evaluate(_command(commands, "evaluate", "hold what was tracked against ground truth, in the field's measures"))
    _add_demo(_command(commands, "demo", "make up a scene, track through it, score it, leave pictures to look at"))
    _add_bench(_command(commands, "bench", "measure how fast a model tracks on this machine, stage by stage"))
    doctor = _command(commands, "doctor", "say what works on this machine and what does not, with the remedy")
    doctor.set_defaults(run=_doctor)
    fetch = _command(commands, "download", "fetch official weights into the cache and verify them")
    fetch.add_argument("models", nargs="+", metavar="MODEL", help="tiny, small, base_plus or large")
    fetch.set_defaults(run=_download)
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    # An abbreviation that works today would break with the next option.
    return commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Track through a rosbag2, dropping no image, and write prompts, images and results to a new one. "
        "Prompts come from the bag's prompts topic, from a YAML file (see sam2_ros/bag/prompts_file.py), or both."
    )
    add = parser.add_argument
    add("bag", type=Path, metavar="IN", help="rosbag2: a folder, or an .mcap or .db3 file")
    add("--output", type=Path, required=True, metavar="OUT", help="the new bag, a folder that is not there yet")
    add("--image-topic", metavar="TOPIC", help="raw or compressed images (default: the bag's only image topic)")
    add("--prompts", type=Path, metavar="FILE", help="prompts in YAML")
    add("--prompts-topic", default=PROMPTS_TOPIC, metavar="TOPIC", help="recorded prompts (default: %(default)s)")
    add("--start", type=float, default=0.0, metavar="S", help="begin S seconds after the bag's first message")
    add("--duration", type=float, metavar="D", help="end D seconds after the start")
    add(
        "--as-live",
        action="store_true",
        help="track only in images for which the bag has results of a live tracker, which dropped the others",
    )
    add("--no-images", action="store_true", help="leave the input images out of the new bag")
    add("--overlay", action="store_true", help="write overlay pictures to the new bag as well")
    add("--video", type=Path, metavar="FILE", help="write overlay pictures to a video, such as out.mp4")
    add("--overlays", type=Path, metavar="DIR", help="write overlay pictures to a new folder, one PNG per image")
    _add_storage(parser)
    add_config_options(parser.add_argument_group("model"), ModelChoice)
    add_config_options(parser.add_argument_group("tracker"), TrackerConfig)
    add_config_options(parser.add_argument_group("time"), TimeConfig)
    parser.set_defaults(run=_replay)


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.description = "Make a rosbag2 of a folder of images, in natural order of their names, or of a video."
    add = parser.add_argument
    add("source", type=Path, metavar="FOLDER_OR_VIDEO", help="image files, or any video that OpenCV reads")
    add("output", type=Path, metavar="OUT_BAG", help="the new bag, a folder that is not there yet")
    add("--fps", type=float, metavar="N", help="images per second (default: the video's own rate, 30 for images)")
    add("--topic", default=CAMERA_TOPIC, help="where raw images go (default: %(default)s)")
    add("--compressed", action="store_true", help="write jpeg instead of raw images, to TOPIC/compressed")
    _add_storage(parser)
    parser.set_defaults(run=_import)


def _add_synthesize(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Make a rosbag2 of a made-up scene: images, a box for each object on the first image, and the label images "
        "that a tracker should find. The same seed makes the same scene."
    )
    add = parser.add_argument
    add("output", type=Path, metavar="OUT_BAG", help="the new bag, a folder that is not there yet")
    _add_scene(parser, 0, "easy")
    add(
        "--frames", type=int, metavar="N", help="how many images (default of this, size and rate: the difficulty's own)"
    )
    add("--size", type=_size, metavar="WxH", help="of the images in pixels")
    add("--fps", type=float, metavar="N", help="images per second")
    _add_storage(parser)
    parser.set_defaults(run=_synthesize)


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, default=Path("demo_output"), metavar="DIR", help="default: %(default)s")
    _add_scene(parser, SEED, DIFFICULTY)
    add_config_options(parser.add_argument_group("model"), ModelChoice)
    parser.set_defaults(run=_demo)


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Measure how fast a model tracks on this machine, with full memory: every stage of a frame by itself, and end "
        "to end from an image on the host to label image and objects on the host. Of models that do not come with the "
        "package the weights are random unless --checkpoint names a file: speed does not depend on them."
    )
    add = parser.add_argument
    add("--objects", type=_counts, default="1,2,4,8,16", metavar="N,N,...", help="how many (default: %(default)s)")
    add("--frames", type=_count, default=50, metavar="N", help="frames to measure for each (default: %(default)s)")
    add("--size", type=_size, default="1280x720", metavar="WxH", help="of the images in pixels (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write the results to a file as well")
    add_config_options(parser.add_argument_group("model"), ModelChoice)
    parser.set_defaults(run=_bench)


def _counts(text: str) -> tuple[int, ...]:
    """Numbers of objects in text such as 1,4,8."""
    counts = tuple(map(_count, text.split(",")))
    most = TrackerConfig(mask_encoding="mono8").max_object_id
    if max(counts) > most:
        raise argparse.ArgumentTypeError(f"{max(counts)} objects are too many; give at most {most}")
    return counts


def _count(text: str) -> int:
    """A number of at least 1."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def _add_scene(parser: argparse.ArgumentParser, seed: int, difficulty: str) -> None:
    add = parser.add_argument
    add("--seed", type=int, default=seed, metavar="S", help="which scene, from 0 (default: %(default)s)")
    add("--difficulty", default=difficulty, metavar="easy|medium|hard", help="default: %(default)s")


def _size(text: str) -> tuple[int, int]:
    """Width and height of text such as 320x240."""
    try:
        width, height = map(int, text.split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form WxH, such as 320x240") from None
    return width, height


def _add_storage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--storage", choices=STORAGES, default=DEFAULT_STORAGE, help="format of the new bag (default: %(default)s)"
    )
    parser.add_argument(
        "--quiet", action="store_true", help="show no progress and no summary, only warnings and errors"
    )


# --- messages --------------------------------------------------------------------------------------------------------


class _Handler(logging.Handler):
    """Prints log records like the command's own messages, without tearing a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        _say(f"{level}{record.getMessage()}")


def _set_up_logging() -> None:
    log = logging.getLogger("sam2_ros")
    log.handlers = [_Handler()]
    log.setLevel(logging.INFO)
    log.propagate = False


def _say(sentence: str) -> None:
    tqdm.write(f"sam2-ros: {sentence}", file=sys.stderr)
