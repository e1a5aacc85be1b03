"""Which torch, numpy and Python go together: what the doctor says, and that setup.py, README and constraints agree."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from packaging.requirements import Requirement

from sam2_ros.machine import doctor
from sam2_ros.machine.doctor import Finding, Verdict
from sam2_ros.machine.versions import COMPILES_SINCE, LEAST_PYTHON, LEAST_TORCH, torch_clash, written

ROOT = Path(__file__).parent.parent.parent


def versions() -> Finding:
    (finding,) = [finding for finding in doctor._torch() if finding.subject == "versions"]
    return finding


@pytest.fixture
def as_if(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make doctor see another torch and Python."""

    def replace(release: str, python: tuple[int, int]) -> None:
        monkeypatch.setattr(torch, "__version__", release)
        monkeypatch.setattr(doctor, "sys", SimpleNamespace(version_info=(*python, 0)))

    return replace


@pytest.mark.parametrize(
    ("release", "python", "text", "remedy"),
    [
        ("2.3.1+cu121", (3, 12), "torch 2.3.1+cu121 is older than all that was tried", "pip install 'torch>=2.4'"),
        ("2.5.1", (3, 13), "torch 2.5.1 cannot compile with Python 3.13", "pip install 'torch>=2.6'"),
        ("2.9.1", (3, 14), "torch 2.9.1 cannot compile with Python 3.14", "pip install 'torch>=2.10'"),
    ],
)
def test_what_does_not_go_together_is_a_warning_with_the_remedy(
    as_if: Any, release: str, python: tuple[int, int], text: str, remedy: str
) -> None:
    as_if(release, python)
    finding = versions()
    assert finding.verdict is Verdict.LESS
    assert finding.text.startswith(text)
    assert finding.remedy == remedy


@pytest.mark.parametrize(
    ("release", "python"),
    [("2.4.0a0+07cecf4168.nv24.05", (3, 10)), ("2.4.0", (3, 12)), ("2.10.0", (3, 14)), ("3.0.0", (3, 15))],
)
def test_what_goes_together_is_well(as_if: Any, release: str, python: tuple[int, int]) -> None:
    as_if(release, python)
    assert versions().verdict is Verdict.GOOD


def test_a_torch_that_does_not_take_this_numpy_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise RuntimeError("Numpy is not available")

    monkeypatch.setattr(torch, "zeros", fail)
    finding = versions()
    assert finding.verdict is Verdict.BAD
    assert finding.text.endswith("does not take this numpy: RuntimeError: Numpy is not available")
    assert finding.remedy.startswith("pip install 'numpy<2', or a torch that was built for numpy 2")


def test_these_tests_run_with_what_goes_together() -> None:
    assert torch_clash(torch.__version__, (3, 11)) == ("", "")


# --- what else says so -----------------------------------------------------------------------------------------------


def required() -> dict[str, Requirement]:
    """By name, what setup.py asks for."""
    strings = re.findall(r'"([\w-]+>=[\d.]+)"', (ROOT / "setup.py").read_text())
    return {requirement.name.lower(): requirement for requirement in map(Requirement, strings)}


def pinned(file: str) -> dict[str, str]:
    """By name, the versions of a constraints file."""
    return {name.lower(): version for name, version in re.findall(r"^([\w-]+)==([\w.]+)", file, re.MULTILINE)}


def test_setup_asks_for_what_the_doctor_asks_for() -> None:
    assert str(required()["torch"].specifier) == f">={written(LEAST_TORCH)}"
    assert f'python_requires=">={written(LEAST_PYTHON)}"' in (ROOT / "setup.py").read_text()


def test_the_readme_says_what_the_doctor_says() -> None:
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert f"Any torch from {written(LEAST_TORCH)} on works" in readme
    for python, release in COMPILES_SINCE.items():
        assert f"{written(release)} on Python {written(python)}" in readme


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-ros.txt", "constraints-humble.txt"])
def test_what_is_tested_is_what_is_asked_for(name: str) -> None:
    asked = required()
    versions = pinned((ROOT / name).read_text())
    assert versions
    assert [n for n, v in versions.items() if n in asked and not asked[n].specifier.contains(v)] == []


def test_the_oldest_versions_are_those_of_humble() -> None:
    versions = pinned((ROOT / "constraints-humble.txt").read_text())
    for name in ("numpy", "opencv-python", "pillow", "pyyaml", "scipy", "tqdm", "torch"):
        (floor,) = required()[name].specifier
        assert versions[name].startswith(floor.version), name
