"""Options that several commands share; those of a config dataclass are made from it, so that a default stands once."""

import argparse
import dataclasses
from typing import TypeVar

from ..bag.names import DEFAULT_STORAGE, STORAGES
from ..bag.space_request import SpaceRequest
from ..config import Config, Meaning, SpaceConfig, meaning_of

FOUND = ""  # a topic that is to be found

Given = TypeVar("Given", bound=Config)


def add_config_options(group: argparse._ArgumentGroup, config: type[Config]) -> None:
    """One option for each field: ``max_objects`` becomes ``--max-objects``."""
    for parameter in dataclasses.fields(config):
        meaning = meaning_of(parameter)
        group.add_argument(
            f"--{parameter.name.replace('_', '-')}",
            dest=parameter.name,
            type=type(parameter.default),
            choices=meaning.choices or None,
            default=parameter.default,
            metavar=None if meaning.choices else type(parameter.default).__name__.upper(),
            help=_help(meaning),
        )


def config_from(config: type[Given], options: argparse.Namespace) -> Given:
    """The config dataclass that the options describe. Raises ConfigError."""
    names = [parameter.name for parameter in dataclasses.fields(config)]
    return config(**{name: getattr(options, name) for name in names})


def add_scene(parser: argparse.ArgumentParser, seed: int, difficulty: str) -> None:
    """Which made-up scene."""
    add = parser.add_argument
    add("--seed", type=int, default=seed, metavar="S", help="which scene, from 0 (default: %(default)s)")
    add(
        "--difficulty",
        default=difficulty,
        metavar="easy|medium|hard[+TROUBLE]",
        help="with +distractors, +absence, +cut or +crowd for what goes wrong besides (default: %(default)s)",
    )


def add_space(parser: argparse.ArgumentParser) -> None:
    """Whether and how it is found out where objects are."""
    group = parser.add_argument_group("space: where objects are, in metres")
    add = group.add_argument
    add(
        "--depth",
        nargs="?",
        const=FOUND,
        metavar="TOPIC",
        help="take depth and camera_info from the bag; the topic is that of depth registered to the images (default: "
        "the only one in their frame)",
    )
    add("--camera-info", metavar="TOPIC", help="camera_info of the images (default: beside them)")
    add("--points", action="store_true", help="write the points of the objects as well")
    add("--object-frames", action="store_true", help="write a frame for each object to /tf as well")
    add_config_options(group, SpaceConfig)


def space_from(options: argparse.Namespace) -> SpaceRequest | None:
    """What `add_space` describes; None without --depth. Raises ConfigError."""
    if options.depth is None:
        return None
    return SpaceRequest(
        config=config_from(SpaceConfig, options),
        depth_topic=None if options.depth == FOUND else options.depth,
        camera_info_topic=options.camera_info,
        points=options.points,
        object_frames=options.object_frames,
    )


def add_storage(parser: argparse.ArgumentParser) -> None:
    """How a bag is written."""
    parser.add_argument(
        "--storage", choices=STORAGES, default=DEFAULT_STORAGE, help="format of the new bag (default: %(default)s)"
    )
    parser.add_argument(
        "--quiet", action="store_true", help="show no progress and no summary, only warnings and errors"
    )


def size(text: str) -> tuple[int, int]:
    """Width and height of text such as 320x240."""
    try:
        width, height = map(int, text.split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form WxH, such as 320x240") from None
    return width, height


def count(text: str) -> int:
    """A number of at least 1."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def _help(meaning: Meaning) -> str:
    # argparse formats help texts with %, and fills in the default.
    text = meaning.text.replace("%", "%%")
    limits = "" if meaning.limits is None else f"; {meaning.limits[0]} to {meaning.limits[1]}"
    return f"{text}{limits} (default: %(default)s)"
