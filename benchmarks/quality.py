#!/usr/bin/env python3
"""How well does a model track? Made-up clips with ground truth, one prompt per object on the first frame.

Prints, per difficulty, a table of the model from a box, from a point and with its memory cut, beside simple peers on
the same clips: the first mask copied, an OpenCV tracker whose box the same decoder turns into a mask, and the first
mask warped by dense optical flow. J&F as in DAVIS 2017; visibility is the share of (object, frame) told right; found
again is the share of objects that, hidden for at least 10 frames, have a mask of IoU 0.5 or more within 10 frames of
their return; beside it the share of those alone that in these frames show half of what they showed when they were
prompted, since some only peep out. Then frames per second of `Tracker.step` on all cores, with one and with four
objects.
"""

import argparse
import dataclasses
import itertools
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sam2_ros.config import ModelChoice
from sam2_ros.measures.counting import counted
from sam2_ros.measures.figures import object_figures
from sam2_ros.measures.labels import LabelImage
from sam2_ros.measures.protocol import Measure
from sam2_ros.measures.record import Figures
from sam2_ros.measures.returns import returns
from sam2_ros.measures.scoring import Found, Place, Said, Scorer
from sam2_ros.measures.statistics import mean
from sam2_ros.model.image_encoder import ImageFeatures
from sam2_ros.model.sam2 import Memories, Sam2
from sam2_ros.synthetic import DIFFICULTIES, SceneFrame, SceneSettings, scene
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network

HIDDEN = 10  # frames: an object that is hidden for so long has to be found again
HALF = 0.5  # of its first area: an object that shows so much is back for everybody to see
SPEED_STEPS = 60
OCCLUSIONS: dict[str, Any] = {"hidden_frames_min": HIDDEN, "hidden_frames_max": HIDDEN, "hidings": 3, "bars": 2}


@dataclass(frozen=True)
class Answer:
    """What a method says of a frame."""

    labels: np.ndarray  # (H, W)
    visible: set[int]


Method = Callable[[Sam2, list[SceneFrame]], Iterator[Answer]]


@dataclass(frozen=True)
class Back:
    """An object that came back after it was hidden for long."""

    found: bool  # it was found again
    half: bool  # half of it could be seen


@dataclass(frozen=True)
class Outcome:
    """One method on one clip."""

    objects: list[Figures]
    returns: list[Back]


# --- methods ---------------------------------------------------------------------------------------------------------


def boxes(frame: SceneFrame) -> list[Prompt]:
    """A box for each object that is seen."""
    return [Prompt(i, box=np.array(box, float)) for i, box in enumerate(frame.boxes, start=1) if box is not None]


def points(frame: SceneFrame) -> list[Prompt]:
    """A click for each object that is seen, on the pixel that is farthest from its outline."""
    prompts = []
    for object_id in np.flatnonzero(frame.visible) + 1:
        mask = np.pad(frame.labels == object_id, 1).astype(np.uint8)
        depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5)[1:-1, 1:-1]
        y, x = np.unravel_index(depth.argmax(), depth.shape)
        prompts.append(Prompt(int(object_id), points=np.array([[x, y]], float), point_labels=np.array([1])))
    return prompts


def tracked(network: Sam2, frames: list[SceneFrame], prompts: list[Prompt]) -> Iterator[Answer]:
    """The tracker, as it is used."""
    tracker = Tracker(network)
    for index, frame in enumerate(frames):
        result = tracker.step(frame.image, prompts if not index else ())
        yield Answer(result.label_image, {state.object_id for state in result.objects if state.visible})


def from_boxes(network: Sam2, frames: list[SceneFrame]) -> Iterator[Answer]:
    """One box per object."""
    return tracked(network, frames, boxes(frames[0]))


def from_points(network: Sam2, frames: list[SceneFrame]) -> Iterator[Answer]:
    """One click per object."""
    return tracked(network, frames, points(frames[0]))


class Forgetful(Sam2):
    """The same network with its memory attention cut: every frame is decoded as if it were the first."""

    def condition_on_memory(self, image: ImageFeatures, memories: Memories) -> Tensor:
        """Features (B, C, f, f) without any memory."""
        return self.condition_on_nothing(image).expand(len(memories.frames), -1, -1, -1)


def without_memory(network: Sam2, frames: list[SceneFrame]) -> Iterator[Answer]:
    """One box per object, and no memory."""
    forgetful = Forgetful(network.config)
    forgetful.load_state_dict(network.state_dict())
    return tracked(forgetful.eval(), frames, boxes(frames[0]))


def first_masks(network: Sam2, frame: SceneFrame) -> Answer:
    """What the model makes of the boxes on the first frame: where all peers start."""
    return next(tracked(network, [frame], boxes(frame)))


def copied(network: Sam2, frames: list[SceneFrame]) -> Iterator[Answer]:
    """The first masks, again and again."""
    return itertools.repeat(first_masks(network, frames[0]), len(frames))


def warped(network: Sam2, frames: list[SceneFrame]) -> Iterator[Answer]:
    """The first masks, moved by dense optical flow (DIS, medium) from frame to frame."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    answer = first_masks(network, frames[0])
    yield answer
    labels = answer.labels
    grey = [cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY) for frame in frames]
    for before, now in itertools.pairwise(grey):
        way = flow.calc(now, before, None)  # (H, W, 2): where each pixel was
        y, x = np.mgrid[: now.shape[0], : now.shape[1]].astype(np.float32)
        labels = cv2.remap(labels, x + way[..., 0], y + way[..., 1], cv2.INTER_NEAREST)
        yield Answer(labels, set(np.unique(labels).tolist()) - {0})


def box_tracker() -> cv2.Tracker:
    """CSRT where OpenCV has its contributed modules, else MIL, the one that needs no weights."""
    kind = getattr(cv2, "TrackerCSRT", cv2.TrackerMIL)
    return kind.create()


def followed(network: Sam2, frames: list[SceneFrame]) -> Iterator[Answer]:
    """OpenCV's tracker moves the boxes, the model's decoder makes masks of them."""
    yield first_masks(network, frames[0])
    trackers = {}
    for object_id, box in enumerate(frames[0].boxes, start=1):
        if box is not None:
            x0, y0, x1, y1 = box
            trackers[object_id] = box_tracker()
            trackers[object_id].init(frames[0].image[..., ::-1].copy(), (x0, y0, x1 - x0 + 1, y1 - y0 + 1))
    segmenter = Tracker(network)
    for frame in frames[1:]:
        height, width = frame.labels.shape
        prompts = []
        for object_id, tracker in trackers.items():
            found, (x, y, w, h) = tracker.update(frame.image[..., ::-1].copy())
            box = np.clip((x, y, x + w, y + h), 0, (width - 1, height - 1) * 2).astype(float)
            if found and box[2] > box[0] and box[3] > box[1]:
                prompts.append(Prompt(object_id, box=box))
        segmenter.reset()
        yield Answer(segmenter.step(frame.image, prompts).label_image, {prompt.object_id for prompt in prompts})


MODEL: dict[str, Method] = {"box": from_boxes, "point": from_points, "box, memory cut": without_memory}
PEERS: dict[str, Method] = {"first mask copied": copied, "optical flow": warped, "OpenCV tracker": followed}


# --- scoring ---------------------------------------------------------------------------------------------------------


def run(method: Method, network: Sam2, frames: list[SceneFrame]) -> Outcome:
    """A method on a clip, scored for the objects that were asked for."""
    scorer = Scorer()
    for index, (frame, answer) in enumerate(zip(frames, method(network, frames), strict=True)):
        said = {object_id: Said(visible=True) for object_id in answer.visible}
        scorer.add(Place(index, index, index), LabelImage(frame.labels), Found(LabelImage(answer.labels), said))
    asked = {prompt.object_id for prompt in boxes(frames[0])}
    objects = [item for item in counted(scorer, Measure.DAVIS).objects if item.object_id in asked]
    figures = [object_figures(item).figures for item in objects]
    backs = [(back, item.rows[0].true_area) for item in objects for back in returns(item.rows, HIDDEN)]
    return Outcome(figures, [Back(back.found, half=back.area >= HALF * first) for back, first in backs])


@dataclass(frozen=True)
class Clip:
    """A clip to run on."""

    seed: int
    settings: SceneSettings
    choice: ModelChoice
    methods: tuple[str, ...]


def run_clip(clip: Clip) -> dict[str, Outcome]:
    """All methods on one clip, in a process of its own."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    network = load_network(clip.choice)
    frames = list(scene(clip.seed, clip.settings))
    return {name: run((MODEL | PEERS)[name], network, frames) for name in clip.methods}


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    method: str
    j_and_f: float
    j: float
    f: float
    visibility: float
    found_again: float
    returns: int  # objects that came back
    found_again_half: float  # of those that came back by half or more
    returns_half: int

    def __str__(self) -> str:
        return (
            f"{self.method:24} {self.j_and_f:6.3f} {self.j:6.3f} {self.f:6.3f} {self.visibility:10.3f} "
            f"{self.found_again:11.3f} (of {self.returns:3}) {self.found_again_half:8.3f} (of {self.returns_half:3})"
        )


def row(name: str, outcomes: list[Outcome]) -> Row:
    """A method over all clips: means over objects, and over returns."""
    figures = [item for outcome in outcomes for item in outcome.objects]
    all_returns = [back for outcome in outcomes for back in outcome.returns]
    half = [back for back in all_returns if back.half]
    return Row(
        name,
        j_and_f=mean([item.j_and_f for item in figures]),
        j=mean([item.j_mean for item in figures]),
        f=mean([item.f_mean for item in figures]),
        visibility=mean([item.visibility_accuracy for item in figures]),
        found_again=mean([back.found for back in all_returns]),
        returns=len(all_returns),
        found_again_half=mean([back.found for back in half]),
        returns_half=len(half),
    )


def table(title: str, clips: list[Clip], workers: int) -> list[Row]:
    """Run and print."""
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        results = list(tqdm(pool.map(run_clip, clips), total=len(clips), unit=" clips", disable=None))
    rows = [row(name, [result[name] for result in results]) for name in clips[0].methods]
    print(f"\n{title}: {len(clips)} clips of {clips[0].settings.frames} frames, seeds from {clips[0].seed}")
    print(f"{'':24} {'J&F':>6} {'J':>6} {'F':>6} {'visibility':>10} {'found again':>11} {'by half':>18}")
    for line in rows:
        print(line)
    return rows


def speed(choice: ModelChoice, objects: int) -> float:
    """Frames per second of `Tracker.step`, full memory, 640 x 480, all cores."""
    settings = dataclasses.replace(
        DIFFICULTIES["easy"], width=640, height=480, objects_min=objects, objects_max=objects, frames=20
    )
    frames = list(scene(0, settings))
    tracker = Tracker(load_network(choice))
    tracker.step(frames[0].image, boxes(frames[0]))
    for frame in frames[1:]:
        tracker.step(frame.image)
    started = time.perf_counter()
    for index in range(SPEED_STEPS):
        tracker.step(frames[index % len(frames)].image)
    return SPEED_STEPS / (time.perf_counter() - started)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=50)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0, help="of the first clip; training uses seeds from 1,000,000 on")
    parser.add_argument("--difficulties", nargs="+", default=["easy", "hard"], choices=list(DIFFICULTIES))
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="change a scene setting")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--checkpoint", default="auto")
    parser.add_argument("--image-size", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--no-peers", action="store_true", help="only the model")
    parser.add_argument("--no-speed", action="store_true")
    parser.add_argument("--json", type=Path, help="write the tables to a file")
    options = parser.parse_args()

    choice = ModelChoice(options.model, options.checkpoint, device="cpu", image_size=options.image_size)
    changes: dict[str, Any] = {}
    for name, value in (change.split("=") for change in options.set):
        changes[name] = float(value) if "." in value else int(value)
    methods = tuple(MODEL) if options.no_peers else (*MODEL, *PEERS)

    def clips(settings: SceneSettings, names: tuple[str, ...]) -> list[Clip]:
        settings = dataclasses.replace(settings, frames=options.frames, **changes)
        return [Clip(options.seed + index, settings, choice, names) for index in range(options.clips)]

    tables = {}
    for name in options.difficulties:
        tables[name] = table(name, clips(DIFFICULTIES[name], methods), options.workers)
        hiding = dataclasses.replace(DIFFICULTIES[name], **OCCLUSIONS)
        title = f"{name}, objects hidden for {HIDDEN} frames"
        tables[title] = table(title, clips(hiding, ("box",)), options.workers)
    rates = {} if options.no_speed else {objects: speed(choice, objects) for objects in (1, 4)}
    for objects, rate in rates.items():
        print(f"{objects} objects: {rate:.1f} frames per second, {torch.get_num_threads()} threads, 640x480, float32")
    if options.json:
        content = {title: [dataclasses.asdict(line) for line in rows] for title, rows in tables.items()}
        options.json.write_text(json.dumps({"tables": content, "frames_per_second": rates}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
