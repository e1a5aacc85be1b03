"""What lies in a folder for the user, in the order in which people count."""

import re
from pathlib import Path


def visible(folder: Path) -> list[Path]:
    """Files and folders in a folder, but none whose name begins with a dot.

    macOS leaves such a file beside each of the user's on other disks: ._0.png beside 0.png.
    """
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def natural(file: Path) -> tuple[list[tuple[int, str]], str]:
    """Sorting key in which numbers count as numbers; the name itself decides between 1.png and 01.png."""
    pieces = re.findall(r"\d+|\D+", file.name)
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces], file.name
