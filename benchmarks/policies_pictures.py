#!/usr/bin/env python3
"""One clip of `policies.py` as pictures: what each memory policy made of it, a row of frames for each policy.

Coloured is what was found, outlined in white what is true. Below the number of the frame stands the state of each
object (C confirmed, U unsure, A absent, L lost) with its predicted IoU, and A where the frame became an anchor, - where
it is not remembered.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from policies import KINDS, POLICIES, boxes, config
from sam2_ros.config import ModelChoice
from sam2_ros.synthetic import SceneFrame, scene
from sam2_ros.tracking.result import FrameResult, ObjectState
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network

COLOURS = ((255, 70, 70), (70, 255, 70), (255, 255, 60), (60, 255, 255), (255, 90, 255), (255, 160, 60))  # RGB
COLUMNS = 9
WHITE = (255, 255, 255)


def pictures(options: argparse.Namespace) -> Iterator[list[np.ndarray]]:
    """Every so many frames one picture (H, W, 3) for each policy."""
    network, settings = load_network(ModelChoice(options.model, options.checkpoint, "cpu")), KINDS[options.kind]
    trackers = [Tracker(network, config(policy)) for policy in options.policies]
    for index, frame in enumerate(scene(options.seed, settings)):
        image, prompts = trackers[0].encode(frame.image), () if index else boxes(frame)
        results = [tracker.step(image, prompts, round(index * 1e9 / settings.fps)) for tracker in trackers]
        if index > options.last:
            return
        if index >= options.first and (index - options.first) % options.every == 0:
            yield [picture(frame, result) for result in results]


def picture(frame: SceneFrame, result: FrameResult) -> np.ndarray:
    """One frame with what was found and what is true."""
    canvas = frame.image.copy()
    write(canvas, str(result.frame_index), 14, WHITE)
    for state in result.objects:
        colour = COLOURS[(state.object_id - 1) % len(COLOURS)]
        canvas[state.mask] = (canvas[state.mask] * 0.5 + np.array(colour) * 0.5).astype(np.uint8)
        true = (frame.labels == state.object_id).astype(np.uint8)
        cv2.drawContours(canvas, cv2.findContours(true, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], -1, WHITE, 1)
        write(canvas, note(state), 14 + 14 * state.object_id, colour)
    return canvas


def note(state: ObjectState) -> str:
    """State, predicted IoU, and what became of memory."""
    memory = state.memory
    assert memory is not None
    mark = "A" if memory.promoted else "" if memory.kept else "-"
    return f"{state.state.name[0]} {state.mask_score:.2f} {mark}"


def write(canvas: np.ndarray, text: str, y: int, colour: tuple[int, int, int]) -> None:
    """Text that can be read on anything."""
    for width, ink in ((3, (0, 0, 0)), (1, colour)):
        cv2.putText(canvas, text, (4, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, ink, width, cv2.LINE_AA)


def sheet(columns: list[list[np.ndarray]]) -> np.ndarray:
    """All pictures: time goes right and then down, policies stand below each other."""
    lines = []
    for start in range(0, len(columns), COLUMNS):
        part = columns[start : start + COLUMNS]
        part += [[np.zeros_like(each) for each in part[0]]] * (COLUMNS - len(part) if start else 0)
        lines += [np.concatenate(row, axis=1) for row in zip(*part, strict=True)]
    return np.concatenate(lines)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("output", type=Path, metavar="PICTURE", help="a .png or .jpg")
    add("--kind", default="hard+distractors", choices=KINDS, metavar="KIND", help=f"of: {', '.join(KINDS)}")
    add("--seed", type=int, default=500)
    add("--first", type=int, default=0, metavar="FRAME")
    add("--last", type=int, default=1_000_000, metavar="FRAME")
    add("--every", type=int, default=3, metavar="FRAMES")
    add("--policies", nargs="+", default=["official", "distractor"], choices=POLICIES)
    add("--model", default="nano")
    add("--checkpoint", default="auto")
    options = parser.parse_args()
    whole = sheet(list(pictures(options)))
    cv2.imwrite(str(options.output), whole[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 70))
    return 0


if __name__ == "__main__":
    sys.exit(main())
