"""What hangs is told by looks, not by clocks."""

from sam2_ros.ros.patience import Patience


def test_only_looks_at_the_same_thing_count() -> None:
    patience = Patience(0.5)
    things = (None, 7.0, 7.0, 7.0, 8.0, 8.0, None, 8.0)
    assert [patience.look(thing) for thing in things] == [0, 0, 0.5, 1, 0, 0.5, 0, 0]
