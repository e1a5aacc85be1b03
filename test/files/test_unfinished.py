"""What a killed process left is taken away by the next one with the same target, and nothing else is."""

import subprocess
import sys
from pathlib import Path

import pytest

from helpers import CHECKOUT
from sam2_ros.bag.staging import staged
from sam2_ros.files.unfinished import MARK, Unfinished
from sam2_ros.report.whole import write_whole

KILLED = """
import os, signal, sys
from pathlib import Path
from sam2_ros.files.unfinished import Unfinished
for is_folder in (False, True):
    part = Unfinished(Path(sys.argv[1]), is_folder, hidden=not is_folder).path
    (part / "a" if is_folder else part).write_text("half")
os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A folder with a file and a folder that were to become `out`."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "out")], cwd=CHECKOUT, check=False, timeout=60)
    assert done.returncode == -9
    assert len(names(tmp_path)) == 2
    return tmp_path


def test_the_next_file_takes_away_the_file_that_was_left(left: Path) -> None:
    write_whole(left / "out", "whole")
    assert [name for name in names(left) if not name.startswith("out.")] == ["out"]
    assert (left / "out").read_text() == "whole"


def test_the_next_folder_takes_away_the_folder_that_was_left(left: Path) -> None:
    with staged(left / "out") as part:
        part.mkdir()
    assert [name for name in names(left) if not name.startswith(".")] == ["out"]


def test_what_another_writes_at_the_same_time_stays(tmp_path: Path) -> None:
    theirs = Unfinished(tmp_path / "out", is_folder=True)
    with staged(tmp_path / "out") as part:
        part.mkdir()
        assert theirs.path.exists()
    assert theirs.path.exists()
    theirs.close()
    assert names(tmp_path) == ["out"]


def test_what_only_looks_alike_stays(left: Path) -> None:
    others = [f"out{MARK}mine", f"out{MARK}abcdefgh.txt", "out.part-abcdefgh", f"other{MARK}abcdefgh"]
    for name in others:
        (left / name).write_text("dear")
    (left / f"out{MARK}aaaaaaaa").symlink_to(left / others[0])
    with staged(left / "out") as part:
        part.mkdir()
    assert {*others, f"out{MARK}aaaaaaaa"} < set(names(left))
