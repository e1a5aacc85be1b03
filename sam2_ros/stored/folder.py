"""Which files others may name: those of one folder that the operator chose, and of these only states."""

import re
from pathlib import Path

from ..errors import StateError
from .state_file import SUFFIX, is_state

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LONGEST, LONGEST_NAME = 1000, 200  # characters; with the longest of letters what file systems take
OFF = "file services are off; set the parameter allow_file_services to the folder that they may use"


def file_in(folder: str, path: str) -> Path:
    """The file ``path`` in ``folder``, itself or by a whole path. Raises StateError when it is not in there."""
    if not folder:
        raise StateError(OFF)
    base = Path(folder).expanduser().resolve()
    if not base.is_dir():
        raise StateError(f"there is no folder {base} (allow_file_services); create it")
    too_long = len(path) > LONGEST or len(Path(path).name) > LONGEST_NAME
    if too_long or not path.isprintable() or not path.endswith(SUFFIX):
        raise StateError(f"{path[:100]!r} is no name for a state; give one that ends with {SUFFIX}")
    target = (base / path).resolve()
    if not target.is_relative_to(base) or target.is_dir():
        raise StateError(f"{path!r} is no file in the folder {base}, where file services may work; give one of those")
    return target


def file_of(folder: str, name: str) -> Path:
    """The file of an object of that name. Raises StateError."""
    if not NAME.fullmatch(name):
        raise StateError(f"{name[:100]!r} is no name for an object; use up to 64 letters, digits, '_', '-' and '.'")
    return file_in(folder, name + SUFFIX)


def check_writable(path: Path) -> None:
    """Raise StateError when something would be overwritten that is no state."""
    if path.exists() and not is_state(path):
        raise StateError(f"{path} is no state, so it is not overwritten; choose another name")
