"""The benchmark on real clips: a small folder made up here, a table of J per clip."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers import CHECKOUT
from sam2_ros.synthetic import scene, settings_for

FRAMES = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clip in DAVIS's layout, with truth on three of six frames; a stripe of it is unclear."""
    (tmp_path / "JPEGImages/one").mkdir(parents=True)
    (tmp_path / "Annotations/one").mkdir(parents=True)
    settings = dataclasses.replace(settings_for("easy"), frames=FRAMES, width=128, height=96)
    for index, frame in enumerate(scene(3, settings)):
        cv2.imwrite(str(tmp_path / f"JPEGImages/one/{index:05}.jpg"), frame.image[..., ::-1])
        if index in (0, 2, 5):
            labels = frame.labels.copy()
            labels[labels == 0] = np.where(np.arange(128) < 10, 255, 0)[None].repeat(96, 0)[labels == 0]
            cv2.imwrite(str(tmp_path / f"Annotations/one/{index:05}.png"), labels)
    return tmp_path


def table(folder: Path, *methods: str) -> list[str]:
    command = [sys.executable, str(CHECKOUT / "benchmarks/real_clips.py"), str(folder), "--workers", "1", "--methods"]
    done = subprocess.run([*command, *methods], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_table_of_first_and_later_frames(folder: Path) -> None:
    heading, mask, true = table(folder, "mask", "true mask copied")
    assert heading.split()[-2:] == ["one", "all"]
    first, later = _numbers(mask)
    assert first > 0.9
    assert later > 0.8
    copied = _numbers(true)
    assert copied[0] == 1.0
    assert copied[1] < later


def _numbers(line: str) -> tuple[float, float]:
    first, later = line[-14:].split("/")
    return float(first), float(later)
