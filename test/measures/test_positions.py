import math

import pytest

from sam2_ros.measures.positions import by_distance, position_figures
from sam2_ros.measures.record import PositionError


def test_errors_over_all_and_by_distance() -> None:
    errors = [
        PositionError(1, 0, 2.0, 0.02),
        PositionError(2, 0, 2.5, 0.05),
        PositionError(1, 1, 4.0, 0.20),
        PositionError(2, 1, 4.5, math.nan),  # none was found
    ]
    figures = position_figures(errors)
    assert figures["position_mean_m"] == pytest.approx(0.09)
    assert figures["position_p95_m"] == pytest.approx(0.05 + 0.9 * 0.15)
    assert figures["position_share"] == pytest.approx(0.02)
    assert figures["position_found"] == 0.75
    near, far = by_distance(errors)
    assert (near.low, near.high, near.count, near.missing) == (2.0, 3.0, 2, 0)
    assert near.mean == pytest.approx(0.035)
    assert (far.low, far.count, far.missing, far.mean) == (3.0, 1, 1, pytest.approx(0.2))


def test_without_truth_there_are_no_figures() -> None:
    assert position_figures([]) == {}
    assert by_distance([]) == []
