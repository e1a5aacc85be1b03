"""``sam2-ros import``: pictures or a video to a bag."""

import argparse
from pathlib import Path

from ..bag.names import CAMERA_TOPIC
from .command import Command
from .options import add_storage


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.description = "Make a rosbag2 of a folder of images, in natural order of their names, or of a video."
    add = parser.add_argument
    add(
        "source",
        type=Path,
        metavar="FOLDER_OR_VIDEO",
        help="image files, one with pages (TIFF, GIF, WebP), or any video that OpenCV reads",
    )
    add("output", type=Path, metavar="OUT_BAG", help="the new bag, a folder that is not there yet")
    add(
        "--fps",
        type=float,
        metavar="N",
        help="images per second (default: the own times of a video or animation, 30 a second for images)",
    )
    add("--topic", default=CAMERA_TOPIC, help="where raw images go (default: %(default)s)")
    add("--compressed", action="store_true", help="write jpeg instead of raw images, to TOPIC/compressed")
    add_storage(parser)


def run(options: argparse.Namespace) -> None:
    """Write the bag. Raises BagError."""
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


COMMAND = Command("import", "make a rosbag2 of a folder of images or of a video", add_options, run)
