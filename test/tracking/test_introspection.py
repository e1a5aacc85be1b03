"""Whether another candidate mask reaches for something else: boxes by hand, and a coarse look that changes nothing."""

import numpy as np
import pytest
import torch

from sam2_ros.tracking.policies import introspection
from sam2_ros.tracking.policies.introspection import least_overlap, unions
from sam2_ros.tracking.policies.policy import Sight


def masks(*pictures: list[tuple[int, int, int, int]], side: int = 32) -> np.ndarray:
    """(M, side, side) bool of boxes x_min, y_min, x_end, y_end."""
    drawn = np.zeros((len(pictures), side, side), bool)
    for mask, boxes in zip(drawn, pictures, strict=True):
        for x_min, y_min, x_end, y_end in boxes:
            mask[y_min:y_end, x_min:x_end] = True
    return drawn


def sight(drawn: np.ndarray, chosen: int = 0, size: tuple[int, int] = (128, 96)) -> Sight:
    return Sight(
        1, size=size, candidates=torch.from_numpy(np.where(drawn, 6.0, -6.0).astype(np.float32)), chosen=chosen
    )


def test_what_another_mask_adds_is_united_with_the_chosen_one() -> None:
    own, united = unions(masks([(4, 4, 12, 12)], [(8, 4, 20, 12)], [(5, 5, 9, 9)]), 0)
    assert own == (4, 4, 8, 8)
    assert united == [(4, 4, 16, 8)]  # the third lies inside: it adds nothing


def test_only_the_largest_part_of_it_counts() -> None:
    _, united = unions(masks([(4, 4, 12, 12)], [(14, 4, 18, 8), (30, 30, 32, 32)]), 0)
    assert united == [(4, 4, 14, 8)]


def test_corners_that_touch_are_one_part() -> None:
    _, united = unions(masks([(4, 4, 12, 12)], [(14, 4, 16, 6), (16, 6, 19, 9), (22, 22, 25, 25)]), 0)
    assert united == [(4, 4, 15, 8)]  # 4 + 9 pixels against 9


def test_the_smallest_of_the_overlaps_counts() -> None:
    drawn = masks([(4, 4, 12, 12)], [(4, 4, 14, 12)], [(4, 20, 12, 28)])
    assert least_overlap(sight(drawn)) == pytest.approx(64 / (8 * 24), abs=0.03)


def test_when_the_others_add_nothing_nothing_is_seen() -> None:
    assert least_overlap(sight(masks([(4, 4, 12, 12)], [(5, 5, 9, 9)], []))) == 1.0
    assert least_overlap(sight(masks([], [(4, 4, 12, 12)], []), chosen=1)) == 1.0


def test_a_coarse_look_is_enough_where_there_is_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspection, "upsample", None)  # would fail if it were called
    assert least_overlap(sight(masks([(2, 2, 30, 30)], [(2, 2, 30, 31)], []))) > 0.7
    assert least_overlap(sight(masks([(2, 2, 30, 30)], [(6, 6, 20, 20)], []))) == 1.0


def test_the_coarse_look_never_hides_what_the_whole_image_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    drawn = []
    for _ in range(300):
        corners = rng.integers(0, 24, (3, 2))
        sizes = rng.integers(2, 20, (3, 2))
        drawn.append(masks(*([(x, y, x + w, y + h)] for (x, y), (w, h) in zip(corners, sizes, strict=True))))
    quick = [least_overlap(sight(each)) <= 0.7 for each in drawn]
    monkeypatch.setattr(introspection, "CERTAIN", 1e9)  # always look at the whole
    whole = [least_overlap(sight(each)) <= 0.7 for each in drawn]
    assert quick == whole
    assert 0 < sum(whole) < len(whole)
