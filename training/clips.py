"""Clips on disk: made-up scenes and bags, resized to the network's square once, so that training only reads.

A clip is one file, an array (T, S, S, 4) uint8: red, green, blue and the label image (0 background, else the object).
"""

import dataclasses
import itertools
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from sam2_ros.synthetic import SceneFrame, scene, settings_for
from sam2_ros.tracking.preprocess import square_pixels

from .collage import collage
from .config import BagData, CollageData, DataConfig, SceneData
from .labelled_bag import labelled_frames
from .pictures import Pictures


@dataclass(frozen=True, slots=True)
class SceneClip:
    """A scene that becomes a clip."""

    difficulty: str
    seed: int
    width: int
    height: int

    @property
    def name(self) -> str:
        """File name of the clip without its ending."""
        return f"{self.difficulty}_{self.seed}_{self.width}x{self.height}"

    def frames(self) -> Iterator[SceneFrame]:
        """Its pictures."""
        return scene(
            self.seed, dataclasses.replace(settings_for(self.difficulty), width=self.width, height=self.height)
        )


@dataclass(frozen=True, slots=True)
class CollageClip:
    """A collage that becomes a clip."""

    pictures: Path
    seed: int
    width: int
    height: int
    length: int  # frames

    @property
    def name(self) -> str:
        """File name of the clip without its ending."""
        return f"collage_{self.pictures.stem}_{self.seed}_{self.width}x{self.height}x{self.length}"

    def frames(self) -> Iterator[SceneFrame]:
        """Its pictures."""
        return collage(self.seed, _opened(self.pictures), self.width, self.height, self.length)


class Clips:
    """The clips of a training run, read from disk on demand."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        #: Frames of each clip, int: the last one of a bag may be short.
        self.lengths = np.array([len(self[index]) for index in range(len(files))])

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> np.ndarray:
        """(T, S, S, 4) uint8, on disk."""
        # Opened anew each time: it is quick, and so clips can be sent to another process, which opened files cannot.
        clip: np.ndarray = np.load(self._files[index], mmap_mode="r")
        return clip


def prepare(data: DataConfig, size: int, folder: Path) -> Clips:
    """The clips that the configuration names, made where they are not in ``folder`` yet."""
    folder.mkdir(parents=True, exist_ok=True)
    composed: list[SceneClip | CollageClip] = [clip for source in data.scenes for clip in scene_clips(source)]
    composed += [clip for source in data.collages for clip in collage_clips(source)]
    wanted = [(_file(folder, clip.name, size), clip) for clip in composed]
    missing = [(file, clip) for file, clip in wanted if not file.exists()]
    if missing:
        # A forked process would inherit locks of OpenCV's threads and wait for them for ever.
        with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as workers:
            made = workers.map(partial(_make, size), *zip(*missing, strict=True))
            for _ in tqdm(made, total=len(missing), unit=" clips"):
                pass
    files = [file for file, _ in wanted]
    for bag in data.bags:
        files += _bag_clips(bag, size, folder)
    return Clips(files)


def scene_clips(source: SceneData) -> Iterator[SceneClip]:
    """The scenes of one line of the configuration; picture sizes take turns."""
    for index in range(source.clips):
        width, height = source.sizes[index % len(source.sizes)]
        yield SceneClip(source.difficulty, source.seed + index, width, height)


def collage_clips(source: CollageData) -> Iterator[CollageClip]:
    """The collages of one line of the configuration; picture sizes take turns."""
    for index in range(source.clips):
        width, height = source.sizes[index % len(source.sizes)]
        yield CollageClip(Path(source.pictures).expanduser(), source.seed + index, width, height, source.frames)


@lru_cache(maxsize=1)
def _opened(file: Path) -> Pictures:
    return Pictures(file)


def _make(size: int, file: Path, clip: SceneClip | CollageClip) -> None:
    cv2.setNumThreads(1)  # there is a process for every core already
    _save(file, np.stack([square_clip_frame(f.image, f.labels, size) for f in clip.frames()]))


def _bag_clips(bag: BagData, size: int, folder: Path) -> list[Path]:
    """A bag cut into clips, anew each time: nobody knows whether the bag is still the same."""
    frames = (square_clip_frame(image, labels, size) for image, labels in labelled_frames(bag))
    files: list[Path] = []
    while part := list(itertools.islice(frames, bag.clip_frames)):
        files.append(_file(folder, f"{Path(bag.bag).name}_{len(files)}", size))
        _save(files[-1], np.stack(part))
    return files


def square_clip_frame(image: np.ndarray, labels: np.ndarray, size: int) -> np.ndarray:
    """Image (H, W, 3) and label image (H, W), both uint8, to (S, S, 4)."""
    if labels.shape != (size, size):
        labels = cv2.resize(labels, (size, size), interpolation=cv2.INTER_NEAREST_EXACT)
    pixels = image if image.shape[:2] == (size, size) else square_pixels(image, size)
    return np.dstack((pixels, labels))


def _file(folder: Path, name: str, size: int) -> Path:
    return folder / f"{name}_at_{size}.npy"


def _save(file: Path, clip: np.ndarray) -> None:
    part = file.with_suffix(f".part{os.getpid()}")
    with part.open("wb") as stream:
        np.save(stream, clip)
    part.rename(file)  # a clip that is there is whole
