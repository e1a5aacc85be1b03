"""The benchmark on real clips: a small folder made up here, a table of J per clip."""

import subprocess
import sys
from pathlib import Path

import pytest

from helpers import CHECKOUT
from helpers.real_clips import write_real_clip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_real_clip(tmp_path)


def table(folder: Path, *methods: str) -> list[str]:
    command = [sys.executable, str(CHECKOUT / "benchmarks/real_clips.py"), str(folder), "--workers", "1", "--methods"]
    done = subprocess.run([*command, *methods], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_table_of_first_and_later_frames(folder: Path) -> None:
    heading, mask, true = table(folder, "mask", "true mask copied")
    assert heading.split()[-2:] == ["one", "all"]
    first, later = _numbers(mask)
    assert first > 0.9
    assert later > 0.8
    copied = _numbers(true)
    assert copied[0] == 1.0
    assert copied[1] < later


def _numbers(line: str) -> tuple[float, float]:
    first, later = line[-14:].split("/")
    return float(first), float(later)
