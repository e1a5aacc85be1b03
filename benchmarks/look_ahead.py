#!/usr/bin/env python3
"""What `look_ahead` brings and costs: images tracked a second, and how old each is when its result is there.

A camera gives images at its rate; as in the live node the newest wins, and the next one is encoded while this one is
tracked in, or it is not. Without ROS: the mailbox, the pipeline and the thread are the node's own.
"""

import argparse
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sam2_ros.bench.run import boxes, made_up_pictures
from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.ros.ahead import ahead
from sam2_ros.ros.mailbox import Mail, Mailbox
from sam2_ros.ros.statistics import Statistics
from sam2_ros.stream.pipeline import Pipeline
from sam2_ros.tracking.ready import ready_tracker
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network, wants_compiling


@dataclass(frozen=True)
class Shot:
    """An image message, as far as the pipeline looks at it."""

    header: Any
    pixels: np.ndarray
    taken: float  # monotonic seconds


def film(mailbox: Mailbox, pictures: list[np.ndarray], rate: float, stop: threading.Event) -> None:
    """Put images into the mailbox at a rate, until told to stop."""
    due, number = time.monotonic(), 0
    while not stop.is_set():
        stamp = SimpleNamespace(sec=number + 1, nanosec=0)
        mailbox.put_image(Shot(SimpleNamespace(stamp=stamp), pictures[number % len(pictures)], time.monotonic()))
        due, number = due + 1 / rate, number + 1
        time.sleep(max(0.0, due - time.monotonic()))


def measure(tracker: Tracker, pictures: list[np.ndarray], rate: float, seconds: float, look_ahead: bool) -> str:
    """One row."""
    pipeline = Pipeline(tracker, lambda shot: shot.pixels)
    mailbox = Mailbox(Statistics(), 1)

    def prepare(mail: Mail) -> tuple[Mail, Any]:
        return mail, pipeline.prepare(mail.image)

    stop = threading.Event()
    camera = threading.Thread(target=film, args=(mailbox, pictures, rate, stop))
    camera.start()
    ages = []
    begun = time.monotonic()
    for mail, prepared in ahead(mailbox.take, prepare) if look_ahead else map(prepare, iter(mailbox.take, None)):
        pipeline.track(prepared)
        ages.append(time.monotonic() - mail.image.taken)
        if time.monotonic() - begun > seconds:
            stop.set()
            mailbox.close()
    camera.join()
    p50, p95 = 1e3 * np.percentile(ages, (50, 95))
    return f"{'look ahead' if look_ahead else 'one by one':12} {len(ages) / seconds:10.1f} {p50:9.1f} {p95:9.1f}"


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--checkpoint", default="auto", help="random gives any size weights without a download")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--image-size", type=int, default=0)
    parser.add_argument("--objects", type=int, default=1)
    parser.add_argument("--rate", type=float, default=100.0, help="of the camera, images a second")
    parser.add_argument("--seconds", type=float, default=15.0, help="for each way")
    options = parser.parse_args()
    width, height = 1280, 720
    choice = ModelChoice(options.model, options.checkpoint, options.device, image_size=options.image_size)
    network = load_network(choice)
    config = TrackerConfig(max_objects=options.objects)
    pictures = made_up_pictures(width, height)
    print(
        f"{network.config.name}, {network.config.image_size} px, {network.device}, {torch.get_num_threads()} threads, "
        f"{options.objects} objects, camera at {options.rate:g} Hz, images {width}x{height}"
    )
    print(f"{'':12} {'images/s':>10} {'age p50':>9} {'p95 ms':>9}")
    for look_ahead in (False, True):
        tracker = ready_tracker(network, config, wants_compiling(choice.compile_network, network.device))
        tracker.step(pictures[0], boxes(options.objects, width, height))
        print(measure(tracker, pictures, options.rate, options.seconds, look_ahead), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
