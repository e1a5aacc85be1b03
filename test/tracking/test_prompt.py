"""What a prompt may say, and what is refused with which words."""

import numpy as np
import pytest

from sam2_ros.errors import PromptError
from sam2_ros.tracking.prompt import Prompt, merge

NAN = float("nan")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"points": np.zeros((2, 4)), "point_labels": [1] * 4}, r"its points have the shape \(2, 4\); give \(N, 2\)"),
        ({"points": [[1, 1]], "point_labels": [0.7]}, "point labels are 0.7; use 1 for object"),
        ({"box": [1, 2, 3]}, r"its box have the shape \(3,\); give \(4,\)"),
        ({"box": "abcd"}, "its box are not numbers"),
        ({"object_id": 1.5, "box": [0, 0, 1, 1]}, "a prompt has the id 1.5; give a whole number"),
        ({}, "prompt for a new object: it is empty; give points, a box or a mask"),
        ({"object_id": 3}, "prompt for object 3: it is empty"),
        ({"object_id": -1, "box": [0, 0, 1, 1]}, "a prompt has the id -1; give a whole number above 0"),
        ({"points": [[1, 2]], "point_labels": []}, "1 points but 0 labels; give one label for each point"),
        ({"points": [[1, 2]], "point_labels": [2]}, r"point labels are 2; use 1 for object and 0 for background"),
        ({"points": [[NAN, 2]], "point_labels": [1]}, "a point is not a finite number"),
        ({"box": [1, 2, NAN, 4]}, "its box is not finite"),
        ({"box": [5, 5, 5, 5]}, r"its box \(5, 5, 5, 5\) has no area; give x_min < x_max and y_min < y_max"),
        ({"box": [9, 5, 2, 8]}, "has no area"),
        ({"box": [0.2, 0.3, 0.5, 0.75]}, r"its box \(0.2, 0.3, 0.5, 0.75\) lie within 0..1, as when they are"),
        ({"box": [0, 0, 1, 1]}, "lie within 0..1, as when they are shares of the image's sides; give pixels: x times"),
        ({"box": [40, 30, 40.6, 90]}, r"its box \(40, 30, 40.6, 90\) is smaller than a pixel; give pixels"),
        ({"points": [[0.2, 0.5], [0.9, 0.1]], "point_labels": [1, 0]}, "all of its 2 points lie within 0..1, as when"),
        ({"mask": np.ones((4, 4, 3))}, "one channel"),
        ({"mask": np.ones((4, 4)), "box": [0, 0, 9, 9]}, "a mask together with points or a box"),
    ],
)
def test_what_cannot_mean_anything_is_refused(given: dict, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        Prompt(**given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"points": [[64.5, 5]], "point_labels": [1]}, r"point \(64.5, 5\) is outside the 64x48 image"),
        ({"points": [[5, -1]], "point_labels": [1]}, "outside the 64x48 image"),
        ({"points": [[1, 2]] * 5, "point_labels": [1] * 5}, r"5 points, the limit \(max_points\) is 4; give fewer"),
        ({"box": [70, 5, 90, 9]}, r"its box \(70, 5, 90, 9\) is outside the 64x48 image"),
        ({"box": [-9, 5, 0.5, 9]}, r"less than a pixel of its box \(-9, 5, 0.5, 9\) is inside the 64x48 image"),
        ({"mask": np.ones((64, 48))}, "its mask is 48x64, the image 64x48; give a mask of the image's size"),
    ],
)
def test_what_does_not_fit_the_image_is_refused(given: dict, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        Prompt(**given).check_on_image(64, 48, max_points=4)


def test_a_box_that_reaches_beyond_the_image_is_clipped_to_it() -> None:
    assert Prompt(box=[-5, 10, 30, 99]).check_on_image(64, 48, 4).box.tolist() == [0, 10, 30, 48]


def test_one_pixel_and_one_point_in_the_corner_are_pixels() -> None:
    assert Prompt(box=[1, 1, 2, 2]).check_on_image(64, 48, 4).box.tolist() == [1, 1, 2, 2]
    assert Prompt(box=[0, 0, 40, 1]).check_on_image(64, 1, 4).box.tolist() == [0, 0, 40, 1]
    assert len(Prompt(points=[[0.5, 0.5]], point_labels=[1]).points) == 1
    assert len(Prompt(points=[[0.5, 0.5], [3, 1]], point_labels=[1, 1]).points) == 2


def test_only_what_points_at_an_object_can_start_one() -> None:
    assert Prompt(box=[0, 0, 9, 9]).can_start()
    assert Prompt(points=[[1, 1], [2, 2]], point_labels=[0, 1]).can_start()
    assert not Prompt(points=[[1, 1]], point_labels=[0]).can_start()
    assert not Prompt(mask=np.zeros((4, 4))).can_start()


def test_clicks_and_a_box_add_up_and_a_mask_or_a_replacement_stands_alone() -> None:
    click = Prompt(1, [[1, 1]], [1])
    both = merge(merge(None, click), Prompt(1, [[2, 2]], [0], box=[0, 0, 9, 9]))
    assert both.points.tolist() == [[1, 1], [2, 2]]
    assert both.point_labels.tolist() == [1, 0]
    assert both.box.tolist() == [0, 0, 9, 9]
    assert merge(both, Prompt(1, [[3, 3]], [1], replace=True)).points.tolist() == [[3, 3]]
    mask = Prompt(1, mask=np.ones((4, 4)))
    assert merge(both, mask) is mask
    assert merge(mask, click) is click


def test_a_label_is_no_place_for_a_book() -> None:
    assert Prompt(1, [[1, 1]], [1], label="x" * 200).label == "x" * 200
    with pytest.raises(PromptError, match="its label has 201 characters; give up to 200"):
        Prompt(1, [[1, 1]], [1], label="x" * 201)
