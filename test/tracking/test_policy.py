"""Which memories are kept and attended: the written rule, number by number."""

from sam2_ros.tracking.policy import EMPTY, attended_prompts, entry_to_overwrite, recent_frames, select


def ring(now: int, size: int, born: int = 0) -> list[int]:
    """Frame number in each entry of a ring after frame now - 1, for an object born at ``born``."""
    held = [EMPTY] * size
    for frame in range(born, now):
        held[frame % size] = frame
    return held


def frames(entries: tuple[int, ...], prompted: list[int], recent: list[int]) -> list[int]:
    return [[*prompted, *recent][entry] for entry in entries]


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
    prompted, recent, pointers = [0, EMPTY], ring(40, 6), ring(40, 15)
    chosen = select(prompted, recent, pointers, now=40, limit=0, prompted_time=6, wanted=recent_frames(40, 6, 1))
    assert frames(chosen.frame_entries, prompted, recent) == [0, 34, 35, 36, 37, 38, 39]
    assert chosen.frame_times == (6, 5, 4, 3, 2, 1, 0)
    assert frames(chosen.pointer_entries, prompted, pointers) == [0, *range(39, 24, -1)]
    assert chosen.pointer_ages == (40, *range(1, 16))


def test_a_recent_prompt_is_attended_once_and_leaves_its_place_empty() -> None:
    prompted, recent, pointers = [0, 37], ring(40, 6), ring(40, 15)
    chosen = select(prompted, recent, pointers, now=40, limit=0, prompted_time=6, wanted=recent_frames(40, 6, 1))
    assert frames(chosen.frame_entries, prompted, recent) == [0, 37, 34, 35, 36, 38, 39]
    assert chosen.frame_times == (6, 6, 5, 4, 3, 1, 0)
    assert frames(chosen.pointer_entries, prompted, pointers) == [0, 37, 39, 38, *range(36, 24, -1)]


def test_a_prompt_that_the_limit_leaves_out_is_attended_like_any_recent_frame() -> None:
    prompted, recent, pointers = [0, 36, 38], ring(40, 6), ring(40, 15)
    chosen = select(prompted, recent, pointers, now=40, limit=1, prompted_time=6, wanted=recent_frames(40, 6, 1))
    assert frames(chosen.frame_entries, prompted, recent) == [38, 34, 35, 36, 37, 39]
    assert chosen.frame_times == (6, 5, 4, 3, 2, 0)


def test_a_prompt_that_was_forgotten_is_attended_while_it_is_recent() -> None:
    # Prompts at 0, 36, 37, 38 with room for two: 36 and 37 were overwritten.
    prompted, recent, pointers = [0, 38], ring(40, 6), ring(40, 15)
    chosen = select(prompted, recent, pointers, now=40, limit=0, prompted_time=6, wanted=recent_frames(40, 6, 1))
    assert frames(chosen.frame_entries, prompted, recent) == [0, 38, 34, 35, 36, 37, 39]


def test_a_young_object_attends_to_what_there_is() -> None:
    prompted, recent, pointers = [10, EMPTY], ring(12, 6, born=10), ring(12, 15, born=10)
    chosen = select(prompted, recent, pointers, now=12, limit=0, prompted_time=6, wanted=recent_frames(12, 6, 1))
    assert frames(chosen.frame_entries, prompted, recent) == [10, 11]
    assert chosen.frame_times == (6, 0)
    assert chosen.pointer_ages == (2, 1)


def test_with_a_stride_the_frame_before_and_multiples_of_it_are_attended() -> None:
    # The official rule: for the frame t - 1 always, then the last multiples of the stride before it.
    assert recent_frames(40, 6, 1) == [39, 38, 37, 36, 35, 34]
    assert recent_frames(40, 6, 5) == [39, 35, 30, 25, 20, 15]
    assert recent_frames(42, 4, 5) == [41, 40, 35, 30]
    assert recent_frames(41, 4, 5) == [40, 35, 30, 25]  # 40 is there already, as the frame before
    assert recent_frames(2, 3, 5) == [1, 0, -5]


def test_with_a_stride_temporal_rows_go_by_place_and_not_by_age() -> None:
    prompted, recent = [0], [39, 35, 30, 25]
    chosen = select(prompted, recent, [], now=40, limit=0, prompted_time=6, wanted=recent_frames(40, 4, 5))
    assert frames(chosen.frame_entries, prompted, recent) == [0, 25, 30, 35, 39]
    assert chosen.frame_times == (6, 3, 2, 1, 0)
