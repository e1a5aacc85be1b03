#!/usr/bin/env python3
"""What a frame costs besides the network, part by part, without ROS: milliseconds on the CPU, medians and quickest.

Parts are called as the live node calls them, on an image with round objects, each a fifth of its height. Taking and
publishing messages is measured by publish.py.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import torch

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sam2_ros.bench.staged import TYPES
from sam2_ros.config import TrackerConfig
from sam2_ros.drawing.overlay import draw
from sam2_ros.model.mask_decoder import DecoderOutput
from sam2_ros.model.sam2 import MaskPrediction
from sam2_ros.stream.messages import masks_message, objects_message, overlay_message, pack_array
from sam2_ros.stream.pixels import to_rgb
from sam2_ros.tracking.describe import describe
from sam2_ros.tracking.preprocess import to_network
from sam2_ros.tracking.result import FrameResult
from sam2_ros.tracking.track import Sighting, Track

CPU = torch.device("cpu")
RADIUS = 0.1  # of an object, by the image's height
HEADER = SimpleNamespace()


@dataclass(frozen=True)
class Part:
    """One thing that is done for every frame."""

    name: str
    run: Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """How long it took, in milliseconds."""

    name: str
    median: float
    quickest: float

    def __str__(self) -> str:
        return f"{self.name:32} {self.median:8.2f} {self.quickest:8.2f}"


def image(encoding: str, pixels: np.ndarray) -> SimpleNamespace:
    """A sensor_msgs/Image of pixels (H, W, channels) uint8."""
    height, width, channels = pixels.shape
    data = pack_array(np.ascontiguousarray(pixels))
    return SimpleNamespace(encoding=encoding, height=height, width=width, step=width * channels, data=data)


def jpeg(rgb: np.ndarray) -> SimpleNamespace:
    """A sensor_msgs/CompressedImage."""
    return SimpleNamespace(format="jpeg", data=pack_array(cv2.imencode(".jpg", rgb[..., ::-1])[1]))


def scene(width: int, height: int) -> np.ndarray:
    """A picture (H, W, 3) uint8 that is neither flat nor noise."""
    coarse = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def disc(number: int, count: int, width: int, height: int, side: int) -> torch.Tensor:
    """Logits (side, side) of a round object, one of ``count`` side by side that overlap when they are many."""
    y, x = np.mgrid[:side, :side] + 0.5
    away = np.hypot(x / side * width - (number + 0.5) / count * width, y / side * height - height / 2)
    return torch.from_numpy((RADIUS * height - away).astype(np.float32))


def sightings(count: int, width: int, height: int, side: int) -> list[Sighting]:
    """What the network might say of so many objects."""
    found = []
    for number in range(count):
        logits = disc(number, count, width, height, side)[None]
        one = torch.ones(1)
        tokens = torch.zeros(1, 4, 256)
        decoded = DecoderOutput(logits.expand(1, 4, -1, -1), one.expand(1, 4), tokens, one * 5)
        best = one.long() * 0
        prediction = MaskPrediction(logits, one * 5, tokens[:, 0], one[:, None], logits[:, None], best, one, decoded)
        found.append(Sighting(Track(number + 1, number, "cup", 0, 0, 0, 0), None, prediction, False))
    return found


def input_parts(rgb: np.ndarray, image_size: int) -> Iterator[Part]:
    """From a message to what the network takes."""
    two = np.ascontiguousarray(rgb[..., :2])
    for encoding, pixels in (("rgb8", rgb), ("bgr8", rgb), ("yuv422", two)):
        message = image(encoding, pixels)
        yield Part(f"convert {encoding}", lambda message=message: to_rgb(message))  # type: ignore[misc]
    compressed = jpeg(rgb)
    yield Part("decode jpeg", lambda: to_rgb(compressed))
    yield Part(f"resize and normalise to {image_size}", lambda: to_network(rgb, image_size, CPU, torch.float32))


def output_parts(rgb: np.ndarray, image_size: int, count: int) -> Iterator[Part]:
    """From what the network says to messages."""
    height, width = rgb.shape[:2]
    seen, config = sightings(count, width, height, image_size // 4), TrackerConfig()
    states, labels = describe(seen, (width, height), 0, config)
    result = FrameResult(0, 0, labels, tuple(states), ())
    picture = draw(rgb, result)
    yield Part("post-process", lambda: describe(seen, (width, height), 0, config))
    yield Part("masks message", lambda: masks_message(TYPES, HEADER, result))
    yield Part("objects message", lambda: objects_message(TYPES, HEADER, result, 0.0, False))
    yield Part("objects message, cropped masks", lambda: objects_message(TYPES, HEADER, result, 0.0, True))
    yield Part("overlay", lambda: draw(rgb, result))
    yield Part("overlay message", lambda: overlay_message(TYPES, HEADER, picture))


def measure(part: Part, repeats: int) -> Timing:
    """Run it again and again."""
    part.run()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        part.run()
        times.append((time.perf_counter() - started) * 1e3)
    return Timing(part.name, float(np.median(times)), min(times))


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--image-size", type=int, default=1024, help="side of the network's square image")
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)

    rgb = scene(options.width, options.height)
    print(f"{options.width}x{options.height}, network's image {options.image_size}, {options.threads} threads")
    print(f"{'':32} {'median':>8} {'quickest':>8}")
    with torch.inference_mode():
        for part in input_parts(rgb, options.image_size):
            print(measure(part, options.repeats))
        for count in options.objects:
            print(f"{count} objects")
            for part in output_parts(rgb, options.image_size, count):
                print(measure(part, options.repeats))
    return 0


if __name__ == "__main__":
    sys.exit(main())
