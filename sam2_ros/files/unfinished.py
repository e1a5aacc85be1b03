"""What is written beside its place until it is whole. What a killed process left there the next one takes away."""

import fcntl
import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

MARK = ".sam2_ros_part-"  # between the name of what it is to be and some letters


class Unfinished:
    """An empty file or folder beside ``target``, this process's own while it lives. Raises OSError.

    That is told by a lock, which the system takes from a process however it ends.
    """

    def __init__(self, target: Path, is_folder: bool, hidden: bool = False) -> None:
        prefix, parent = f"{'.' * hidden}{target.name}{MARK}", target.absolute().parent
        _clear(parent, prefix)
        while True:
            self.path = Path(tempfile.mkdtemp("", prefix, parent)) if is_folder else _new_file(prefix, parent)
            self._lock = os.open(self.path, os.O_RDONLY)
            with suppress(OSError):  # where there are no locks, nothing is taken away either
                fcntl.flock(self._lock, fcntl.LOCK_EX)
            if self.path.exists():
                return
            os.close(self._lock)  # somebody took it away before it was locked

    def close(self) -> None:
        """Take away what is still there."""
        _remove(self.path)
        os.close(self._lock)


def _new_file(prefix: str, parent: Path) -> Path:
    number, name = tempfile.mkstemp("", prefix, parent)
    os.close(number)
    return Path(name)


def _clear(parent: Path, prefix: str) -> None:
    """Take away what processes left that are no more."""
    name = re.compile(re.escape(prefix) + r"[a-z0-9_]{8}")
    found: list[Path] = []
    with suppress(OSError):  # a folder that one may write to, but not list
        found = [path for path in parent.iterdir() if name.fullmatch(path.name)]
    for left in found:
        with suppress(OSError):  # another took it away, or it is not ours to take
            _remove_if_left(left)


def _remove_if_left(path: Path) -> None:
    lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(path)
    finally:
        os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
