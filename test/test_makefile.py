"""The README's commands in a shell where ROS is sourced: its Python packages come first, and do not fit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment that is ready: it runs this Python."""
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    command = python.with_name("sam2-ros")
    command.write_text(f'#!/bin/sh\nexec "{python}" -c "import sys; print(sys.path)"\n')
    command.chmod(0o755)
    (tmp_path / "venv" / ".ready").touch()
    return tmp_path / "venv"


@pytest.fixture
def sourced(tmp_path: Path) -> dict[str, str]:
    """What a sourced ROS leaves in the environment; its pytest plugin needs a package of the system's Python."""
    packages = tmp_path / "ros" / "site-packages"
    entry_points = packages / "launch_testing-3.4.0.dist-info" / "entry_points.txt"
    entry_points.parent.mkdir(parents=True)
    entry_points.write_text("[pytest11]\nlaunch = launch_testing_plugin\n")
    entry_points.with_name("METADATA").write_text("Name: launch_testing\nVersion: 3.4.0\n")
    (packages / "launch_testing_plugin.py").write_text("import no_lark_in_this_environment\n")
    return {"PYTHONPATH": str(packages), "AMENT_PREFIX_PATH": str(tmp_path / "ros"), "ROS_DISTRO": "jazzy"}


def run(target: str, environment: Path, folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["make", f"--makefile={ROOT / 'Makefile'}", f"--old-file={environment / '.ready'}", f"VENV={environment}"]
    variables = {**os.environ, **variables}
    return subprocess.run([*command, target], cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_ros_in_the_shell_does_not_break_the_tests(environment: Path, sourced: dict[str, str]) -> None:
    only = {"PYTEST_ADDOPTS": "--collect-only --dist=no test/machine/test_versions.py"}
    done = run("test", environment, ROOT, {**sourced, **only})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_what_goes_together_is_well" in done.stdout


def test_the_demo_runs_our_own_code_though_a_workspace_is_sourced(
    environment: Path, sourced: dict[str, str], tmp_path: Path
) -> None:
    done = run("demo", environment, tmp_path, sourced)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "site-packages" in done.stdout
    assert sourced["PYTHONPATH"] not in done.stdout
