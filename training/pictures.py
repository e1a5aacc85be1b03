"""``python -m training.pictures``: free pictures of real things, brought, sorted out and packed for `training.collage`.

Cut-outs are pictures whose alpha channel is the outline of one thing, photographs fill a whole frame, labelled ones
have a label image, too: of ``FOLDER/images/NAME.jpg`` in ``FOLDER/masks/NAME.png``, 0 background, 255 unclear. None
of them comes with this repository; `sources` says where from and under which licence.
"""

import argparse
import sys
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from .coco import CocoPicture, free_pictures
from .config import TrainingError
from .sources import SOURCES, Source, bring

CUTOUT_SIDE = 224  # pixels of the longer side at most: nothing is drawn much larger at a network's 384
PHOTOGRAPH_SIDE = 1000  # pixels of the shorter side at most
LABELLED_SIDE = 480  # of the longer side of a labelled one
LEAST_SIDE = 40  # of a cut-out
JPEG_QUALITY = 75  # of packed photographs: clips are compressed by chance anyway, and the file travels
LEAST_PHOTOGRAPH_SIDE = 250
OPAQUE = 250  # of 255
LEAST_OPAQUE_SHARE = 0.75  # of what is not fully transparent: glass and smoke have no outline
COVER = (0.12, 0.95)  # share of its own box that a cut-out covers: neither line drawings nor whole pictures
LEAST_COLOURS = 24  # of 4096 that are more than a speck: neither silhouettes nor drawings in a few colours
LEAST_PART = 0.6  # of a cut-out that is in one piece
UNCLEAR = 255  # of a label image
KINDS = ("cutouts", "photographs", "labelled", "labels")  # of packed pictures


class Pictures:
    """Cut-outs, photographs and labelled photographs of one packed file, decoded on demand."""

    def __init__(self, file: Path) -> None:
        """Raises TrainingError when ``file`` is none that `pack` wrote."""
        try:
            with np.load(file) as content:
                self._cutouts, self._photographs, self._labelled, self._labels = (
                    _split(content, kind) for kind in KINDS
                )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise TrainingError(
                f"{file} holds no packed pictures ({error}); make it: python -m training.pictures"
            ) from error
        if not self._photographs:
            raise TrainingError(f"{file} holds no photographs; pack some with `python -m training.pictures`")

    @property
    def cutouts(self) -> int:
        """How many there are."""
        return len(self._cutouts)

    @property
    def photographs(self) -> int:
        """How many there are."""
        return len(self._photographs)

    @property
    def labelled(self) -> int:
        """How many photographs with label images there are."""
        return len(self._labelled)

    def cutout(self, index: int) -> np.ndarray:
        """(h, w, 4) uint8 RGB and alpha."""
        return np.asarray(cv2.cvtColor(cv2.imdecode(self._cutouts[index], cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA))

    def photograph(self, index: int) -> np.ndarray:
        """(h, w, 3) uint8 RGB."""
        return _decoded(self._photographs[index])

    def labelled_photograph(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(h, w, 3) uint8 RGB and (h, w) uint8: 0 background, else the object."""
        labels = np.asarray(cv2.imdecode(self._labels[index], cv2.IMREAD_UNCHANGED))
        return _decoded(self._labelled[index]), labels


def _decoded(picture: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.cvtColor(cv2.imdecode(picture, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))


def pack(folders: list[tuple[Source, Path]], file: Path) -> tuple[int, int, int]:
    """Write the pictures of unpacked sources; how many cut-outs, photographs and labelled ones there were."""
    packing = _Packing(
        {kind: [] for kind in KINDS}, set(), [folder for source, folder in folders if source.coco is not None]
    )
    for source, folder in folders:
        packing.add(source, folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    arrays: dict[str, Any] = {}
    for kind, files in packing.files.items():
        arrays |= _joined(kind, files)
    np.savez(part, **arrays)
    part.rename(file)
    cutouts, photographs, labelled, _ = map(len, packing.files.values())
    return cutouts, photographs, labelled


@dataclass(frozen=True, slots=True)
class _Packing:
    files: dict[str, list[np.ndarray]]  # of each of `KINDS`
    coco: set[int]  # numbers of COCO's pictures that are in
    copies: list[Path]  # of COCO: the pictures of one's annotations may be in another

    def add(self, source: Source, folder: Path) -> None:
        for path in tqdm(_matching(folder, source.cutouts, source.but), desc=source.name, disable=None):
            self._add_cutout(_read(path))
        for path in tqdm(_matching(folder, source.photographs, source.but), desc=source.name, disable=None):
            self._add_photograph(_read(path))
        for path in tqdm(_matching(folder, source.labelled, source.but), desc=source.name, disable=None):
            labels = path.parent.parent / "masks" / f"{path.stem}.png"
            if labels.exists():
                self._add_labelled(_read(path), _read(labels))
        for picture in free_pictures([folder, *self.copies], _matching(folder, source.coco or (), source.but)):
            self._add_coco(picture)

    def _add_cutout(self, picture: np.ndarray | None) -> None:
        cutout = tidied_cutout(picture)
        if cutout is not None:
            self.files["cutouts"].append(_webp(cutout))

    def _add_photograph(self, picture: np.ndarray | None) -> None:
        photograph = _tidied_photograph(picture)
        if photograph is not None:
            self.files["photographs"].append(_jpeg(photograph))

    def _add_labelled(self, picture: np.ndarray | None, labels: np.ndarray | None) -> None:
        pair = _tidied_pair(picture, labels)
        if pair is not None:
            self.files["labelled"].append(_jpeg(pair[0]))
            self.files["labels"].append(_png(pair[1]))

    def _add_coco(self, picture: CocoPicture) -> None:
        if picture.number not in self.coco:
            self.coco.add(picture.number)
            self._add_labelled(picture.photograph, picture.labels)
            for cutout in picture.cutouts:
                self._add_cutout(cutout)


def _png(picture: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.imencode(".png", picture)[1])


def _webp(picture: np.ndarray) -> np.ndarray:
    """With its alpha channel; a third of what a PNG takes."""
    return np.asarray(cv2.imencode(".webp", picture, (cv2.IMWRITE_WEBP_QUALITY, 90))[1])


def _jpeg(picture: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))[1])


def tidied_cutout(picture: np.ndarray | None) -> np.ndarray | None:
    """A picture (h, w, 4) uint8 cut to what it shows and made smaller; None for what is no cut-out of one thing."""
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4:
        return None
    solid = (picture[..., 3] >= 128).astype(np.uint8)
    x, y, width, height = cv2.boundingRect(solid)
    if min(width, height) < LEAST_SIDE:
        return None
    picture = _shrunk(picture[y : y + height, x : x + width], CUTOUT_SIDE / max(width, height))
    alpha = picture[..., 3]
    solid = (alpha >= 128).astype(np.uint8)
    _, _, parts, _ = cv2.connectedComponentsWithStats(solid)
    whole = parts[1:, cv2.CC_STAT_AREA].max() >= LEAST_PART * solid.sum()
    opaque = (alpha >= OPAQUE).sum() >= LEAST_OPAQUE_SHARE * (alpha > 0).sum()
    covers = COVER[0] <= solid.mean() <= COVER[1]
    if not (whole and opaque and covers and _colours(picture[solid > 0]) >= LEAST_COLOURS):
        return None
    return picture


def _colours(pixels: np.ndarray) -> int:
    """How many of 4096 colours more than one in 2,000 of the pixels (N, 4) has."""
    coarse = (pixels[:, :3] >> 4).astype(np.int64) @ (256, 16, 1)
    return int((np.bincount(coarse) > len(pixels) / 2000).sum())


def _tidied_photograph(picture: np.ndarray | None) -> np.ndarray | None:
    if picture is None or min(picture.shape[:2]) < LEAST_PHOTOGRAPH_SIDE:
        return None
    if picture.ndim == 2:
        picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    return _shrunk(picture[..., :3], PHOTOGRAPH_SIDE / min(picture.shape[:2]))


def _tidied_pair(picture: np.ndarray | None, labels: np.ndarray | None) -> tuple[np.ndarray, np.ndarray] | None:
    """A photograph and its label image (h, w) uint8, in which what is unclear is background; None without one."""
    picture = _tidied_photograph(picture)
    if picture is None or labels is None or labels.ndim != 2:
        return None
    picture = _shrunk(picture, LABELLED_SIDE / max(picture.shape[:2]))
    labels = np.asarray(cv2.resize(labels, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT))
    return picture, np.where(labels == UNCLEAR, 0, labels)


def _shrunk(picture: np.ndarray, scale: float) -> np.ndarray:
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def _read(path: Path) -> np.ndarray | None:
    """A picture as OpenCV has it, of 8 bits; None for what is none."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is not None and picture.dtype != np.uint8:
        picture = (picture >> 8).astype(np.uint8) if picture.dtype == np.uint16 else None
    return picture


def _matching(folder: Path, patterns: tuple[str, ...], but: tuple[str, ...]) -> list[Path]:
    def wanted(path: Path) -> bool:
        name = path.as_posix()
        return any(fnmatch(name, pattern) for pattern in patterns) and not any(fnmatch(name, no) for no in but)

    return sorted(path for path in folder.rglob("*") if wanted(path) and path.is_file() and not path.is_symlink())


def _joined(kind: str, encoded: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Many files as one array of bytes, and where each ends."""
    flat = [np.asarray(item).ravel() for item in encoded]
    ends = np.cumsum([len(item) for item in flat], dtype=np.int64)
    return {kind: np.concatenate(flat) if flat else np.zeros(0, np.uint8), f"{kind}_ends": ends}


def _split(content: "np.lib.npyio.NpzFile", kind: str) -> list[np.ndarray]:
    data, ends = content[kind], content[f"{kind}_ends"]
    return np.split(data, ends[:-1]) if len(ends) else []


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.pictures", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/pictures.npz"), help="file to write")
    parser.add_argument("--folder", type=Path, default=Path("runs/pictures"), help="where sources are unpacked")
    parser.add_argument("--sources", nargs="+", choices=[source.name for source in SOURCES], help="only these")
    arguments = parser.parse_args()
    chosen = [source for source in SOURCES if not arguments.sources or source.name in arguments.sources]
    try:
        folders = [(source, bring(source, arguments.folder)) for source in chosen]
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    cutouts, photographs, labelled = pack(folders, arguments.out)
    print(f"{arguments.out}: {cutouts} cut-outs, {photographs} photographs, {labelled} labelled ones")
    return 0


if __name__ == "__main__":
    sys.exit(main())
