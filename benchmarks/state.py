#!/usr/bin/env python3
"""What saving costs, how long a restore takes, and whether an object is found again by what was saved of it.

python benchmarks/state.py time --model tiny --objects 16     # a state of full memories, there and back
python benchmarks/state.py autosave                           # frames with and without saving beside them, in turns
python benchmarks/state.py library --scenes 6                 # made-up scenes: the same object elsewhere
"""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.stored.state_file import read_state, write_state
from sam2_ros.synthetic import SceneFrame, scene, settings_for
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.state import ObjectMemory
from sam2_ros.tracking.track import Track
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network

FRAMES = 24  # of a scene
LATER = 12  # frame from which on an object is looked for again
FOUND = 0.5  # IoU


def timed(model: str, objects: int) -> None:
    """A state with the memories that many objects have in the long run."""
    network = load_network(ModelChoice(model=model, checkpoint="random" if model != "nano" else "auto", device="cpu"))
    tracker, other = (Tracker(network, TrackerConfig(max_objects=objects)) for _ in range(2))
    fill(tracker, objects)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.safetensors"
        for _ in range(3):
            marks = [clocks()]
            state = tracker.state()
            marks.append(clocks())
            size = write_state(path, state)
            marks.append(clocks())
            other.restore(read_state(path).state)
            marks.append(clocks())
            copied, written, restored = (
                f"{wall:.3f} s ({own:.3f} s of the processor)" for wall, own in np.diff(marks, axis=0)
            )
            print(
                f"{model}, {objects} objects, {size / 2**20:.1f} MiB: copied between two images in {copied}, "
                f"written aside in {written}, read and restored in {restored}"
            )


def clocks() -> tuple[float, float]:
    """Seconds of the wall, and of this thread alone."""
    return time.perf_counter(), time.thread_time()


def fill(tracker: Tracker, objects: int) -> None:
    """Objects with full memories, without running the network for each frame."""
    bank = tracker._bank
    state = tracker.state()
    fresh = bank.take(0)
    recent = tuple(range(14, 20))[: len(fresh.held.recent)]
    prompted = 0, *fresh.held.prompted[1:]
    held = replace(fresh.held, prompted=prompted, recent=recent, pointers=tuple(range(5, 20)))
    frames = bank._frames.new_ones(1 + len(held.recent), *bank._frames.shape[2:])
    pointers = bank._pointers.new_ones(1 + len(held.pointers), bank._pointers.shape[2])
    memory = replace(fresh, held=held, frames=frames, pointers=pointers)
    each = tuple(ObjectMemory(Track(n + 1, n, "", 0, 0, 0, 0), memory) for n in range(objects))
    tracker.restore(replace(state, frame=20, objects=each))


def autosave(frames: int = 120) -> None:
    """Every other frame with a save beside it: its copy is made before, its file is written meanwhile."""
    tracker = Tracker(load_network(ModelChoice(device="cpu")), TrackerConfig(max_objects=16))
    pictures = [frame.image for frame in scene(3, replace(settings_for("easy"), frames=FRAMES))]
    tracker.step(pictures[0], [Prompt(box=np.array([20.0 + 8 * n, 20, 60 + 8 * n, 80])) for n in range(3)])
    times: tuple[list[float], list[float]] = [], []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as aside:
        for number in range(frames):
            saves, started = number % 2, time.perf_counter()
            if saves:
                written = aside.submit(write_state, Path(folder) / "s.safetensors", tracker.state())
            tracker.step(pictures[abs(number % (2 * FRAMES - 2) - FRAMES + 1)])
            times[saves].append(time.perf_counter() - started)
            if saves:
                written.result()
    for name, values in zip(("alone", "with a save"), times, strict=True):
        p50, p95 = 1e3 * np.percentile(values, (50, 95))
        print(f"{name}: p50 {p50:.1f} ms, p95 {p95:.1f} ms, {sum(values):.2f} s for {len(values)} frames")
    ratios = np.array(times[1]) / np.array(times[0])
    print(f"a frame with a save to the one before it: median {100 * (float(np.median(ratios)) - 1):+.1f} %")


def library(scenes: int, difficulty: str) -> None:
    """An object of one part of a scene is looked for in a later part by a tracker that has only its saved prompts."""
    network = load_network(ModelChoice(device="cpu"))
    scores: dict[str, list[float]] = {"tracked all along": [], "found again by its file": [], "of another scene": []}
    clips = {seed: list(scene(seed, replace(settings_for(difficulty), frames=FRAMES))) for seed in range(scenes)}
    for seed, frames in clips.items():
        for object_id in (1, 2):
            tracker = Tracker(network)
            if not followed(tracker, frames, object_id):
                continue
            state = tracker.object_state(object_id)
            scores["tracked all along"] += ious(tracker, frames, object_id)
            again, wrong = Tracker(network), Tracker(network)
            again.adopt(state, object_id)
            wrong.adopt(state, object_id)
            scores["found again by its file"] += ious(again, frames, object_id)
            for frame in clips[(seed + 1) % scenes][LATER:]:
                (seen,) = wrong.step(frame.image).objects
                scores["of another scene"].append(float(seen.visible))
    for name, values in scores.items():
        what = "says that it sees it" if name == "of another scene" else f"IoU above {FOUND:g}"
        share = np.mean([value > FOUND for value in values])
        print(f"{name}: {what} in {100 * share:.0f} % of {len(values)} images, mean {np.mean(values):.2f}")


def followed(tracker: Tracker, frames: list[SceneFrame], object_id: int) -> bool:
    """Track an object through the first part of a scene; whether it is there at first."""
    boxes = frames[0].boxes
    box = boxes[object_id - 1] if object_id <= len(boxes) else None
    if box is None:
        return False
    tracker.step(frames[0].image, [Prompt(object_id, box=np.array(box))])
    for frame in frames[1:LATER]:
        tracker.step(frame.image)
    return True


def ious(tracker: Tracker, frames: list[SceneFrame], object_id: int) -> list[float]:
    """IoU of the object's mask in the later images in which it is visible."""
    found = []
    for frame in frames[LATER:]:
        (state,) = (s for s in tracker.step(frame.image).objects if s.object_id == object_id)
        true = frame.labels == object_id
        if true.any():
            found.append(float((state.mask & true).sum() / (state.mask | true).sum()))
    return found


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("time", "autosave", "library"))
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--objects", type=int, default=16)
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--difficulty", default="medium")
    args = parser.parse_args()
    if args.what == "time":
        timed(args.model, args.objects)
    elif args.what == "autosave":
        autosave()
    else:
        library(args.scenes, args.difficulty)
    return 0


if __name__ == "__main__":
    sys.exit(main())
