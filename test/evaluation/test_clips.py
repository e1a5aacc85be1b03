"""What a path means: one clip or all of a folder or a list."""

from pathlib import Path

import pytest

from sam2_ros.errors import EvaluationError
from sam2_ros.evaluation.clips import find_clips


def make(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def names(root: Path, clips: list[Path]) -> list[str]:
    return [str(clip.relative_to(root)) for clip in clips]


def test_a_bag_is_one_clip(tmp_path: Path) -> None:
    make(tmp_path, "bag/metadata.yaml", "bag/bag_0.mcap", "bag/bag_1.mcap", "loose.db3")
    assert find_clips(tmp_path / "bag") == [tmp_path / "bag"]
    assert find_clips(tmp_path / "loose.db3") == [tmp_path / "loose.db3"]


def test_a_folder_means_its_bags_in_natural_order(tmp_path: Path) -> None:
    make(tmp_path, "b10/metadata.yaml", "b9/metadata.yaml", "deep/er/x.mcap", "notes/readme.md", "b9/b9_0.mcap")
    assert names(tmp_path, find_clips(tmp_path)) == ["b9", "b10", "deep/er/x.mcap"]


def test_a_recording_that_was_not_closed_is_found_by_its_file(tmp_path: Path) -> None:
    make(tmp_path, "open/open_0.mcap", "good/metadata.yaml")
    assert names(tmp_path, find_clips(tmp_path)) == ["good", "open/open_0.mcap"]


def test_sequences_of_label_images(tmp_path: Path) -> None:
    make(tmp_path, "bear/00000.png", "camel/00000.PNG")
    assert names(tmp_path, find_clips(tmp_path)) == ["bear", "camel"]
    assert find_clips(tmp_path / "bear") == [tmp_path / "bear"]


def test_sequences_of_images(tmp_path: Path) -> None:
    make(tmp_path, "JPEGImages/480p/bear/00000.jpg", "JPEGImages/480p/camel/00000.jpeg")
    assert names(tmp_path, find_clips(tmp_path)) == ["JPEGImages/480p/bear", "JPEGImages/480p/camel"]


def test_a_picture_among_bags_is_no_sequence(tmp_path: Path) -> None:
    make(tmp_path, "overview.png", "b/metadata.yaml", "b/preview.png", "more/x.mcap", "more/x.jpg")
    assert names(tmp_path, find_clips(tmp_path)) == ["b", "more/x.mcap"]


def test_folders_of_objects_are_one_clip(tmp_path: Path) -> None:
    make(tmp_path, "sav_1/000/00000.png", "sav_1/001/00000.png", "sav_2/000/00000.png")
    assert names(tmp_path, find_clips(tmp_path)) == ["sav_1", "sav_2"]
    assert find_clips(tmp_path / "sav_1") == [tmp_path / "sav_1"]


def test_a_list_keeps_its_order_and_what_is_not_there(tmp_path: Path) -> None:
    make(tmp_path, "b/metadata.yaml", "a/x/metadata.yaml", "empty/readme.md")
    (tmp_path / "bags.txt").write_text("# ours\nb\n\na\ngone\nempty\n" + str(tmp_path / "b") + "\n")
    assert names(tmp_path, find_clips(tmp_path / "bags.txt")) == ["b", "a/x", "gone", "empty", "b"]


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    make(tmp_path, "folder/readme.md")
    with pytest.raises(EvaluationError, match="folder has no bags"):
        find_clips(tmp_path / "folder")
    (tmp_path / "bags.txt").write_text("# nothing\n")
    with pytest.raises(EvaluationError, match="names no bags"):
        find_clips(tmp_path / "bags.txt")
