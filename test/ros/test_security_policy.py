"""The SROS2 policy names what the node really has on the graph, and nothing else."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from graph import Listener, listener, run_tracker

POLICY = Path(__file__).parents[2] / "config" / "sros2_policy.xml"
# By parameters: compressed images, a simulated clock, a bond with nav2, depth. By ROS version: get_type_description.
AT_TIMES = {"/image/compressed", "/clock", "/bond", "/parameter_events", "/sam2_tracker/get_type_description"}
AT_TIMES |= {"/depth", "/depth/compressedDepth", "/camera_info", "/tf", "/tf_static"}
AT_TIMES |= {"/sam2_tracker/detections_3d", "/sam2_tracker/points"}


@pytest.fixture
def ears() -> Iterator[Listener]:
    with listener() as ears:
        yield ears


def allowed(access: str) -> set[str]:
    return {
        (entry.text or "").strip()
        for group in ElementTree.parse(POLICY).iter()
        if group.get(access) == "ALLOW"
        for entry in group
    }


def test_the_policy_is_what_the_node_does(tmp_path: Path, ears: Listener) -> None:
    parameters = ("model:=toy", "checkpoint:=random", "device:=cpu", "autostart_node:=true")
    tracker = run_tracker(tmp_path / "tracker.log", *parameters)
    try:
        ears.wait(lambda: "tracking on" in tracker.text(), "an active tracker", 120)
        look = ears.node
        for access, names in (
            ("subscribe", lambda: look.get_subscriber_names_and_types_by_node("sam2_tracker", "/")),
            ("publish", lambda: look.get_publisher_names_and_types_by_node("sam2_tracker", "/")),
            ("reply", lambda: look.get_service_names_and_types_by_node("sam2_tracker", "/")),
        ):
            wanted = allowed(access) - AT_TIMES
            ears.wait(lambda names=names, wanted=wanted: wanted <= {name for name, _ in names()}, f"all of {access}")
            assert {name for name, _ in names()} - AT_TIMES == wanted
    finally:
        tracker.kill()
