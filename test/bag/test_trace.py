"""What a replay tells of memories, line by line."""

import json
from pathlib import Path

import pytest

from helpers.bags import box_prompt, camera_bag, prompts, stamp_of
from sam2_ros.bag.replay import ReplayRequest, replay
from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.errors import BagError
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network


@pytest.fixture(scope="module")
def network():
    return load_network(ModelChoice(model="toy", checkpoint="random", image_size=64, device="cpu"))


def told(tmp_path: Path, network, policy: str) -> list[dict]:
    bag = camera_bag(tmp_path / "bag", 9, "mcap", prompts(stamp_of(0), stamp_of(0), box_prompt(1), box_prompt(4)))
    request = ReplayRequest(bag, tmp_path / "out", progress=False, trace=tmp_path / "trace.jsonl")
    replay(request, lambda: Tracker(network, TrackerConfig(memory_policy=policy)))
    return [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]


def test_every_object_of_every_frame_has_a_line(tmp_path: Path, network) -> None:
    lines = told(tmp_path, network, "official")
    assert [(line["frame"], line["object"]) for line in lines] == [(f, o) for f in range(9) for o in (1, 4)]
    assert [line["stamp_ns"] for line in lines[::2]] == [stamp_of(index) for index in range(9)]
    assert lines[0]["attended"] is None
    assert lines[-1]["attended"] == {
        "prompted": [0],
        "recent": [[2, 5], [3, 4], [4, 3], [5, 2], [6, 1], [7, 0]],
        "pointers": [7, 6, 5, 4, 3, 2, 1],
    }
    assert all(line["kept"] and not line["promoted"] for line in lines)


def test_a_policy_says_why_it_does_not_remember(tmp_path: Path, network) -> None:
    lines = told(tmp_path, network, "distractor")
    for line in lines[2:]:
        assert line["why"]
        assert line["kept"] is (line["area"] > 0)
    assert lines[0]["why"] == "it was prompted"


def test_a_trace_that_is_there_is_not_overwritten(tmp_path: Path, network) -> None:
    (tmp_path / "trace.jsonl").write_text("mine")
    with pytest.raises(BagError, match="exists already"):
        told(tmp_path, network, "official")
    assert not (tmp_path / "out").exists()
