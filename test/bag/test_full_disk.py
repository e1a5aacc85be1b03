"""A disk that is full while something is written: one sentence, nothing is left, what was there stays."""

from pathlib import Path

import pytest

from helpers.bags import camera_bag, prompts, stamp_of
from helpers.disk import full
from sam2_ros.bag.replay import ReplayRequest, replay
from sam2_ros.config import ModelChoice
from sam2_ros.errors import BagError
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network

LIMIT = 20_000  # bytes that a file may have


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_bag_that_cannot_be_written_whole_is_not_there(tmp_path: Path, storage: str) -> None:
    network = load_network(ModelChoice(model="toy", checkpoint="random", image_size=64, device="cpu"))
    bag = camera_bag(tmp_path / "in", 12, "mcap", prompts(stamp_of(0), stamp_of(0)))
    request = ReplayRequest(bag, tmp_path / "out", storage=storage, progress=False)
    with full(LIMIT), pytest.raises(BagError, match=r"cannot write .*out") as refusal:
        replay(request, lambda: Tracker(network))
    assert "\n" not in str(refusal.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]
    assert replay(request, lambda: Tracker(network)).frames == 12


def test_pictures_that_cannot_be_written_are_not_there(tmp_path: Path) -> None:
    network = load_network(ModelChoice(model="toy", checkpoint="random", image_size=64, device="cpu"))
    bag = camera_bag(tmp_path / "in", 60, "mcap", prompts(stamp_of(0), stamp_of(0)))
    request = ReplayRequest(bag, tmp_path / "out", overlays=tmp_path / "pictures", progress=False)
    with full(LIMIT), pytest.raises(BagError):
        replay(request, lambda: Tracker(network))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]
