#!/usr/bin/env python3
"""How long does it take to hold label images against each other? Made-up clips, metrics only, no file is read.

Prints seconds for so many frames, and by how much memory grew from the first tenth of them to the last: rows are kept,
pixels are not.
"""

import argparse
import os
import resource
import sys
import time
from pathlib import Path

import cv2
import numpy as np

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sam2_ros.measures.counting import counted
from sam2_ros.measures.figures import Course, clip_figures, object_figures
from sam2_ros.measures.labels import LabelImage
from sam2_ros.measures.protocol import Measure
from sam2_ros.measures.scoring import Found, Place, Said, Scorer

DIFFERENT = 40  # frames that are made; they come round again


def label_image(rng: np.random.Generator, frame: int, objects: int, height: int, width: int) -> np.ndarray:
    """(H, W) uint8: ragged ellipses, each a tenth to a fifth of the picture wide and high."""
    labels = np.zeros((height, width), np.uint8)
    for object_id in range(1, objects + 1):
        turn = 2 * np.pi * (object_id / objects + frame / DIFFERENT)
        centre = width * (0.5 + 0.3 * np.cos(turn)), height * (0.5 + 0.3 * np.sin(turn))
        angles = np.linspace(0, 2 * np.pi, 90)
        radii = 1 + 0.05 * rng.standard_normal((90, 1))
        size = np.array((width, height)) * (0.1 + 0.1 * object_id / objects)
        outline = centre + radii * size * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        cv2.fillPoly(labels, [outline.round().astype(np.int32)], object_id)
    return labels


def memory_mb() -> float:
    """Largest resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--objects", type=int, default=5)
    parser.add_argument("--size", default="854x480", metavar="WxH")
    parser.add_argument("--threads", type=int, default=0, help="of OpenCV; 0: as many as it wants")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    if options.threads:
        cv2.setNumThreads(options.threads)

    rng = np.random.default_rng(0)
    pairs = [
        [LabelImage(label_image(rng, frame, options.objects, height, width)) for _ in range(2)]
        for frame in range(DIFFERENT)
    ]
    said = {object_id: Said(True, 0.9, 0.8) for object_id in range(1, options.objects + 1)}
    scorer, early_mb = Scorer(), 0.0
    started, busy = time.perf_counter(), time.process_time()
    for frame in range(options.frames):
        truth, found = pairs[frame % DIFFERENT]
        scorer.add(Place(frame, frame, frame), truth, Found(found, said))
        if frame == options.frames // 10:
            early_mb = memory_mb()
    kept = counted(scorer, Measure.DAVIS)
    rows = [row for item in kept.objects for row in item.rows]
    figures = clip_figures([object_figures(item) for item in kept.objects], rows, Course(scorer.frames, 0, ()))
    took, busy = time.perf_counter() - started, time.process_time() - busy
    print(
        f"{options.frames} frames of {options.size} with {options.objects} objects: {took:.1f} s "
        f"({busy:.1f} s of processors), {os.cpu_count()} cores, OpenCV with {cv2.getNumThreads()} threads"
    )
    print(f"memory: {early_mb:.1f} MB after a tenth of the frames, {memory_mb():.1f} MB at the end, {len(rows)} rows")
    print(f"J {figures.j_mean:.4f}, F {figures.f_mean:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
