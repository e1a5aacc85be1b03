"""Outputs appear whole or not at all: they are made under a temporary name and renamed at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import BagError
from ..files.unfinished import Unfinished


def check_free(target: Path) -> None:
    """Raise BagError when an output would overwrite something, or has no folder to be in."""
    if target.exists() or target.is_symlink():
        raise BagError(f"{target} exists already and is not overwritten; remove it, or choose another name")
    if not target.absolute().parent.is_dir():
        raise BagError(f"there is no folder {target.absolute().parent} for {target.name}; create it first")


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """A path to write the file or folder ``target`` to; it takes its place when the block ends without an error.

    After an error, Ctrl-C included, nothing is left; what was left of a process that was killed is gone then. Raises
    BagError.
    """
    check_free(target)
    with _translated(target):
        # A folder around it: a bag's files and metadata carry the bag's own name.
        part = Unfinished(target, is_folder=True)
    try:
        yield part.path / target.name
        check_free(target)
        with _translated(target):
            (part.path / target.name).rename(target)
    finally:
        part.close()


@contextmanager
def _translated(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BagError(f"cannot write {target}: {error.strerror or error}; choose another place") from error
