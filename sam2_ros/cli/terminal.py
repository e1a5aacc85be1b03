"""What the command says to whoever runs it, on standard error: results alone go to standard output."""

import logging
import sys

from tqdm import tqdm


def say(sentence: str) -> None:
    """One sentence, without tearing a progress bar."""
    tqdm.write(f"sam2-ros: {sentence}", file=sys.stderr)


def set_up_logging() -> None:
    """Print what the package logs as the command's own sentences."""
    log = logging.getLogger("sam2_ros")
    log.handlers = [_Handler()]
    log.setLevel(logging.INFO)
    log.propagate = False


class _Handler(logging.Handler):
    """Prints log records like the command's own messages."""

    def emit(self, record: logging.LogRecord) -> None:
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        say(f"{level}{record.getMessage()}")
