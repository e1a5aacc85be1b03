"""Command line options from the config dataclasses, so that defaults and meanings stay in one place."""

import argparse
import dataclasses
from typing import Any, TypeVar

from ..config import Meaning, meaning_of

Config = TypeVar("Config")


def add_config_options(group: argparse._ArgumentGroup, config: type[Any]) -> None:
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


def config_from(config: type[Config], options: argparse.Namespace) -> Config:
    """The config dataclass that the options describe. Raises ConfigError."""
    names = [parameter.name for parameter in dataclasses.fields(config)]  # type: ignore[arg-type]
    return config(**{name: getattr(options, name) for name in names})


def _help(meaning: Meaning) -> str:
    # argparse formats help texts with %, and fills in the default.
    text = meaning.text.replace("%", "%%")
    limits = "" if meaning.limits is None else f"; {meaning.limits[0]} to {meaning.limits[1]}"
    return f"{text}{limits} (default: %(default)s)"
