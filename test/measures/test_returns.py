"""What was out of sight and came back: by hand."""

import math

import pytest

from sam2_ros.measures.counting import CountedObject
from sam2_ros.measures.figures import object_figures
from sam2_ros.measures.longterm import Sighting, long_term
from sam2_ros.measures.record import Row
from sam2_ros.measures.returns import Return, returns


def row(frame: int, there: bool, region: float, area: int = 50) -> Row:
    true_area = area * there
    return Row(1, 1, frame, frame, frame, True, region, region, there, True, true_area, 50, math.nan, math.nan)


def rows(*turns: tuple[int, bool, float], first: int = 0, step: int = 1) -> list[Row]:
    """So many frames in view or not, with such a J, turn after turn."""
    flat = [(there, region) for count, there, region in turns for _ in range(count)]
    return [row(first + step * place, there, region) for place, (there, region) in enumerate(flat)]


def test_an_object_is_found_again_by_half_an_overlap_within_ten_frames() -> None:
    away = [(5, True, 0.9), (12, False, 1.0), (9, True, 0.4)]
    assert returns(rows(*away, (1, True, 0.5)), 10) == [Return(12, True, 50)]
    assert returns(rows(*away, (1, True, 0.4), (9, True, 0.9)), 10) == [Return(12, False, 50)]
    # An empty mask of an object that is out of sight is right, but finds nothing.
    assert returns(rows(*away, (1, False, 1.0)), 10) == [Return(12, False, 50)]


def test_only_long_absences_count_and_only_returns_that_can_be_judged() -> None:
    clip = rows((5, True, 0.9), (9, False, 1.0), (20, True, 0.9), (10, False, 1.0), (9, True, 0.9))
    assert returns(clip, 10) == []
    assert returns(clip, 9) == [Return(9, True, 50)]
    assert returns(rows((12, False, 1.0), (20, True, 0.9)), 10) == []  # it was never there before


def test_frames_without_truth_are_no_absence() -> None:
    assert returns(rows((3, True, 0.9), step=30), 10) == []
    clip = rows((1, True, 0.9), (2, False, 1.0), (3, True, 0.9), step=30)
    assert returns(clip, 10) == [Return(89, True, 50)]


def test_the_area_is_the_largest_that_was_to_be_seen() -> None:
    clip = [row(0, True, 0.9), *rows((10, False, 1.0), first=1)]
    clip += [row(11 + place, True, 0.1, area=10 + place) for place in range(12)]
    assert returns(clip, 10) == [Return(10, False, 19)]


@pytest.mark.parametrize(
    ("absent", "wanted"), [(9, (0, 0, 0)), (10, (1, 0, 0)), (30, (0, 1, 0)), (99, (0, 1, 0)), (100, (0, 0, 1))]
)
def test_figures_sort_returns_by_the_length_of_the_absence(absent: int, wanted: tuple[int, int, int]) -> None:
    clip = rows((5, True, 0.9), (absent, False, 1.0), (10, True, 0.9))
    figures = object_figures(CountedObject(1, "", 0, tuple(clip))).figures
    found = (figures.found_again_10, figures.found_again_30, figures.found_again_100)
    assert [0 if math.isnan(value) else value for value in found] == list(wanted)


def test_the_share_of_returns_is_over_all_of_an_object() -> None:
    away, back, lost = (15, False, 1.0), (12, True, 0.8), (12, True, 0.1)
    clip = rows((5, True, 0.9), away, back, away, lost, away, lost, away, back)
    assert object_figures(CountedObject(1, "", 0, tuple(clip))).figures.found_again_10 == pytest.approx(2 / 4)


def test_accuracy_is_over_the_frames_that_overlap_as_in_vot() -> None:
    absent, missed = Sighting(False, False, 1.0), Sighting(True, False, 0.0)
    drifted, tracked = Sighting(True, True, 0.0), (Sighting(True, True, 0.5), Sighting(True, True, 0.1))
    assert long_term([absent, missed, drifted, *tracked]).accuracy == pytest.approx(0.3)
    assert math.isnan(long_term([absent, missed, drifted]).accuracy)
