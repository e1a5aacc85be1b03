"""Single images against the official image predictor's recorded answers, see benchmarks/recorded.py."""

import numpy as np
import pytest
import torch

from recorded import CASES, network, picture, recording
from sam2_ros.errors import ImageError, PromptError
from sam2_ros.tracking.image import ImagePrediction, ImagePredictor


@pytest.fixture(scope="module")
def predictor() -> ImagePredictor:
    predictor = ImagePredictor(network(CASES["stream"]))
    predictor.set_image(picture())
    return predictor


def assert_as_recorded(prediction: ImagePrediction, name: str) -> None:
    expected = recording("image")
    assert np.abs(prediction.low_res.numpy() - expected[f"{name}/low_res"]).max() < 1e-5
    assert np.abs(prediction.ious - expected[f"{name}/ious"]).max() < 1e-5
    assert (prediction.masks == expected[f"{name}/masks"]).mean() > 0.9999


def test_clicks_a_box_and_a_refined_mask_equal_the_official_predictor(predictor: ImagePredictor) -> None:
    assert_as_recorded(predictor.predict([[20, 42], [70, 20]], [1, 0]), "clicks")
    box = predictor.predict(box=[10, 12, 60, 44])
    assert_as_recorded(box, "box")
    assert_as_recorded(predictor.predict([[30, 30]], [1], mask=box.low_res[1]), "refined")


def test_a_prediction_without_an_image_says_what_to_call(predictor: ImagePredictor) -> None:
    with pytest.raises(ImageError, match="call set_image first"):
        ImagePredictor(network(CASES["stream"])).predict([[1, 1]], [1])


def test_an_earlier_mask_of_another_size_is_refused(predictor: ImagePredictor) -> None:
    with pytest.raises(PromptError, match=r"shape \(3, 3\); give logits of shape \(16, 16\)"):
        predictor.predict([[1, 1]], [1], mask=torch.zeros(3, 3))
