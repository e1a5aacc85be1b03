"""``sam2-ros replay``: track through a bag."""

import argparse
from pathlib import Path

from ..bag.names import PROMPTS_TOPIC
from ..config import InputConfig, ModelChoice, TimeConfig, TrackerConfig
from .command import Command
from .options import add_config_options, add_space, add_storage, config_from, space_from
from .terminal import say


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.description = (
        "Track through a rosbag2, dropping no image, and write prompts, images and results to a new one. "
        "Prompts come from the bag's prompts topic, from a YAML file (see sam2_ros/bag/prompts_file.py), or both."
    )
    add = parser.add_argument
    add("bag", type=Path, metavar="IN", help="rosbag2: a folder, or an .mcap or .db3 file")
    add("--output", type=Path, required=True, metavar="OUT", help="the new bag, a folder that is not there yet")
    add(
        "--image-topic",
        metavar="TOPIC",
        help="raw or compressed images (default: the bag's only one, or the only one with colours)",
    )
    add("--prompts", type=Path, metavar="FILE", help="prompts in YAML")
    add("--prompts-topic", default=PROMPTS_TOPIC, metavar="TOPIC", help="recorded prompts (default: %(default)s)")
    add("--start", type=float, default=0.0, metavar="S", help="begin S seconds after the bag's first message")
    add("--duration", type=float, metavar="D", help="end D seconds after the start")
    add(
        "--as-live",
        action="store_true",
        help="track only in images for which the bag has results of a live tracker, which dropped the others",
    )
    add("--recover", action="store_true", help="take what is whole of a bag whose recording was not closed")
    add("--no-images", action="store_true", help="leave the input images out of the new bag")
    add("--overlay", action="store_true", help="write overlay pictures to the new bag as well")
    add("--video", type=Path, metavar="FILE", help="write overlay pictures to a video, such as out.mp4")
    add("--overlays", type=Path, metavar="DIR", help="write overlay pictures to a new folder, one PNG per image")
    add("--load-state", type=Path, metavar="FILE", help="go on with the objects of a saved state")
    add("--save-state", type=Path, metavar="FILE", help="save what is tracked at the end to a new .safetensors file")
    add("--trace", type=Path, metavar="FILE", help="write what each object attended to and remembered, as JSON lines")
    add_storage(parser)
    add_space(parser)
    add_config_options(parser.add_argument_group("model"), ModelChoice)
    add_config_options(parser.add_argument_group("tracker"), TrackerConfig)
    add_config_options(parser.add_argument_group("images"), InputConfig)
    add_config_options(parser.add_argument_group("time"), TimeConfig)


def run(options: argparse.Namespace) -> None:
    """Track and say what came of it. Raises Sam2RosError."""
    from ..bag.replay import ReplayRequest, replay
    from ..bag.staging import check_free
    from ..stored.state_file import read_state, write_state
    from ..tracking.ready import repeatable_tracker
    from ..tracking.tracker import Tracker
    from ..weights.loading import load_network

    choice, config = config_from(ModelChoice, options), config_from(TrackerConfig, options)
    if choice.checkpoint == "random":
        say("warning: the weights are random (--checkpoint random), so the masks mean nothing")
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
        trace=options.trace,
        storage=options.storage,
        progress=not options.quiet,
        time=config_from(TimeConfig, options),
        input=config_from(InputConfig, options),
        as_live=options.as_live,
        recover=options.recover,
        space=space_from(options),
    )
    before = None if options.load_state is None else read_state(options.load_state).state
    if options.save_state is not None:
        check_free(options.save_state)
    trackers: list[Tracker] = []  # the one that the replay has made

    def make() -> Tracker:
        trackers.append(repeatable_tracker(load_network(choice), config, choice.compile_network == "always"))
        if before is not None:
            trackers[0].restore(before)
        return trackers[0]

    summary = replay(request, make)
    if options.save_state is not None:
        write_state(options.save_state, trackers[0].state())
    for sentence in summary.prompts_not_applied:
        say(f"warning: not applied: {sentence}")
    if not options.quiet:
        ids = ", ".join(map(str, summary.object_ids)) or "none"
        print(f"frames: {summary.frames} tracked, {summary.failed} failed, {summary.fps:.1f} per second")
        print(
            f"prompts: {summary.prompts_applied} applied, {summary.prompts_refused} refused, "
            f"{len(summary.prompts_not_applied)} for no image"
        )
        print(f"objects: {len(summary.object_ids)} (ids: {ids})")
        written = [*summary.outputs, *([options.save_state] if options.save_state else [])]
        print(f"written: {', '.join(map(str, written))}")


COMMAND = Command("replay", "track through a rosbag2 and write the results to a new one", add_options, run)
