"""`sam2-ros doctor`: what it finds, what it advises, and when it fails."""

import sys
from pathlib import Path

import pytest
import torch

from sam2_ros.cli import main
from sam2_ros.machine import doctor
from sam2_ros.machine.doctor import Verdict, examine, works
from sam2_ros.machine.trial import in_python
from sam2_ros.model import kernels


@pytest.fixture(autouse=True)
def without_ros(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROS_DISTRO", raising=False)


def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The screen by subject."""
    out = capsys.readouterr().out.splitlines()
    return {line[7:21].strip(): line for line in out if line.startswith("[")}


def test_a_machine_on_which_the_tests_run_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    screen = lines(capsys)
    assert screen["tracker"].startswith("[  ok] tracker        nano runs on ")
    assert screen["Python"].startswith("[  ok]")
    assert "not sourced; bags can be replayed without it" in screen["ROS 2"]


def test_without_weights_it_fails_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(doctor.SHIPPED, "nano", tmp_path / "gone.safetensors")
    assert main(["doctor"]) == 1
    screen = lines(capsys)
    assert screen["weights"].startswith("[FAIL]")
    assert screen["tracker"].startswith("[FAIL] tracker        CheckpointError: there is no readable checkpoint file")


def test_a_broken_library_is_a_finding_and_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    (finding,) = [finding for finding in examine() if finding.subject == "cv2"]
    assert finding.verdict is Verdict.BAD
    assert finding.remedy == "pip install opencv-python"


@pytest.mark.parametrize(("size", "verdict"), [(212_992, Verdict.LESS), (33_554_432, Verdict.GOOD)])
def test_small_socket_buffers_are_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: int, verdict: Verdict
) -> None:
    file = tmp_path / "rmem_max"
    file.write_text(f"{size}\n")
    monkeypatch.setattr(doctor, "RECEIVE_BUFFER", file)
    findings = examine()
    (finding,) = [finding for finding in findings if finding.subject == "sockets"]
    assert finding.verdict is verdict
    assert ("sysctl -w net.core.rmem_max" in finding.remedy) is (verdict is Verdict.LESS)
    assert works(findings)


def test_a_ros_that_does_not_fit_this_python_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    monkeypatch.setattr(doctor, "in_python", lambda code: ("", "ModuleNotFoundError: No module named 'rclpy'"))
    findings = examine()
    (finding,) = [finding for finding in findings if finding.subject == "ROS 2"]
    assert finding.text == "jazzy, but rclpy fails: ModuleNotFoundError: No module named 'rclpy'"
    assert works(findings)


@pytest.mark.parametrize(
    ("error", "verdict", "remedy"),
    [
        ("", Verdict.GOOD, ""),
        ("ModuleNotFoundError: No module named 'tf2_ros'", Verdict.LESS, "sudo apt install ros-jazzy-tf2-ros-py"),
    ],
)
def test_transforms_are_tried_where_ros_is(
    error: str, verdict: Verdict, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    monkeypatch.setattr(doctor, "in_python", lambda code: ("", error if code == doctor.USE_TF2 else ""))
    (finding,) = [finding for finding in doctor._ros() if finding.subject == "tf2"]
    assert finding.verdict is verdict
    assert error in finding.text
    assert remedy in finding.remedy


@pytest.mark.parametrize("fails", ["", "compiler", "CUDA graphs"])
def test_on_a_gpu_compiler_and_graphs_are_really_tried(fails: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = {doctor.COMPILE: "compiler", doctor.RECORD: "CUDA graphs"}
    error = "ImportError: cannot import name 'triton'"
    monkeypatch.setattr(doctor, "_has_gpu", lambda: True)
    monkeypatch.setattr(doctor, "in_python", lambda code: ("", error if tried[code] == fails else ""))
    findings = {finding.subject: finding for finding in doctor._gpu_tiers()}
    assert list(findings) == ["compiler", "CUDA graphs"]
    for subject, finding in findings.items():
        assert finding.verdict is (Verdict.LESS if subject == fails else Verdict.GOOD)
        assert (finding.text == error) is (subject == fails)
        assert bool(finding.remedy) is (subject == fails)


@pytest.mark.parametrize(("kernel", "verdict"), [("flash", Verdict.GOOD), ("unfused", Verdict.LESS)])
def test_on_a_gpu_the_attention_kernel_is_told(kernel: str, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_has_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(kernels, "quick_dtype", lambda device: torch.float16)
    monkeypatch.setattr(kernels, "attention_kernel", lambda *_: kernel)
    (finding,) = doctor._attention()
    assert finding.verdict is verdict
    assert finding.text == f"{kernel} in float16, which precision auto takes"


@pytest.mark.parametrize("code", [doctor.COMPILE, doctor.RECORD])
def test_what_is_tried_on_a_gpu_says_why_it_fails_without_one(code: str) -> None:
    _, error = in_python(code)
    assert "CUDA" in error or "NVIDIA" in error
