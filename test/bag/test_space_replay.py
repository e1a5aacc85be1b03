"""Positions offline: a made-up scene with depth, replayed and evaluated without ROS."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.bags import on_topic, read_bag, stamp_of_header
from sam2_ros.bag.replay import ReplayRequest, replay
from sam2_ros.bag.space_request import SpaceRequest
from sam2_ros.bag.synthesize import SynthesizeRequest, synthesize
from sam2_ros.cli import main as sam2_ros
from sam2_ros.config import ModelChoice, SpaceConfig
from sam2_ros.errors import BagError
from sam2_ros.synthetic import settings_for
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network

FRAMES = 8
SETTINGS = replace(settings_for("easy"), width=256, height=192, frames=FRAMES)
SPACE = SpaceConfig(min_depth_pixels=20)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bag = tmp_path_factory.mktemp("scene") / "bag"
    synthesize(SynthesizeRequest(bag, 1, SETTINGS, progress=False, depth=True))
    return bag


@pytest.fixture(scope="module")
def network():
    return load_network(ModelChoice(device="cpu"))


@pytest.fixture(scope="module")
def tracked(scene: Path, network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Replayed into the map, with points and frames of objects."""
    output = tmp_path_factory.mktemp("tracked") / "bag"
    space = SpaceRequest(replace(SPACE, target_frame="map", velocity_noise=1.0), points=True, object_frames=True)
    replay(ReplayRequest(scene, output, progress=False, space=space), lambda: Tracker(network))
    return output


def positions(bag: Path, topic: str) -> dict[tuple[int, str], np.ndarray]:
    found = {}
    for message in on_topic(read_bag(bag), topic):
        for detection in message.content.detections:
            point = detection.results[0].pose.pose.position
            found[stamp_of_header(message.content), detection.id] = np.array((point.x, point.y, point.z))
    return found


def test_positions_in_the_map_are_those_of_the_truth(scene: Path, tracked: Path) -> None:
    true = positions(scene, "/ground_truth/detections_3d/map")
    found = positions(tracked, "/sam2_tracker/detections_3d")
    assert found.keys() <= true.keys()
    assert len(found) > 0.9 * len(true)
    off = [np.linalg.norm(found[key] - true[key]) / np.linalg.norm(true[key]) for key in found]
    assert np.median(off) < 0.01
    assert np.percentile(off, 95) < 0.03


def test_all_topics_of_the_live_node_are_written_and_the_inputs_kept(scene: Path, tracked: Path) -> None:
    messages, inputs = read_bag(tracked), read_bag(scene)
    for topic in ("/camera/camera_info", "/camera/depth_registered/image_raw", "/tf_static"):
        assert len(on_topic(messages, topic)) == len(on_topic(inputs, topic))
    for topic in ("/sam2_tracker/detections_3d", "/sam2_tracker/points"):
        assert len(on_topic(messages, topic)) == FRAMES
    transforms = [t for message in on_topic(messages, "/tf") for t in message.content.transforms]
    assert {"camera_link", "sam2_object_1"} <= {t.child_frame_id for t in transforms}
    objects = [message.content for message in on_topic(messages, "/sam2_tracker/objects")]
    assert {message.position_frame for message in objects} == {"map"}
    assert all(one.has_velocity == one.has_position for message in objects for one in message.objects)


def test_replayed_again_the_positions_are_the_same(tracked: Path, network, tmp_path: Path) -> None:
    space = SpaceRequest(replace(SPACE, target_frame="map"))
    replay(ReplayRequest(tracked, tmp_path / "again", progress=False, space=space), lambda: Tracker(network))
    before, again = (positions(bag, "/sam2_tracker/detections_3d") for bag in (tracked, tmp_path / "again"))
    assert before.keys() == again.keys()
    assert all(again[key] == pytest.approx(before[key], abs=1e-12) for key in before)


def test_evaluate_tells_how_far_off_positions_are(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sam2_ros(["evaluate", str(scene), "--depth", "--device", "cpu", "--min-depth-pixels", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if line.startswith("position error: mean 0.0"))
    assert "by distance median 0." in line
    assert any(line.startswith("  2 to 3 m: mean 0.0") or line.startswith("  3 to 5 m: mean 0.0") for line in lines)


def test_positions_in_another_frame_are_not_compared(
    scene: Path, tracked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sam2_ros(["evaluate", str(tracked), "--truth", str(scene)]) == 0
    assert (
        "positions are in frame map, and true ones of /ground_truth/detections_3d in camera" in capsys.readouterr().out
    )
    topic = ("--truth-3d-topic", "/ground_truth/detections_3d/map")
    assert sam2_ros(["evaluate", str(tracked), "--truth", str(scene), *topic]) == 0
    assert "position error: mean 0.0" in capsys.readouterr().out


def test_what_the_bag_has_not_is_said(scene: Path, network, tmp_path: Path) -> None:
    def run(**space: str) -> None:
        request = ReplayRequest(scene, tmp_path / "out", progress=False, space=SpaceRequest(SPACE, **space))
        replay(request, lambda: Tracker(network))

    with pytest.raises(BagError, match="has no depth on /depth; give another one with --depth; there are: /camera"):
        run(depth_topic="/depth")
    with pytest.raises(BagError, match=r"has no camera_info on /info; .* there are: /camera/camera_info"):
        run(camera_info_topic="/info")
    plain = tmp_path / "plain"
    synthesize(SynthesizeRequest(plain, 1, replace(SETTINGS, frames=2), progress=False))
    request = ReplayRequest(plain, tmp_path / "out", progress=False, space=SpaceRequest(SPACE))
    with pytest.raises(BagError, match="has no topics with depth in the frame camera"):
        replay(request, lambda: Tracker(network))
    assert not (tmp_path / "out").exists()
