"""The command ``sam2-ros``: which commands there are, and how they end."""

import argparse
import signal
from collections.abc import Sequence

from .. import __version__
from ..errors import Sam2RosError
from ..machine.waiting import wait_briefly
from . import bench, demo, doctor, download, evaluate, import_, replay, synthesize
from .terminal import say, set_up_logging

# They import what they work with when they run: torch takes seconds, and --help and import can do without.
COMMANDS = (
    *(replay.COMMAND, import_.COMMAND, synthesize.COMMAND, evaluate.COMMAND),
    *(demo.COMMAND, bench.COMMAND, doctor.COMMAND, download.COMMAND),
)
INTERRUPTED = 130  # what a shell reports for Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit status."""
    wait_briefly()
    options = _parser().parse_args(arguments)
    set_up_logging()
    # Whoever stops the command, what it has half written is taken away.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        status: int | None = options.run(options)
    except Sam2RosError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; nothing was written")
        return INTERRUPTED
    return status or 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sam2-ros", description="Track objects in recorded images with SAM 2.1.")
    parser.add_argument("--version", action="version", version=f"sam2-ros {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        description = f"{command.text[0].upper()}{command.text[1:]}."
        # An abbreviation that works today would break with the next option.
        one = commands.add_parser(command.name, help=command.text, description=description, allow_abbrev=False)
        command.add_options(one)
        one.set_defaults(run=command.run)
    return parser
