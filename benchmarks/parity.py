#!/usr/bin/env python3
"""Compare the tracker with a recording of the official predictor, on the same weights and frames.

Runs a case through the public `Tracker`, prints the largest difference of each quantity on each frame and exits 1 when
one is above the tolerance. With random weights the memory loop amplifies rounding, so compare in float64.

A case is JSON: model ``size``, ``image_size``, number of ``frames`` and ``events``: at ``frame``, for ``object``, one
of ``points`` with ``labels``, a ``box``, a ``mask_ellipse`` [cx, cy, rx, ry]; limits of `TrackerConfig` may stand
beside them. With a ``frame_repeat`` every pixel is repeated so many times along both sides. A recording is NPZ with
``fF/oO/...`` for frame F and object O, see `QUANTITIES`.
"""

import argparse
import dataclasses
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sam2_ros.config import TrackerConfig
from sam2_ros.model.checkpoint import load_model
from sam2_ros.model.config import get_config
from sam2_ros.model.sam2 import MaskPrediction
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.result import FrameResult
from sam2_ros.tracking.tracker import Tracker

TOLERANCE = 1e-5

QUANTITIES: dict[str, Callable[[MaskPrediction], torch.Tensor]] = {
    "low_res": lambda p: p.masks[0],
    "object_score": lambda p: p.object_score[0],
    "obj_ptr": lambda p: p.pointers[0],
    "ious": lambda p: p.ious[0],
    "best": lambda p: p.best[0],
    "multi": lambda p: p.candidates[0],
}


def prompt_of(event: dict[str, Any], height: int, width: int) -> Prompt:
    """The prompt of one event of a case on a frame of this many pixels."""
    if "mask_ellipse" in event:
        cx, cy, rx, ry = event["mask_ellipse"]
        y, x = np.mgrid[:height, :width]
        return Prompt(event["object"], mask=((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1)
    return Prompt(
        event["object"],
        points=np.array(event.get("points", [])),
        point_labels=np.array(event.get("labels", [])),
        box=event.get("box"),
    )


def limits_of(case: dict[str, Any]) -> TrackerConfig:
    """The limits that the case names; where it names none, no prompted frame is forgotten."""
    prompted = {event["frame"] for event in case["events"]}
    named = {f.name: case[f.name] for f in dataclasses.fields(TrackerConfig) if f.name in case}
    return TrackerConfig(**{"max_cond_frames": max(4, len(prompted)), **named})


def read_frame(path: Path) -> np.ndarray:
    """An image file as (H, W, 3) uint8 RGB."""
    frame = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if frame is None:
        sys.exit(f"{path} cannot be read as an image")
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def enlarged(frame: np.ndarray, times: int) -> np.ndarray:
    """Every pixel repeated along both sides: no resizing enters."""
    return np.ascontiguousarray(frame.repeat(times, axis=0).repeat(times, axis=1))


def differences(result: FrameResult, recording: dict[str, np.ndarray]) -> dict[str, float]:
    """Largest absolute difference of each recorded quantity of one frame; inf where the shapes differ."""
    worst: dict[str, float] = {}
    states = {state.object_id: state for state in result.objects}
    for key, expected in recording.items():
        match = re.fullmatch(rf"f{result.frame_index}/o(\d+)/(corrected/)?(\w+)", key)
        if not match or match[3] not in QUANTITIES:
            continue
        name = match[3]
        if (state := states.get(int(match[1]))) is None:
            worst[name] = float("inf")
            continue
        corrected = f"f{result.frame_index}/o{match[1]}/corrected/low_res" in recording
        before = state.tracked if corrected and not match[2] else state.prediction
        actual = None if before is None else QUANTITIES[name](before).double().cpu().numpy()
        same_shape = actual is not None and actual.shape == expected.shape
        difference = float(np.abs(actual - expected).max()) if same_shape else float("inf")
        # A comparison with NaN is false either way, so it would pass for equal.
        worst[name] = max(worst.get(name, 0.0), difference if np.isfinite(difference) else float("inf"))
    return worst


def report_unread(recording: dict[str, np.ndarray], frames: int) -> None:
    """Say which entries will not be compared; exit when that is all of them."""
    known = re.compile(rf"f(\d+)/o\d+/(corrected/)?({'|'.join(QUANTITIES)})")
    read = [key for key in recording if (match := known.fullmatch(key)) and int(match[1]) < frames]
    if not read:
        sys.exit("the recording holds nothing to compare on these frames; its entries are named fF/oO/QUANTITY")
    if unread := sorted(set(recording) - set(read)):
        print(f"not compared: {len(unread)} entries, such as {unread[0]}")


def compare(
    case: dict[str, Any], recording: dict[str, np.ndarray], frames: list[np.ndarray], tracker: Tracker
) -> float:
    """Run the case, print a line a frame, return the largest difference of all."""
    print("frame  " + "  ".join(f"{name:>12}" for name in QUANTITIES))
    largest = 0.0
    for index, frame in enumerate(frames):
        prompts = [prompt_of(event, *frame.shape[:2]) for event in case["events"] if event["frame"] == index]
        result = tracker.step(frame, prompts)
        for outcome in result.outcomes:
            if not outcome.accepted:
                sys.exit(outcome.reason)
        found = differences(result, recording)
        print(f"{index:5d}  " + "  ".join(f"{found[n]:12.2e}" if n in found else " " * 12 for n in QUANTITIES))
        largest = max([largest, *found.values()])
    return largest


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", type=Path, required=True, help="JSON")
    parser.add_argument("--recording", type=Path, required=True, help="NPZ")
    parser.add_argument("--frames", type=Path, required=True, help="folder with 00000.png (or .jpg), 00001.png, ...")
    parser.add_argument("--checkpoint", type=Path, required=True, help="weights in the official format")
    parser.add_argument("--precision", default="float64", choices=("float64", "float32", "bfloat16"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE)
    args = parser.parse_args()

    case = json.loads(args.case.read_text())
    files = sorted(path for path in args.frames.iterdir() if path.suffix in (".png", ".jpg"))[: case["frames"]]
    if len(files) < case["frames"]:
        sys.exit(f"{args.frames} holds {len(files)} frames, the case needs {case['frames']}")
    config = get_config(case["size"], case["image_size"])
    network = load_model(config, args.checkpoint, args.device, getattr(torch, args.precision))
    recording = dict(np.load(args.recording))
    report_unread(recording, case["frames"])
    frames = [enlarged(read_frame(file), case.get("frame_repeat", 1)) for file in files]
    largest = compare(case, recording, frames, Tracker(network, limits_of(case)))
    verdict = "equal" if largest <= args.tolerance else "DIFFERENT"
    print(f"largest difference {largest:.3e}, tolerance {args.tolerance:g}: {verdict}")
    return 0 if largest <= args.tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
