#!/usr/bin/env python3
"""Where objects are: what it costs, part by part, on one core; and, with --scenes, how far off it is.

Cost: milliseconds for a frame with round objects, each four tenths of its height wide; medians and quickest, by the
processor's clock.
Accuracy: made-up scenes with a stereo camera's noise (1 % at 2 m, growing with the square), by true masks and by those
of a network; error of a position by its distance.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count as count_from
from pathlib import Path
from typing import Any

import cv2
import numpy as np

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from overhead import Part, Timing

from sam2_ros.bag import definitions
from sam2_ros.config import ModelChoice, SpaceConfig
from sam2_ros.measures.positions import by_distance, position_figures
from sam2_ros.measures.record import PositionError
from sam2_ros.space.camera import PinholeCamera
from sam2_ros.space.place import Place
from sam2_ros.space.transform import Transform, rotation_of
from sam2_ros.stream.messages import objects_message
from sam2_ros.stream.places import Locator, Placer
from sam2_ros.stream.space_messages import cloud_message, detections_message, transform_messages
from sam2_ros.synthetic import DIFFICULTIES, DepthFrame, SceneFrame, depth_frames, scene, settings_for
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.result import FrameResult, ObjectState
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network

WIDTH, HEIGHT = 1280, 720
RADIUS = 0.2  # of an object, by the image's height
STAMP = 1_000_000_000
TO_MAP = Transform(rotation_of(np.array((0.1, 0.2, 0.3, 0.9))), np.ones(3))
SIZE = {"width": 640, "height": 480}  # of the scenes
FRAME_NS = 66_666_667  # between two frames of a scene
Masks = Callable[[SceneFrame], tuple[ObjectState, ...]]


def state(object_id: int, mask: np.ndarray) -> ObjectState:
    """An object that is seen where a mask (H, W) is."""
    rows, columns = np.nonzero(mask)
    box = int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())
    nothing: Any = None
    return ObjectState(object_id, "cup", True, 5.0, 0.9, mask, box, len(rows), (0.0, 0.0), 0, 0, 0, nothing, nothing)


def to_map(target: str, source: str, stamp_ns: int) -> Transform:
    """The same at all times."""
    return TO_MAP


def parts(count: int, encoding: str) -> Iterator[Part]:
    """What is done for every frame with so many objects."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    centres = [(number + 0.5) / count * WIDTH for number in range(count)]
    masks = [np.hypot(x - centre, y - HEIGHT / 2) < RADIUS * HEIGHT for centre in centres]
    result = FrameResult(
        0, STAMP, np.zeros((HEIGHT, WIDTH), np.uint8), tuple(map(state, range(1, count + 1), masks)), ()
    )
    metres = np.random.default_rng(0).normal(2.0, 0.02, (HEIGHT, WIDTH))
    values = (metres * 1000).astype(np.uint16) if encoding == "16UC1" else metres.astype(np.float32)
    header, camera = definitions.header(STAMP, "camera"), PinholeCamera(WIDTH, HEIGHT, 920, 920, 640, 360)
    depth, info = definitions.image(encoding, values, header), definitions.camera_info(header, camera)
    locator, config = Locator(SpaceConfig(), "/image"), SpaceConfig(target_frame="map", velocity_noise=1.0)
    locator.put_camera_info(info)
    locator.ring.put(depth)
    located = locator.locate(header, result)
    placer = Placer(config)
    placed = placer.place(located, to_map)
    stamps = count_from(STAMP, 33_000_000)  # each later than the one before, so that there is something to filter
    types, ours, states = definitions.space_types(), definitions.message_types(), result.objects
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    yield Part(f"match, decode, locate {count} objects", lambda: locator.locate(header, result))
    yield Part(
        "to the map, velocities", lambda: placer.place(replace(located, stamp_ns=next(stamps)), lambda *_: TO_MAP)
    )
    yield Part("objects message", lambda: objects_message(ours, header, result, 0.0, False, placed))
    yield Part("detections message", lambda: detections_message(types, header.stamp, placed, states))
    yield Part("transforms", lambda: transform_messages(types, header.stamp, placed, states, False))
    yield Part("cloud (not in the sum)", lambda: cloud_message(types, header.stamp, placed, states, frame))


def measure(part: Part, repeats: int) -> Timing:
    """Run it again and again, by the processor's clock: what others do here meanwhile does not count."""
    part.run()
    times = []
    for _ in range(repeats):
        started = time.thread_time()
        part.run()
        times.append((time.thread_time() - started) * 1e3)
    return Timing(part.name, float(np.median(times)), min(times))


# --- accuracy --------------------------------------------------------------------------------------------------------


def true_masks(frame: SceneFrame) -> tuple[ObjectState, ...]:
    """Masks as they are."""
    found = [state(int(each), frame.labels == each) for each in np.unique(frame.labels) if each]
    return tuple(replace(each, mask_score=1.0) for each in found)


def tracked_masks(tracker: Tracker) -> Masks:
    """Masks as a network sees them, from one box for each object on the first frame."""

    def masks(frame: SceneFrame) -> tuple[ObjectState, ...]:
        boxes = {} if tracker.object_ids else dict(enumerate(frame.boxes, start=1))
        prompts = [Prompt(object_id, box=np.array(box, float)) for object_id, box in boxes.items() if box is not None]
        return tracker.step(frame.image, prompts).objects

    return masks


def errors(frames: Iterator[tuple[SceneFrame, DepthFrame]], masks: Masks) -> Iterator[PositionError]:
    """Every true position against the one that comes of its mask."""
    locator = Locator(SpaceConfig(), "/image")
    for index, (frame, depth) in enumerate(frames):
        header = definitions.header(STAMP + index * FRAME_NS, "camera")
        locator.put_camera_info(definitions.camera_info(header, depth.camera))
        locator.ring.put(definitions.image("16UC1", depth.measured, header))
        result = FrameResult(index, STAMP + index * FRAME_NS, frame.labels, masks(frame), ())
        places = locator.locate(header, result).places
        for object_id, true in depth.objects(frame.labels).items():
            found = places.get(object_id)
            off = np.linalg.norm(found.position - true.position) if isinstance(found, Place) else np.nan
            yield PositionError(object_id, 0, float(np.linalg.norm(true.position)), float(off))


def accuracy(difficulty: str, seeds: Iterable[int], tracked: bool) -> list[PositionError]:
    """Of some scenes of a difficulty."""
    settings = replace(settings_for(difficulty), **SIZE)
    network = load_network(ModelChoice(device="cpu")) if tracked else None
    found: list[PositionError] = []
    for seed in seeds:
        masks = true_masks if network is None else tracked_masks(Tracker(network))
        found += errors(zip(scene(seed, settings), depth_frames(seed, settings), strict=True), masks)
    return found


def tell(name: str, found: list[PositionError]) -> None:
    """Print figures of errors."""
    figures = position_figures(found)
    print(
        f"{name:24} median {figures['position_share']:.2%}, 95 % {figures['position_p95_share']:.2%} of the distance; "
        f"mean {figures['position_mean_m']:.4f} m; {figures['position_found']:.1%} of {len(found)} found"
    )
    for each in by_distance(found):
        print(f"{'':24} {each.low:g} to {each.high:g} m: mean {each.mean:.4f} m, 95 % {each.p95:.4f} m ({each.count})")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--scenes", type=int, default=0, help="of each difficulty, for the accuracy (default: none)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first scene (default: %(default)s)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for encoding in ("16UC1", "32FC1"):
        print(f"{encoding + ', ' + str(WIDTH) + 'x' + str(HEIGHT):32} {'median':>8} {'quickest':>8}   milliseconds")
        timings = [measure(part, options.repeats) for part in parts(options.objects, encoding)]
        print("\n".join(map(str, timings)))
        rest = timings[:-1]
        print(f"{'in all':32} {sum(t.median for t in rest):8.2f} {sum(t.quickest for t in rest):8.2f}")
    for difficulty in DIFFICULTIES if options.scenes else ():
        for tracked in (False, True):
            name = f"{difficulty}, {'masks of nano' if tracked else 'true masks'}"
            tell(name, accuracy(difficulty, range(options.first, options.first + options.scenes), tracked))
    return 0


if __name__ == "__main__":
    sys.exit(main())
