"""What box and centroid are of where a mask has far specks."""

import numpy as np
import pytest

from recorded import CASES, SIZE, frames, network
from sam2_ros.config import TrackerConfig
from sam2_ros.tracking.clean import largest_part
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import Tracker

MASK = np.zeros((SIZE, SIZE), bool)
MASK[20:40, 24:44] = True
MASK[4:12, 52:60] = True  # a speck far away


@pytest.mark.parametrize(
    ("config", "far", "areas"),
    [
        (TrackerConfig(), True, True),
        (TrackerConfig(box_of="largest_part"), False, True),
        (TrackerConfig(remove_speck_area=120), False, False),
    ],
)
def test_a_far_speck_widens_the_box_unless_one_asks_otherwise(config: TrackerConfig, far: bool, areas: bool) -> None:
    (state,) = Tracker(network(CASES["stream"]), config).step(frames(1)[0], [Prompt(1, mask=MASK)]).objects
    assert state.box is not None
    assert state.centroid is not None
    assert np.abs(np.array(state.box) - ((24, 4, 59, 39) if far else (24, 20, 43, 39))).max() <= 2
    if not far:
        assert np.abs(np.array(state.centroid) - (33.5, 29.5)).max() < 1
    assert bool(state.mask[4:12, 52:60].any()) == areas
    assert state.area == int(state.mask.sum())


def test_of_equal_parts_the_first_is_taken() -> None:
    mask = np.zeros((9, 9), bool)
    mask[1, 1:3] = mask[5, 5:7] = True
    assert np.argwhere(largest_part(mask)).tolist() == [[1, 1], [1, 2]]
