#!/usr/bin/env python3
"""What the options cost and bring that trade exactness for speed: J&F on made-up clips beside the time of a frame.

J&F is that of `nano`, from one box per object on the first frame, over clips with ground truth (as quality.py). The
times are of the network's part of a frame, on the CPU, of `nano` and of an official size with random weights, with as
many objects as asked for. Images that are not tracked in keep the last answer.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sam2_ros.bench.run import boxes, made_up_pictures
from sam2_ros.bench.staged import FULL_MEMORY
from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.measures.counting import counted
from sam2_ros.measures.figures import object_figures
from sam2_ros.measures.labels import LabelImage
from sam2_ros.measures.protocol import Measure
from sam2_ros.measures.scoring import Found, Place, Scorer
from sam2_ros.model.config import get_config
from sam2_ros.synthetic import DIFFICULTIES, SceneFrame, scene
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network


@dataclass(frozen=True)
class Trade:
    """An option, or several."""

    name: str
    shrink: int = 1  # divides the side of the network's image
    memory_pooling: int = 1
    num_maskmem: int = 7
    memory_stride: int = 1
    track_every: int = 1

    @property
    def work(self) -> "Trade":
        """The option without what does not change the work of a frame that is tracked in."""
        return replace(self, name="", memory_stride=1, track_every=1)

    def tracker(self, model: str, checkpoint: str, objects: int) -> Tracker:
        """A tracker with the option."""
        side = get_config(model).image_size // self.shrink
        choice = ModelChoice(model, checkpoint, "cpu", image_size=side, memory_pooling=self.memory_pooling)
        config = TrackerConfig(max_objects=objects, num_maskmem=self.num_maskmem, memory_stride=self.memory_stride)
        return Tracker(load_network(choice), config)


TRADES = (
    Trade("exact"),
    Trade("image_size: half", shrink=2),
    Trade("memory_pooling: 2", memory_pooling=2),
    Trade("num_maskmem: 4", num_maskmem=4),
    Trade("num_maskmem: 2", num_maskmem=2),
    Trade("memory_stride: 2", memory_stride=2),
    Trade("memory_stride: 5", memory_stride=5),
    Trade("num_maskmem: 4, memory_stride: 2", num_maskmem=4, memory_stride=2),
    Trade("track_every: 2", track_every=2),
    Trade("track_every: 3", track_every=3),
)


# --- quality ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clip:
    """A made-up clip and the option to track it with."""

    trade: Trade
    difficulty: str
    seed: int


def tracked(tracker: Tracker, frames: list[SceneFrame], every: int) -> Iterator[np.ndarray]:
    """A label image (H, W) for each frame."""
    prompts = [Prompt(i, box=np.array(box, float)) for i, box in enumerate(frames[0].boxes, 1) if box is not None]
    for index, frame in enumerate(frames):
        if index % every == 0:
            result = tracker.step(frame.image, () if index else prompts)
        yield result.label_image


def j_and_f(clip: Clip) -> list[float]:
    """Of every object of a clip, in a process of its own."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    frames = list(scene(clip.seed, DIFFICULTIES[clip.difficulty]))
    tracker = clip.trade.tracker("nano", "auto", 16)
    scorer = Scorer()
    answers = tracked(tracker, frames, clip.trade.track_every)
    for index, (frame, labels) in enumerate(zip(frames, answers, strict=True)):
        scorer.add(Place(index, index, index), LabelImage(frame.labels), Found(LabelImage(labels), None))
    asked = scorer.first_ids
    objects = counted(scorer, Measure.DAVIS).objects
    return [object_figures(item).figures.j_and_f for item in objects if item.object_id in asked]


def quality(difficulty: str, clips: int, workers: int) -> list[float]:
    """Mean J&F with each option."""
    wanted = [Clip(trade, difficulty, seed) for trade in TRADES for seed in range(clips)]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(tqdm(pool.map(j_and_f, wanted), total=len(wanted), desc=difficulty, unit=" clips", disable=None))
    per_trade = (found[at : at + clips] for at in range(0, len(found), clips))
    return [float(np.mean([value for values in rows for value in values])) for rows in per_trade]


# --- speed -----------------------------------------------------------------------------------------------------------


def frame_times(model: str, checkpoint: str, objects: int, frames: int, image: tuple[int, int]) -> list[float]:
    """Median milliseconds of a frame with each option, memory full; frames that are passed over count."""
    pictures = made_up_pictures(*image)
    trackers = {trade.work: trade.work.tracker(model, checkpoint, objects) for trade in TRADES}
    taken: dict[Trade, list[float]] = {work: [] for work in trackers}
    for work, tracker in trackers.items():
        tracker.step(pictures[0], boxes(objects, *image))
        for index in range(FULL_MEMORY if model == "nano" else work.num_maskmem):  # pointers weigh little
            tracker.step(pictures[index % len(pictures)])
    for index in range(frames):  # in turn, so that whatever else runs hits all alike
        for work, tracker in trackers.items():
            started = time.perf_counter()
            tracker.step(pictures[index % len(pictures)])
            taken[work].append(time.perf_counter() - started)
    return [1e3 * float(np.median(taken[trade.work])) / trade.track_every for trade in TRADES]


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=16, help="for each difficulty; 0 leaves quality out")
    parser.add_argument("--objects", type=int, default=4, help="while measuring times")
    parser.add_argument("--large", default="tiny", help="the official size to measure")
    parser.add_argument("--large-frames", type=int, default=2, help="of it to measure")
    parser.add_argument("--frames", type=int, default=60, help="of nano to measure")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()

    image = 1280, 720
    columns = {
        f"nano ms, {options.objects} objects": frame_times("nano", "auto", options.objects, options.frames, image),
        f"{options.large} ms, 1 object": frame_times(options.large, "random", 1, options.large_frames, image),
    }
    for difficulty in ("easy", "hard") if options.clips else ():
        columns[f"nano J&F, {difficulty}"] = quality(difficulty, options.clips, options.workers)
    print(f"{torch.get_num_threads()} threads, images {image[0]}x{image[1]}, {options.clips} clips per difficulty\n")
    print("| option | " + " | ".join(columns) + " |")
    print("|---" * (1 + len(columns)) + "|")
    for index, trade in enumerate(TRADES):
        values = (
            f"{values[index]:.3f}" if "J&F" in name else f"{values[index]:,.1f}" for name, values in columns.items()
        )
        print(f"| {trade.name} | " + " | ".join(values) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
