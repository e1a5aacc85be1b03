"""The comparison with recordings of the official predictor, as a command run from the checkout."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from helpers import CHECKOUT
from recorded import CASES, SIZE, TOY, frames, recording, weights

SCRIPT = CHECKOUT / "benchmarks" / "parity.py"
CASE = CASES["limit"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case with its frames and checkpoint."""
    folder = tmp_path_factory.mktemp("parity")
    case = {
        "size": "toy",
        "image_size": SIZE,
        "frames": CASE.frames,
        "events": CASE.events,
        "max_cond_frames_in_attn": CASE.max_cond_frames_in_attn,
    }
    (folder / "case.json").write_text(json.dumps(case))
    (folder / "frames").mkdir()
    for index, frame in enumerate(frames(CASE.frames)):
        cv2.imwrite(str(folder / "frames" / f"{index:05d}.png"), frame[..., ::-1])
    torch.save({"model": weights(TOY, CASE.object_bias)}, folder / "model.pt")
    return folder


def run(folder: Path, expected: dict[str, np.ndarray]) -> subprocess.CompletedProcess:
    np.savez(folder / "recording.npz", **expected)
    options = {"case": "case.json", "recording": "recording.npz", "frames": "frames", "checkpoint": "model.pt"}
    arguments = [part for name, file in options.items() for part in (f"--{name}", str(folder / file))]
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, cwd=folder)


def test_equal_numbers_pass_and_are_printed_frame_by_frame(folder: Path) -> None:
    done = run(folder, recording("limit"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("equal")
    assert len(done.stdout.splitlines()) == 1 + CASE.frames + 1


@pytest.mark.parametrize("wrong", [1e-3, np.nan])
def test_a_wrong_or_undefined_number_fails(folder: Path, wrong: float) -> None:
    expected = recording("limit")
    expected["f7/o1/obj_ptr"] = expected["f7/o1/obj_ptr"] + wrong
    done = run(folder, expected)
    assert done.returncode == 1
    assert "DIFFERENT" in done.stdout


def test_a_recording_of_something_else_is_no_success(folder: Path) -> None:
    done = run(folder, {"f0/o1/masks": np.zeros(3), "f99/o1/low_res": np.zeros(3)})
    assert done.returncode != 0
    assert "nothing to compare" in done.stderr
