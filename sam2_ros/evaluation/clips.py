"""Which clips a path means: one bag or sequence, all of a folder, or those of a list."""

import re
from collections.abc import Iterator
from pathlib import Path

from ..bag.folders import natural, visible
from ..bag.sources import IMAGE_SUFFIXES
from ..bag.storage import STORAGE_SUFFIXES
from ..errors import EvaluationError

LIST_SUFFIXES = (".txt", ".list")
METADATA = "metadata.yaml"
COMMENT = "#"
OBJECT = re.compile(r"\d{1,3}")  # the folder of one, as in SA-V


def find_clips(path: Path) -> list[Path]:
    """The clips of a path, in natural order of their names. Raises EvaluationError when there is none.

    A rosbag2 folder, an .mcap or .db3 file and a folder of images are one clip each. So is a folder of objects, as in
    SA-V: its folders are named by one to three digits and hold images. Any other folder means all clips in it,
    at any depth, and a .txt or .list file those of its lines; its relative paths start from its own folder.
    """
    if path.is_file() and path.suffix in LIST_SUFFIXES:
        return _listed(path)
    if not path.is_dir():
        return [path]  # a bag's file, or one that is not there: whoever opens it says so best
    found = list(_clips_in(path))
    if not found:
        raise EvaluationError(f"the folder {path} has no bags and no images in it; give one that has")
    return found


def _listed(file: Path) -> list[Path]:
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    paths = [file.parent / line for line in lines if line and not line.startswith(COMMENT)]
    if not paths:
        raise EvaluationError(f"the list {file} names no bags; write the path of one on each line")
    # A folder that has nothing fails by itself later: the rest of the list is not given up for it.
    return [clip for path in paths for clip in (list(_clips_in(path)) if path.is_dir() else [path]) or [path]]


def _clips_in(folder: Path) -> Iterator[Path]:
    children = sorted(visible(folder), key=natural)
    if _is_clip(folder, children):
        yield folder
        return
    for child in children:
        if child.is_dir():
            yield from _clips_in(child)
        elif child.suffix in STORAGE_SUFFIXES:
            yield child


def _is_clip(folder: Path, children: list[Path]) -> bool:
    if (folder / METADATA).is_file() or _is_sequence(children):
        return True
    folders = [child for child in children if child.is_dir()]
    return bool(folders) and all(OBJECT.fullmatch(each.name) and _is_sequence(visible(each)) for each in folders)


def _is_sequence(children: list[Path]) -> bool:
    """Whether a folder of these is one of images; among bags an image is but a picture of something."""
    if any(child.suffix in STORAGE_SUFFIXES or child.is_dir() for child in children):
        return False
    return any(child.suffix.lower() in IMAGE_SUFFIXES for child in children)
