"""A file that takes its place whole, in that of an older one, or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

PART = ".part"  # a file that was not finished, written over by the next one


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` write a file, then put it in the place of ``path``; after a power cut it is there, or the
    old one is.

    Raises OSError, and what ``write`` raises, with nothing left of it.
    """
    part = path.with_name(path.name + PART)
    try:
        write(part)
        _to_disk(part)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _to_disk(path.parent)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
