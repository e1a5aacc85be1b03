"""The network and the tracker against the official predictor's recorded answers, see benchmarks/recorded.py."""

import re

import numpy as np
import pytest
import torch

from recorded import CASES, SIZE, Case, frames, network, recording
from sam2_ros.config import TrackerConfig
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import Tracker


def prompt_of(event: dict) -> Prompt:
    if "mask_ellipse" in event:
        cx, cy, rx, ry = event["mask_ellipse"]
        y, x = np.mgrid[:SIZE, :SIZE]
        return Prompt(event["object"], mask=((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1)
    return Prompt(event["object"], event.get("points", []), event.get("labels", []), event.get("box"))


def worst_difference(
    name: str, case: Case, dtype: torch.dtype = torch.float64, frame_count: int | None = None
) -> float:
    """Largest difference from the recording; every recorded value of these frames is compared."""
    tracker = Tracker(network(case, dtype), TrackerConfig(max_cond_frames_in_attn=case.max_cond_frames_in_attn))
    results = [
        tracker.step(frame, [prompt_of(e) for e in case.events if e["frame"] == index])
        for index, frame in enumerate(frames(frame_count or case.frames))
    ]
    worst, expected = 0.0, recording(name)
    for key, value in expected.items():
        index, object_id, corrected, quantity = re.fullmatch(r"f(\d+)/o(\d+)/(corrected/)?(\w+)", key).groups()
        if int(index) >= len(results):
            continue
        state = next(s for s in results[int(index)].objects if s.object_id == int(object_id))
        overruled = f"f{index}/o{object_id}/corrected/{quantity}" in expected and not corrected
        said = state.tracked if overruled else state.prediction
        field = {"low_res": said.masks, "object_score": said.object_score, "obj_ptr": said.pointers, "ious": said.ious}
        actual = field[quantity][0].double().numpy()
        assert actual.shape == value.shape, key
        worst = max(worst, float(np.nan_to_num(np.abs(actual - value), nan=np.inf).max()))
    return worst


@pytest.mark.parametrize("name", CASES)
def test_every_number_equals_the_official_predictors_in_float64(name: str) -> None:
    assert worst_difference(name, CASES[name]) < 1e-5


def test_the_first_frame_in_float32_agrees_to_a_thousandth() -> None:
    assert worst_difference("stream", CASES["stream"], torch.float32, frame_count=1) < 1e-3


@pytest.mark.parametrize("name", ["occlusion", "edgetam_occlusion", "efficienttam"])
def test_object_scores_of_these_recordings_change_sign(name: str) -> None:
    scores = [float(v) for k, v in recording(name).items() if k.endswith("object_score")]
    assert min(scores) < 0 < max(scores)


def test_the_recordings_cover_what_they_are_for() -> None:
    masks = np.stack([v for k, v in recording("stream").items() if k.endswith("low_res")])
    assert 0.02 < np.median((masks > 0).mean(axis=(1, 2))) < 0.8
