"""What RViz and Foxglove are told to show: files that load, and topics that the node has."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
NODE = "/sam2_tracker/"
TOPICS = {"overlay", "masks", "objects", "points", "detections_3d", "detections", "label_info"}


def shown_by_launch() -> set[str]:
    """The topics that the launch file renames for RViz when the node has another name."""
    for statement in ast.parse((ROOT / "launch/tracker.launch.py").read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "SHOWN":
            return set(ast.literal_eval(statement.value))
    raise AssertionError("the launch file says no more what RViz shows")


def test_rviz_shows_topics_of_the_node_which_the_launch_file_renames() -> None:
    manager = yaml.safe_load((ROOT / "config/tracker.rviz").read_text())["Visualization Manager"]
    topics = {each["Topic"]["Value"] for each in manager["Displays"] if "Topic" in each}
    assert topics == {NODE + name for name in shown_by_launch()}
    assert shown_by_launch() <= TOPICS
    boxes = next(each for each in manager["Displays"] if each["Class"].startswith("vision_msgs_rviz_plugins/"))
    assert boxes["Topic"]["Value"] == f"{NODE}detections_3d"


def test_foxglove_shows_panels_that_are_described_and_topics_of_the_node() -> None:
    layout = json.loads((ROOT / "config/foxglove_layout.json").read_text())
    assert set(panels(layout["layout"])) == set(layout["configById"])
    paths = [word for word in strings(layout["configById"]) if word.startswith(NODE)]
    assert paths
    assert {word.removeprefix(NODE).split(".")[0] for word in paths} <= TOPICS


def panels(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
        return
    for side in ("first", "second"):
        yield from panels(part[side])


def strings(value: Any) -> Iterator[str]:
    """All strings in nested dictionaries and lists, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
