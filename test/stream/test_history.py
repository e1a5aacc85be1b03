"""Late prompts: which image of the past they find, what is carried through, and what is said when there is none."""

import numpy as np
import pytest

from sam2_ros.config import TimeConfig
from sam2_ros.errors import PromptError
from sam2_ros.stream.history import FrameHistory, Remembered

IMAGE = np.zeros((4, 4, 3), np.uint8)
MS = 1_000_000


def history(*stamps_ms: int, **config: float) -> FrameHistory:
    frames = FrameHistory(TimeConfig(**config))  # type: ignore[arg-type]
    for index, stamp in enumerate(stamps_ms):
        frames.add(Remembered(index, stamp * MS, IMAGE, IMAGE[..., 0], ()))
    return frames


def found(frames: FrameHistory, stamp_ms: int, now_ms: int) -> list[int]:
    """Indices of the frames since a stamp."""
    return [frame.index for frame in frames.since(stamp_ms * MS, now_ms * MS)]


def test_a_stamp_finds_its_image_and_all_after_it() -> None:
    frames = history(1000, 1100, 1200, 1300)
    assert found(frames, 1100, 1400) == [1, 2, 3]
    assert found(frames, 1300, 1400) == [3]


def test_a_stamp_that_is_off_by_up_to_half_a_frame_finds_the_nearest() -> None:
    frames = history(1000, 1100, 1200)
    assert found(frames, 1060, 1300) == [1, 2]
    assert found(frames, 1049, 1300) == [0, 1, 2]
    assert found(frames, 1260, 1300) == []  # nearest to the image at hand


def test_a_stamp_of_an_image_that_was_dropped_finds_the_nearest() -> None:
    frames = history(1000, 1067, 1133, 1233, 1300)  # a camera of 33 ms, of which every second or third image was taken
    assert found(frames, 1182, 1367) == [2, 3, 4]
    assert found(frames, 1184, 1367) == [3, 4]


def test_a_stamp_outside_names_the_bounds() -> None:
    frames = history(1000, 1100, 1200)
    for stamp in (700, 949):
        with pytest.raises(PromptError, match=r"from 1\.000000000 to 1\.300000000 s \(history_seconds is 2\)"):
            found(frames, stamp, 1300)


def test_between_two_images_that_lie_far_apart_is_no_image() -> None:
    frames = history(1000, 1100, 1200, 1300)
    with pytest.raises(PromptError, match="for no image that is remembered"):
        found(frames, 1800, 2500)


def test_the_tolerance_can_be_set() -> None:
    frames = history(1000, 1100, stamp_tolerance=0.01)
    assert found(frames, 1008, 1200) == [0, 1]
    with pytest.raises(PromptError):
        found(frames, 1012, 1200)


def test_images_are_forgotten_after_their_time() -> None:
    frames = history(*range(1000, 6000, 100), history_seconds=0.5)
    with pytest.raises(PromptError, match=r"from 5\.4"):
        found(frames, 5200, 6000)
    assert len(found(frames, 5400, 6000)) == 6


def test_many_images_are_thinned_out_evenly() -> None:
    frames = history(*range(1000, 3000, 50), catch_up_frames=5)
    assert found(frames, 1000, 3000) == [0, 10, 20, 29, 39]


def test_nothing_is_found_before_the_first_image() -> None:
    with pytest.raises(PromptError):
        found(history(), 900, 1000)
    assert found(history(), 1000, 1000) == []
