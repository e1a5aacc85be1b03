"""Threads that sleep while they wait: asked for before torch is loaded, and only where nobody else has said how."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sam2_ros.machine.waiting import wait_passively

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"


def test_what_the_user_says_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    wait_passively()
    assert os.environ["OMP_WAIT_POLICY"] == "active"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    wait_passively()
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


def test_the_command_asks_before_torch_is_there() -> None:
    code = """
import os, sys
from sam2_ros.cli import main
try:
    main(["--version"])
except SystemExit:
    pass
assert os.environ["OMP_WAIT_POLICY"] == "passive"
assert "torch" not in sys.modules
"""
    environment = {"PATH": "", "PYTHONPATH": str(SCRIPTS.parent)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_the_node_asks_before_anything_of_it_is_loaded() -> None:
    script = (SCRIPTS / "tracker").read_text(encoding="utf-8")
    assert script.index("wait_passively()") < script.index("from sam2_ros.ros.")
