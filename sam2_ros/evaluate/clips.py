"""Which clips a path means: one bag or sequence, all of a folder, or those of a list."""

import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import EvaluationError

BAG_SUFFIXES = (".mcap", ".db3")
LIST_SUFFIXES = (".txt", ".list")
MASK_SUFFIX = ".png"
METADATA = "metadata.yaml"
COMMENT = "#"


def find_clips(path: Path) -> list[Path]:
    """The clips of a path, in natural order of their names. Raises EvaluationError when there is none.

    A rosbag2 folder, an .mcap or .db3 file and a folder of PNG files are one clip each. So is a folder of objects, as
    in SA-V: its folders are named by one to three digits and hold PNG files. Any other folder means all clips in it,
    at any depth, and a .txt or .list file those of its lines; its relative paths start from its own folder.
    """
    if path.is_file() and path.suffix in LIST_SUFFIXES:
        return _listed(path)
    if not path.is_dir():
        return [path]  # a bag's file, or one that is not there: whoever opens it says so best
    found = list(_clips_in(path))
    if not found:
        raise EvaluationError(f"the folder {path} has no bags and no PNG files in it; give one that has")
    return found


def _listed(file: Path) -> list[Path]:
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    paths = [file.parent / line for line in lines if line and not line.startswith(COMMENT)]
    if not paths:
        raise EvaluationError(f"the list {file} names no bags; write the path of one on each line")
    # A folder that has nothing fails by itself later: the rest of the list is not given up for it.
    return [clip for path in paths for clip in (list(_clips_in(path)) if path.is_dir() else [path]) or [path]]


def _clips_in(folder: Path) -> Iterator[Path]:
    children = sorted(folder.iterdir(), key=_natural)
    if _is_clip(folder, children):
        yield folder
        return
    for child in children:
        if child.is_dir():
            yield from _clips_in(child)
        elif child.suffix in BAG_SUFFIXES:
            yield child


def _is_clip(folder: Path, children: list[Path]) -> bool:
    if (folder / METADATA).is_file() or _has_masks(folder):
        return True
    folders = [child for child in children if child.is_dir()]
    return bool(folders) and all(re.fullmatch(r"\d{1,3}", each.name) and _has_masks(each) for each in folders)


def _has_masks(folder: Path) -> bool:
    return any(file.suffix.lower() == MASK_SUFFIX for file in folder.iterdir())


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sorting key in which numbers count as numbers: bag_9 comes before bag_10."""
    pieces = re.findall(r"\d+|\D+", path.name)
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces], path.name
