"""Folders of label images as data sets lay them out.

DAVIS, MOSE, LVOS, YouTube-VOS: one PNG for each annotated frame, whose palette indices are ids. In DAVIS 255 is void,
which its semi-supervised evaluation takes as background; it is that everywhere here, unless no frame has another value
besides 0: such are masks of one object, and it is object 1.

SA-V: one folder for each object, named by its number, and in it a PNG for each annotated frame that is not 0 where the
object is. Its objects are numbered from 000; ids here begin with 1, so folder 000 is object 1.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from ..errors import BagError
from ..measures.labels import LabelImage, Labels, Layers
from .folders import natural, visible
from .label_images import labels_of_png

VOID = 255
ONLY_OBJECT = 1
OBJECT_FOLDER = re.compile(r"\d{1,3}")


class LabelFolder(Protocol):
    """The label images of one clip."""

    @property
    def path(self) -> Path:
        """Where they are."""

    @property
    def stems(self) -> tuple[str, ...]:
        """Names of the annotated frames, without their ending, in their order."""

    @property
    def names(self) -> Mapping[int, str]:
        """What objects are called, by id; empty where they have only ids."""

    def labels(self, stem: str) -> Labels:
        """The objects of a frame. Raises BagError."""


class LabelImages:
    """A PNG of all objects for each frame."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stems = _stems(path)
        self.names: Mapping[int, str] = {}

    def labels(self, stem: str) -> Labels:
        """The objects of a frame. Raises BagError."""
        pixels = labels_of_png(self.path / f"{stem}.png")
        return LabelImage(np.where(pixels == VOID, self._meaning_of_255, pixels).astype(pixels.dtype))

    @cached_property
    def _meaning_of_255(self) -> int:
        """The id that stands for 255. All frames may have to be looked at: of some every object may have left."""
        is_ids = any(np.setdiff1d(labels_of_png(self.path / f"{stem}.png"), (0, VOID)).size for stem in self.stems)
        return 0 if is_ids else ONLY_OBJECT


class ObjectFolders:
    """A folder of PNGs for each object."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._folders = {int(folder.name) + 1: folder for folder in sorted(visible(path)) if _is_object(folder)}
        self._stems = {object_id: frozenset(_stems(folder)) for object_id, folder in self._folders.items()}
        self.stems = _in_order(frozenset[str]().union(*self._stems.values()))
        self.names: Mapping[int, str] = {object_id: folder.name for object_id, folder in self._folders.items()}

    def labels(self, stem: str) -> Labels:
        """The masks of the objects that are annotated on a frame. Raises BagError."""
        masks = {
            object_id: labels_of_png(folder / f"{stem}.png") > 0
            for object_id, folder in self._folders.items()
            if stem in self._stems[object_id]
        }
        sizes = {mask.shape for mask in masks.values()}
        if len(sizes) != 1:
            what = "have different sizes" if sizes else "are not there"
            raise BagError(f"the masks of frame {stem} in {self.path} {what}; write them again")
        height, width = sizes.pop()
        return Layers(width, height, masks)


def label_folder(path: Path) -> LabelFolder:
    """The label images of a folder, in whichever layout they are. Raises BagError when it has none."""
    if not path.is_dir():
        raise BagError(f"there is no folder {path}; give a bag, or a folder of label images")
    if any(file.suffix.lower() == ".png" for file in visible(path)):
        return LabelImages(path)
    if any(_is_object(folder) and _stems(folder) for folder in visible(path)):
        return ObjectFolders(path)
    raise BagError(
        f"the folder {path} has no label images; give PNG files named by frame (DAVIS, MOSE), or a folder of them for "
        "each object, named by its number (SA-V)"
    )


def _is_object(path: Path) -> bool:
    return path.is_dir() and OBJECT_FOLDER.fullmatch(path.name) is not None


def _stems(folder: Path) -> tuple[str, ...]:
    return _in_order(file.stem for file in visible(folder) if file.suffix.lower() == ".png")


def _in_order(stems: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(stems, key=lambda stem: natural(Path(stem))))
