"""The demo: what it leaves to look at, and what it leaves alone."""

from pathlib import Path

import cv2
import pytest

from sam2_ros.cli import main


def test_the_demo_tracks_and_says_where_to_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "demo"
    assert main(["demo", "--output", str(out), "--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    figures = dict(line.split(": ", 1) for line in lines)
    assert figures["model nano"].startswith("for a first look")
    assert float(figures["J&F"].split()[0]) > 0.5
    assert float(figures["visibility"].split("%")[0]) > 80
    assert float(figures["speed"].split()[0]) > 0
    paths = [Path(line.rsplit(": ", 1)[1]) for line in lines[-6:]]
    made_up = ["scene_bag", "tracked_bag", "overlay.mp4", "contact_sheet.png"]
    assert [path.name for path in paths] == [*made_up, "real_overlay.mp4", "real_contact_sheet.png"]
    assert all(path.exists() for path in paths)
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in paths)
    for path, height, width in ((paths[3], 240, 320), (paths[5], 270, 480)):
        sheet = cv2.imread(str(path))
        assert sheet.shape[0] > 3 * height
        assert sheet.shape[1] > 4 * width


def test_a_demo_does_not_write_over_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "keep").write_text("mine")
    assert main(["demo", "--output", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err
    assert (tmp_path / "keep").read_text() == "mine"


def test_a_failing_demo_leaves_nothing(tmp_path: Path) -> None:
    assert main(["demo", "--output", str(tmp_path / "demo"), "--checkpoint", str(tmp_path / "none.pt")]) == 1
    assert list(tmp_path.iterdir()) == []
