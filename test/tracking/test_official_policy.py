"""The official rule: which memories are kept and attended, number by number."""

from sam2_ros.tracking.memory import entry_to_overwrite
from sam2_ros.tracking.policies.official import Official, recent_frames
from sam2_ros.tracking.policies.policy import EMPTY, Attended, Held, Limits, attended_prompts


def ring(now: int, size: int, born: int = 0) -> list[int]:
    """Frame number in each entry of a ring after frame now - 1, for an object born at ``born``."""
    held = [EMPTY] * size
    for frame in range(born, now):
        held[frame % size] = frame
    return held


def select(prompted: list[int], recent: list[int], pointers: list[int], now: int, limit: int = 0) -> Attended:
    held = Held(tuple(prompted), tuple(recent), tuple(pointers))
    return Official(Limits(masks=7, last_row=6, prompts=limit)).attended(held, now)


def test_the_first_prompt_is_never_overwritten_and_the_oldest_of_the_rest_goes() -> None:
    assert entry_to_overwrite([EMPTY, EMPTY, EMPTY]) == 0
    assert entry_to_overwrite([0, 5, EMPTY]) == 2
    assert entry_to_overwrite([0, 5, 9]) == 1
    assert entry_to_overwrite([0, 12, 9]) == 2
    assert entry_to_overwrite([0]) is None


def test_with_a_limit_the_nearest_prompts_are_attended() -> None:
    assert attended_prompts([0, 3, 5, 8], now=9, limit=0) == [0, 3, 5, 8]
    assert attended_prompts([0, 3, 5, 8], now=9, limit=2) == [5, 8]
    assert attended_prompts([0, 3, 5, 8], now=9, limit=1) == [8]
    # One before, one at or after, then by distance.
    assert attended_prompts([0, 3, 20, 21], now=9, limit=2) == [3, 20]
    assert attended_prompts([0, 3, 20, 21], now=9, limit=3) == [0, 3, 20]


def test_two_horizons_six_frames_and_fifteen_pointers() -> None:
    chosen = select([0, EMPTY], ring(40, 6), ring(40, 15), now=40)
    assert chosen.prompted == (0,)
    assert chosen.recent == (34, 35, 36, 37, 38, 39)
    assert chosen.rows == (5, 4, 3, 2, 1, 0)
    assert chosen.pointers == tuple(range(39, 24, -1))


def test_a_recent_prompt_is_attended_once_and_leaves_its_place_empty() -> None:
    chosen = select([0, 37], ring(40, 6), ring(40, 15), now=40)
    assert chosen.prompted == (0, 37)
    assert chosen.recent == (34, 35, 36, 38, 39)
    assert chosen.rows == (5, 4, 3, 1, 0)
    assert chosen.pointers == (39, 38, *range(36, 24, -1))


def test_a_prompt_that_the_limit_leaves_out_is_attended_like_any_recent_frame() -> None:
    chosen = select([0, 36, 38], ring(40, 6), ring(40, 15), now=40, limit=1)
    assert (chosen.prompted, chosen.recent) == ((38,), (34, 35, 36, 37, 39))
    assert chosen.rows == (5, 4, 3, 2, 0)


def test_a_prompt_that_was_forgotten_is_attended_while_it_is_recent() -> None:
    # Prompts at 0, 36, 37, 38 with room for two: 36 and 37 were overwritten.
    chosen = select([0, 38], ring(40, 6), ring(40, 15), now=40)
    assert (chosen.prompted, chosen.recent) == ((0, 38), (34, 35, 36, 37, 39))


def test_a_young_object_attends_to_what_there_is() -> None:
    chosen = select([10, EMPTY], ring(12, 6, born=10), ring(12, 15, born=10), now=12)
    assert (chosen.prompted, chosen.recent, chosen.rows, chosen.pointers) == ((10,), (11,), (0,), (11,))


def test_with_a_stride_the_frame_before_and_multiples_of_it_are_attended() -> None:
    # The official rule: for the frame t - 1 always, then the last multiples of the stride before it.
    assert recent_frames(40, 6, 1) == [39, 38, 37, 36, 35, 34]
    assert recent_frames(40, 6, 5) == [39, 35, 30, 25, 20, 15]
    assert recent_frames(42, 4, 5) == [41, 40, 35, 30]
    assert recent_frames(41, 4, 5) == [40, 35, 30, 25]  # 40 is there already, as the frame before
    assert recent_frames(2, 3, 5) == [1, 0, -5]


def test_with_a_stride_temporal_rows_go_by_place_and_not_by_age() -> None:
    official = Official(Limits(masks=5, last_row=6, stride=5))
    chosen = official.attended(Held((0,), (39, 35, 30, 25), ()), now=40)
    assert (chosen.prompted, chosen.recent, chosen.rows) == ((0,), (25, 30, 35, 39), (3, 2, 1, 0))
