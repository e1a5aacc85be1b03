"""Folders of many clips: where the truth of each lies, and that a data set's layout is understood."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers.bags import picture
from helpers.tracked_bags import block, write_pngs
from sam2_ros.config import ModelChoice
from sam2_ros.errors import EvaluationError
from sam2_ros.evaluation.one import evaluate
from sam2_ros.evaluation.pictures import frame_pictures
from sam2_ros.evaluation.request import EvaluateRequest
from sam2_ros.evaluation.requests import requests_of
from sam2_ros.measures.protocol import Measure


def test_truth_of_each_clip_lies_under_its_name(tmp_path: Path) -> None:
    for name in ("bear", "camel/deep"):
        write_pngs(tmp_path / "found" / name, {"00000": block(10)})
    request = EvaluateRequest(tmp_path / "found", tmp_path / "truth", keep=tmp_path / "keep")
    found = requests_of(request)
    names = tmp_path / "val.txt"
    names.write_text("camel/deep\n")
    assert requests_of(request, names) == [found[1]]
    names.write_text("camel/deep\nwolf\n")
    with pytest.raises(EvaluationError, match=r"no wolf in .*found, but the list .*val.txt names it"):
        requests_of(request, names)
    assert [(one.title, one.truth, one.keep) for one in found] == [
        ("bear", tmp_path / "truth/bear", tmp_path / "keep/bear"),
        ("camel/deep", tmp_path / "truth/camel/deep", tmp_path / "keep/camel/deep"),
    ]
    assert requests_of(found[0]) == [found[0]]


def test_a_data_set_as_sa_v_is_tracked_and_can_be_shown(tmp_path: Path) -> None:
    """Images at 24 a second, masks of every object in a folder of its own at 6."""
    images = tmp_path / "JPEGImages_24fps" / "sav_1"
    images.mkdir(parents=True)
    for index in range(9):
        assert cv2.imwrite(str(images / f"{index:05d}.jpg"), picture(index)[..., ::-1])
    masks = {f"{index:05d}": np.where(block(8 + 2 * index, size=20), 255, 0) for index in (0, 4, 8)}
    write_pngs(tmp_path / "Annotations_6fps" / "sav_1" / "003", masks)
    (request,) = requests_of(
        EvaluateRequest(
            images.parent,
            tmp_path / "Annotations_6fps",
            measure=Measure.SA_V,
            choice=ModelChoice("toy", "random", device="cpu", image_size=64),
        )
    )
    request = dataclasses.replace(request, keep=tmp_path / "keep")
    evaluation = evaluate(request)
    assert [(each.object_id, each.label) for each in evaluation.objects] == [(4, "003")]
    assert [row.frame for row in evaluation.rows] == [0, 4, 8]
    assert evaluation.notes == ("3 of 9 images have ground truth; only these count",)
    (shown,) = frame_pictures(request, {evaluation.rows[1].stamp_ns})
    assert np.array_equal(shown.image[..., ::-1], cv2.imread(str(images / "00004.jpg")))
    assert [path.name for path in (tmp_path / "keep").iterdir()] == ["tracked_bag"]
