"""``sam2-ros demo``: a first look."""

import argparse
from pathlib import Path

from ..config import ModelChoice
from ..demo.scene import DIFFICULTY, SEED
from ..weights.shipped import ABOUT_NANO
from .command import Command
from .options import add_config_options, add_scene, config_from


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--output", type=Path, default=Path("demo_output"), metavar="DIR", help="default: %(default)s")
    add_scene(parser, SEED, DIFFICULTY)
    add_config_options(parser.add_argument_group("model"), ModelChoice)


def run(options: argparse.Namespace) -> None:
    """Run it and say what to look at. Raises Sam2RosError."""
    from ..demo.run import REAL_SHEET, REAL_VIDEO, SCENE, SHEET, TRACKED, VIDEO, run_demo

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
    print(f"real clip: a flower that opens, from one box on the first of {summary.real.frames} images, not scored")
    for name, text in (
        (SCENE, "scene with prompts and ground truth"),
        (TRACKED, "bag with masks and objects"),
        (VIDEO, "overlay video"),
        (SHEET, "contact sheet"),
        (REAL_VIDEO, "overlay video of the real clip"),
        (REAL_SHEET, "its contact sheet"),
    ):
        print(f"{text}: {options.output / name}")


COMMAND = Command(
    "demo",
    "track through a made-up scene, score it, and through a real clip; leave pictures to look at",
    add_options,
    run,
)
