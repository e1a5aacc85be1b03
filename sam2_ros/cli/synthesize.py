"""``sam2-ros synthesize``: a made-up scene as a bag."""

import argparse
from dataclasses import replace
from pathlib import Path

from .command import Command
from .options import add_scene, add_storage, size


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.description = (
        "Make a rosbag2 of a made-up scene: images, a box for each object on the first image, and the label images "
        "that a tracker should find. The same seed makes the same scene."
    )
    add = parser.add_argument
    add("output", type=Path, metavar="OUT_BAG", help="the new bag, a folder that is not there yet")
    add_scene(parser, 0, "easy")
    add(
        "--frames", type=int, metavar="N", help="how many images (default of this, size and rate: the difficulty's own)"
    )
    add("--size", type=size, metavar="WxH", help="of the images in pixels")
    add("--fps", type=float, metavar="N", help="images per second")
    add("--set", nargs="+", default=[], metavar="NAME=VALUE", help="change other settings: absent_frames_max=30")
    add(
        "--depth",
        action="store_true",
        help="a depth camera's topic, camera_info, transforms of the moving camera, and true boxes in space as well",
    )
    add_storage(parser)


def run(options: argparse.Namespace) -> None:
    """Make the scene and write it. Raises BagError, ConfigError."""
    from ..bag.synthesize import SynthesizeRequest, synthesize
    from ..synthetic import changed, settings_for

    width, height = options.size or (None, None)
    given = {"frames": options.frames, "fps": options.fps, "width": width, "height": height}
    summary = synthesize(
        SynthesizeRequest(
            output=options.output,
            seed=options.seed,
            settings=replace(
                changed(settings_for(options.difficulty), options.set),
                **{name: value for name, value in given.items() if value is not None},
            ),
            storage=options.storage,
            progress=not options.quiet,
            depth=options.depth,
        )
    )
    if not options.quiet:
        print(f"written: {summary.output}, {summary.frames} images of {summary.objects} objects, a box for each")


COMMAND = Command("synthesize", "make up a scene with prompts and ground truth, as a rosbag2", add_options, run)
