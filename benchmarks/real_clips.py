#!/usr/bin/env python3
"""How well does a model track real clips of which a few frames have ground truth, beside simple peers?

FOLDER is laid out as DAVIS: JPEGImages/CLIP/*.jpg, Annotations/CLIP/*.png of some frames, the first among them; 0 is
background, 255 unclear and not counted. One prompt per object on the first frame. Prints per clip, and as a mean over
all objects, J of the first frame and J of the other frames that have truth, for the model from a box, a click and the
true mask, and for the peers of `quality.py`, which all start from the model's masks of the boxes; copied and warped
once more from the true masks. Unlike the DAVIS rule of `sam2-ros evaluate`, the last frame counts.
"""

import argparse
import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import quality
import torch

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sam2_ros.config import ModelChoice
from sam2_ros.measures.similarity import region_similarity
from sam2_ros.measures.statistics import mean
from sam2_ros.model.sam2 import Sam2
from sam2_ros.synthetic import SceneFrame
from sam2_ros.synthetic.frame import ground_truth
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.weights.loading import load_network

UNCLEAR = 255


def from_masks(network: Sam2, frames: list[SceneFrame]) -> Iterator[quality.Answer]:
    """The true mask of each object."""
    ids = np.flatnonzero(frames[0].visible) + 1
    return quality.tracked(network, frames, [Prompt(int(i), mask=frames[0].labels == i) for i in ids])


def true_copied(_: Sam2, frames: list[SceneFrame]) -> Iterator[quality.Answer]:
    """The true masks of the first frame, again and again."""
    for _frame in frames:
        yield quality.Answer(frames[0].labels, set())


METHODS: dict[str, quality.Method] = {
    "box": quality.from_boxes,
    "point": quality.from_points,
    "mask": from_masks,
    "first mask copied": quality.copied,
    "optical flow": quality.warped,
    "OpenCV tracker": quality.followed,
    "true mask copied": true_copied,
}
MODEL = ("box", "point", "mask")


@dataclass(frozen=True)
class Scores:
    """J of one object of a clip."""

    first: float
    later: float


def read_clip(folder: Path, clip: str) -> tuple[list[SceneFrame], dict[int, np.ndarray]]:
    """All frames, and the label images (H, W) of those that have one."""
    images = sorted((folder / "JPEGImages" / clip).glob("*.jpg"))
    truth = {
        index: np.asarray(cv2.imread(str(file), cv2.IMREAD_UNCHANGED))
        for index, image in enumerate(images)
        if (file := folder / "Annotations" / clip / f"{image.stem}.png").exists()
    }
    frames = []
    for index, image in enumerate(images):
        labels = truth.get(index, np.zeros_like(truth[0])).copy()
        labels[labels == UNCLEAR] = 0
        pixels = np.asarray(cv2.cvtColor(cv2.imread(str(image)), cv2.COLOR_BGR2RGB))
        frames.append(ground_truth(pixels, labels, int(labels.max())))
    return frames, truth


def run_clip(folder: Path, choice: ModelChoice, methods: tuple[str, ...], clip: str) -> dict[str, list[Scores]]:
    """All methods on one clip, in a process of its own."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    network = load_network(choice)
    frames, truth = read_clip(folder, clip)
    return {name: scores(list(METHODS[name](network, frames)), truth) for name in methods}


def scores(answers: list[quality.Answer], truth: dict[int, np.ndarray]) -> list[Scores]:
    """Of each object of the first frame."""
    ids = sorted(set(np.unique(truth[0]).tolist()) - {0, UNCLEAR})
    return [
        Scores(
            _region(answers[0], truth[0], object_id),
            mean([_region(answers[index], labels, object_id) for index, labels in truth.items() if index]),
        )
        for object_id in ids
    ]


def _region(answer: quality.Answer, truth: np.ndarray, object_id: int) -> float:
    clear = truth != UNCLEAR
    return region_similarity((answer.labels == object_id) & clear, truth == object_id)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="auto")
    parser.add_argument("--checkpoint", default="auto")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    clips = sorted(path.name for path in (options.folder / "Annotations").iterdir())
    choice = ModelChoice(options.model, options.checkpoint, device="cpu")
    with ProcessPoolExecutor(options.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        job = partial(run_clip, options.folder, choice, tuple(options.methods))
        results = dict(zip(clips, pool.map(job, clips), strict=True))
    print(
        f"{'J of the first frame / of later ones':36}" + "".join(f"{clip[:12]:>14}" for clip in clips) + f"{'all':>14}"
    )
    for name in options.methods:
        every = [item for clip in clips for item in results[clip][name]]
        print(f"{name:36}" + "".join(_cell(results[clip][name]) for clip in clips) + _cell(every))
    return 0


def _cell(items: list[Scores]) -> str:
    return f"{mean([item.first for item in items]):8.3f} /{mean([item.later for item in items]):.3f}"


if __name__ == "__main__":
    sys.exit(main())
