"""The bond with nav2's lifecycle manager: formed while the node is active, broken when it no longer is."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from graph import Listener, listener, run_tracker
from lifecycle_msgs.msg import Transition

BONDED = ("model:=toy", "checkpoint:=random", "device:=cpu", "bond_heartbeat_period:=0.1")
BONDPY_IS_HERE = importlib.util.find_spec("bondpy") is not None


@pytest.fixture
def ears() -> Iterator[Listener]:
    with listener() as ears:
        yield ears


@pytest.mark.skipif(not BONDPY_IS_HERE, reason="bondpy is not installed")
def test_a_manager_sees_it_come_and_go(tmp_path: Path, ears: Listener) -> None:
    from bondpy.bondpy import Bond

    tracker = run_tracker(tmp_path / "tracker.log", *BONDED)
    formed: list[bool] = []
    broken: list[bool] = []
    try:
        assert ears.change(Transition.TRANSITION_CONFIGURE)
        for _ in range(2):
            assert ears.change(Transition.TRANSITION_ACTIVATE)
            # As the manager has it: on /bond, by the node's name.
            bond = Bond(ears.node, "bond", "sam2_tracker", lambda: broken.append(True), lambda: formed.append(True))
            bond.start()
            ears.wait(lambda: formed, "the bond")
            assert not broken
            assert ears.change(Transition.TRANSITION_DEACTIVATE)
            ears.wait(lambda: broken, "the end of the bond")
            bond.shutdown()
            ears.node.destroy_subscription(bond.sub)
            ears.node.destroy_publisher(bond.pub)
            formed.clear()
            broken.clear()
    finally:
        tracker.kill()


def test_without_bondpy_it_says_what_to_install(tmp_path: Path, ears: Listener) -> None:
    (tmp_path / "bondpy.py").write_text("raise ModuleNotFoundError(__name__)")
    path = f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}"
    tracker = run_tracker(tmp_path / "tracker.log", *BONDED, environment={"PYTHONPATH": path})
    try:
        assert ears.change(Transition.TRANSITION_CONFIGURE)
        assert not ears.change(Transition.TRANSITION_ACTIVATE)
        said = "cannot activate: parameter bond_heartbeat_period is 0.1, but bondpy is not installed: install ros-"
        ears.wait(lambda: said in tracker.text(), "the reason")
        assert ears.set("bond_heartbeat_period", 0.0).successful
        assert ears.change(Transition.TRANSITION_ACTIVATE)
    finally:
        tracker.kill()
