"""``sam2-ros doctor``: what works here."""

import argparse

from .command import Command


def add_options(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(options: argparse.Namespace) -> int:
    """Print the findings; the exit status."""
    from ..machine.doctor import examine, works

    findings = examine()
    print("\n".join(map(str, findings)))
    return 0 if works(findings) else 1


COMMAND = Command("doctor", "say what works on this machine and what does not, with the remedy", add_options, run)
