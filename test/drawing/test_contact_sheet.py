"""The contact sheet: which pictures it shows, and where."""

import numpy as np
import pytest

from sam2_ros.drawing.contact_sheet import chosen, contact_sheet


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
