"""``sam2-ros download``: official weights."""

import argparse

from .command import Command


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    models = "tiny, small, base_plus, large, edgetam, efficienttam_ti ..."
    parser.add_argument("models", nargs="+", metavar="MODEL", help=models)


def run(options: argparse.Namespace) -> None:
    """Fetch and print where they lie. Raises DownloadError, CheckpointError."""
    from ..weights.download import download

    for model in options.models:
        print(download(model))


COMMAND = Command("download", "fetch official weights into the cache and verify them", add_options, run)
