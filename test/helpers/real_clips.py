"""Clips in DAVIS's layout with truth on a few frames, as they are recorded, made up."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np

from sam2_ros.synthetic import scene, settings_for

FRAMES, WITH_TRUTH = 6, (0, 2, 5)


def write_real_clip(folder: Path, name: str = "one", seed: int = 3) -> Path:
    """A clip with truth on three of six frames; a stripe of it is unclear. The folder of all clips."""
    for kind in ("JPEGImages", "Annotations"):
        (folder / kind / name).mkdir(parents=True)
    settings = dataclasses.replace(settings_for("easy"), frames=FRAMES, width=128, height=96)
    for index, frame in enumerate(scene(seed, settings)):
        cv2.imwrite(str(folder / "JPEGImages" / name / f"{index:05}.jpg"), frame.image[..., ::-1])
        if index in WITH_TRUTH:
            labels = frame.labels.copy()
            labels[labels == 0] = np.where(np.arange(128) < 10, 255, 0)[None].repeat(96, 0)[labels == 0]
            cv2.imwrite(str(folder / "Annotations" / name / f"{index:05}.png"), labels)
    return folder
