"""Which depth image is that of an image."""

import pytest

from helpers.space import depth_message
from sam2_ros.errors import SpaceError
from sam2_ros.stream.depth_ring import KEPT, DepthRing
from sam2_ros.stream.messages import stamp_ns

MS = 1_000_000
BASE = 1_000_000 * MS


def put(ring: DepthRing, *stamps_ms: float) -> None:
    for stamp in stamps_ms:
        ring.put(depth_message(stamp_ns=BASE + round(stamp * MS)))


def taken(ring: DepthRing, image_ms: float) -> float:
    return (stamp_ns(ring.take(BASE + round(image_ms * MS)).header.stamp) - BASE) / MS


def test_the_nearest_counts_within_half_the_time_between_two():
    ring = DepthRing(0)
    put(ring, 0, 33, 66, 100)
    assert taken(ring, 66) == 66
    assert taken(ring, 60) == 66
    with pytest.raises(SpaceError, match=r"is 0\.0300 s away from the image, and 0\.0165 s are allowed"):
        taken(ring, 130)


def test_a_tolerance_that_is_given_counts():
    ring = DepthRing(0.05)
    put(ring, 0)
    assert taken(ring, 40) == 0
    with pytest.raises(SpaceError, match="depth_tolerance allows more"):
        taken(ring, 60)


def test_however_long_an_image_is_worked_on_its_depth_is_kept():
    ring = DepthRing(0)
    put(ring, 0, 33)
    ring.expect(BASE + 66 * MS)  # its depth is still to come
    put(ring, *(66 + 33 * index for index in range(3 * KEPT)))
    assert taken(ring, 66) == 66


def test_stamps_an_hour_off_are_no_match():
    ring = DepthRing(0)
    put(ring, 3_600_000, 3_600_033)
    with pytest.raises(SpaceError, match="stamps are of another clock"):
        taken(ring, 0)


def test_without_depth_and_without_stamps_it_is_said():
    ring = DepthRing(0)
    with pytest.raises(SpaceError, match="no depth image has come"):
        ring.take(BASE)
    ring.put(depth_message(stamp_ns=0))
    with pytest.raises(SpaceError, match="the image has no stamp"):
        ring.take(0)
