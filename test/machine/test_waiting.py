"""Threads that sleep soon while they wait: asked for before torch is loaded, and only where nobody has said how."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sam2_ros.machine.waiting import SAID, TURNS, wait_briefly

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"


@pytest.mark.parametrize(("name", "value"), [("OMP_WAIT_POLICY", "active"), ("GOMP_SPINCOUNT", "7"), ("", "")])
def test_what_the_user_says_stands(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for said in SAID:
        monkeypatch.setenv(said, "")  # so that all of it is put back
        monkeypatch.delenv(said)
    if name:
        monkeypatch.setenv(name, value)
    wait_briefly()
    found = {said: os.environ[said] for said in SAID if said in os.environ}
    assert found == ({name: value} if name else {"GOMP_SPINCOUNT": str(TURNS)})


def test_the_command_asks_before_torch_is_there() -> None:
    code = """
import os, sys
from sam2_ros.cli import main
try:
    main(["--version"])
except SystemExit:
    pass
assert os.environ["GOMP_SPINCOUNT"] == "10000"
assert "torch" not in sys.modules
"""
    environment = {"PATH": "", "PYTHONPATH": str(SCRIPTS.parent)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_the_node_asks_before_anything_of_it_is_loaded() -> None:
    script = (SCRIPTS / "tracker").read_text(encoding="utf-8")
    assert script.index("wait_briefly()") < script.index("from sam2_ros.ros.")
