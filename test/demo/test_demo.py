"""The demo, and the contact sheet that it leaves."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from sam2_ros.cli import main
from sam2_ros.drawing.contact_sheet import chosen, contact_sheet


def test_the_demo_tracks_and_says_where_to_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "demo"
    assert main(["demo", "--output", str(out), "--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    figures = dict(line.split(": ", 1) for line in lines)
    assert figures["model nano"].startswith("for a first look")
    assert float(figures["J&F"].split()[0]) > 0.5
    assert float(figures["visibility"].split("%")[0]) > 80
    assert float(figures["speed"].split()[0]) > 0
    paths = [Path(line.rsplit(": ", 1)[1]) for line in lines[-4:]]
    assert [path.name for path in paths] == ["scene_bag", "tracked_bag", "overlay.mp4", "contact_sheet.png"]
    assert all(path.exists() for path in paths)
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in paths)
    sheet = cv2.imread(str(paths[-1]))
    assert sheet.shape[0] > 3 * 240
    assert sheet.shape[1] > 4 * 320


def test_a_demo_does_not_write_over_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "keep").write_text("mine")
    assert main(["demo", "--output", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err
    assert (tmp_path / "keep").read_text() == "mine"


def test_a_failing_demo_leaves_nothing(tmp_path: Path) -> None:
    assert main(["demo", "--output", str(tmp_path / "demo"), "--checkpoint", str(tmp_path / "none.pt")]) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("count", "wanted"), [(1, [0]), (5, [0, 1, 2, 3, 4]), (40, 12)])
def test_pictures_are_spread_over_the_clip(count: int, wanted: "list[int] | int") -> None:
    picked = chosen(count)
    assert picked[0] == 0
    assert picked[-1] == count - 1
    assert (len(picked) if isinstance(wanted, int) else picked) == wanted


def test_pictures_lie_side_by_side_in_their_order() -> None:
    pictures = [np.full((40, 60, 3), 10 * index, np.uint8) for index in range(6)]
    sheet = contact_sheet(pictures, [f"frame {i}" for i in range(6)])
    assert sheet.shape == (2 * 64 + 6, 4 * 66 + 6, 3)
    for i in range(6):
        y, x = 6 + 64 * (i // 4), 6 + 66 * (i % 4)
        assert (sheet[y : y + 40, x : x + 60] == 10 * i).all()  # no caption lies on a picture
        assert (sheet[y + 40 : y + 58, x : x + 60] < 255).any()  # each stands under its own
