"""The rules of the policy `distractor`, by hand: what is attended, kept and promoted."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_ros.model.probe import History
from sam2_ros.tracking.memory import select
from sam2_ros.tracking.policies.distractor import Distractor, recent_spaced
from sam2_ros.tracking.policies.policy import EMPTY, Attended, Held, Limits, Plan, Sight

SEVEN, THREE = Limits(masks=7, last_row=6), Limits(masks=3, last_row=2)
NEVER = -9.0  # a logit


def picture(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Logits (32, 32), positive in boxes x_min, y_min, x_end, y_end."""
    logits = np.full((32, 32), NEVER, np.float32)
    for x_min, y_min, x_end, y_end in boxes:
        logits[y_min:y_end, x_min:x_end] = 9.0
    return logits


OBJECT, TWIN = (4, 4, 12, 12), (20, 4, 28, 12)


def sight(frame: int, *, twin: bool = False, iou: float = 0.9, box: tuple[int, int, int, int] = OBJECT) -> Sight:
    """The object in view; with a twin that another candidate takes for it."""
    masks = [picture(box), picture(TWIN) if twin else picture(box), picture()]
    return Sight(
        frame,
        size=(64, 64),
        object_score=5.0,
        mask_score=iou,
        mask=masks[0],
        ious=(iou, 0.5, 0.1),
        candidates=torch.from_numpy(np.stack(masks)),
    )


def absent(frame: int) -> Sight:
    return Sight(frame, object_score=-5.0, mask=picture(), ious=(0.1,) * 3, candidates=torch.full((3, 32, 32), NEVER))


class Memory:
    """What a bank would hold of one object that is prompted on frame 0."""

    def __init__(self, limits: Limits = SEVEN) -> None:
        self.policy = Distractor(limits)
        room = self.policy.room
        self.prompted, self.recent, self.pointers = [EMPTY] * 4, [EMPTY] * room.recent, [EMPTY] * room.pointers
        self.see(replace(sight(0), told=True), prompted=True)

    @property
    def held(self) -> Held:
        return Held(tuple(self.prompted), tuple(self.recent), tuple(self.pointers))

    def see(self, seen: Sight, prompted: bool = False) -> Plan:
        plan = self.policy.after(seen, self.held)
        for held, entries in ((self.recent, plan.recent), (self.pointers, plan.pointers)):
            for entry in entries:
                held[entry] = seen.frame
        if prompted:
            self.prompted[self.prompted.index(EMPTY)] = seen.frame
        self.policy = plan.policy
        return plan

    def through(self, frames: Iterable[int], twins: Iterable[int] = ()) -> "Memory":
        for frame in frames:
            self.see(sight(frame, twin=frame in twins))
        return self

    def at(self, now: int) -> Attended:
        return self.policy.attended(self.held, now)


# --- what is attended ------------------------------------------------------------------------------------------------


def test_recent_memory_is_the_last_frame_and_multiples_of_five_by_rank() -> None:
    attended = Memory().through(range(1, 43)).at(43)
    assert attended.prompted == (0,)
    assert attended.recent == (20, 25, 30, 35, 40, 42)
    assert attended.rows == (5, 4, 3, 2, 1, 0)


def test_a_young_object_leaves_the_oldest_ranks_empty() -> None:
    attended = Memory().through(range(1, 8)).at(8)
    assert (attended.recent, attended.rows) == ((5, 7), (1, 0))
    first = Memory().at(1)
    assert (first.prompted, first.recent, first.pointers) == ((0,), (), ())


def test_the_frame_before_is_recent_even_as_a_multiple_of_five() -> None:
    assert Memory().through(range(1, 41)).at(41).recent == (15, 20, 25, 30, 35, 40)


def test_anchors_take_the_last_row_and_the_room_of_recent_frames() -> None:
    attended = Memory().through(range(1, 43), twins=(12, 23)).at(43)
    assert attended.recent == (12, 23, 30, 35, 40, 42)
    assert attended.rows == (6, 6, 3, 2, 1, 0)


def test_of_many_anchors_the_three_latest_are_attended_beside_the_prompt() -> None:
    attended = Memory().through(range(1, 43), twins=(7, 14, 21, 28)).at(43)
    assert attended.recent == (14, 21, 28, 35, 40, 42)
    assert attended.rows == (6, 6, 6, 2, 1, 0)


def test_a_frame_that_was_just_promoted_is_recent_and_an_anchor_one_later() -> None:
    memory = Memory().through(range(1, 24), twins=(23,))
    assert (memory.at(24).recent[-1], memory.at(24).rows[-1]) == (23, 0)
    memory.see(sight(24))
    assert (memory.at(25).recent[0], memory.at(25).rows[0]) == (23, 6)
    assert memory.at(25).recent[-1] == 24


def test_an_anchor_that_is_a_multiple_of_five_is_not_attended_twice() -> None:
    attended = Memory().through(range(1, 43), twins=(35,)).at(43)
    assert attended.recent == (35, 20, 25, 30, 40, 42)
    assert attended.rows == (6, 4, 3, 2, 1, 0)


def test_when_the_object_vanishes_on_an_anchor_the_frame_before_it_is_the_last_recent_one() -> None:
    memory = Memory().through(range(1, 24), twins=(23,))
    for frame in range(24, 90):
        memory.see(absent(frame))
    attended = memory.at(90)
    assert attended.recent == (23, 5, 10, 15, 20, 22)
    assert attended.rows == (6, 4, 3, 2, 1, 0)


def test_prompted_frames_are_anchors_that_promoted_ones_never_displace() -> None:
    memory = Memory()
    for frame in range(1, 60):
        prompted = frame in (10, 17, 24)
        seen = sight(frame, twin=frame in (31, 38, 45))
        memory.see(replace(seen, told=prompted), prompted)
    assert memory.policy.anchors == (31, 38, 45)
    attended = memory.at(60)
    assert attended.prompted == (0, 10, 17, 24)  # four: no room for promoted ones
    assert attended.recent == (50, 55, 59)
    assert attended.rows == (2, 1, 0)


def test_a_prompt_leaves_room_for_fewer_promoted_frames() -> None:
    memory = Memory()
    for frame in range(1, 60):
        seen = sight(frame, twin=frame in (31, 38, 45))
        memory.see(replace(seen, told=frame == 10), prompted=frame == 10)
    attended = memory.at(60)
    assert (attended.prompted, attended.recent) == ((0, 10), (38, 45, 50, 55, 59))


def test_a_network_of_three_masks_attends_to_one_anchor_and_one_recent_frame() -> None:
    assert Memory(THREE).through(range(1, 43)).at(43) == Attended((0,), (40, 42), (1, 0), (*range(42, 27, -1),))
    with_anchors = Memory(THREE).through(range(1, 43), twins=(12, 23)).at(43)
    assert (with_anchors.recent, with_anchors.rows) == ((23, 42), (2, 0))


# --- pointers --------------------------------------------------------------------------------------------------------


def test_pointers_are_those_of_anchors_and_of_the_latest_frames_sixteen_in_all() -> None:
    assert Memory().through(range(1, 43)).at(43).pointers == tuple(range(42, 27, -1))  # and that of frame 0
    with_old_anchors = Memory().through(range(1, 43), twins=(12, 20)).at(43).pointers
    assert with_old_anchors == (12, 20, *range(42, 29, -1))
    with_a_near_one = Memory().through(range(1, 43), twins=(35,)).at(43).pointers
    assert with_a_near_one == (35, *range(42, 35, -1), *range(34, 27, -1))


def test_pointers_age_while_the_object_is_gone() -> None:
    memory = Memory().through(range(1, 43), twins=(12,))
    for frame in range(43, 143):
        memory.see(absent(frame))
    ages = select(memory.held, memory.at(143), 143, prompted_time=6).pointer_ages
    assert ages == (143, 131, *range(101, 115))  # of the prompt, the anchor, and frames 42 to 29: 16 in all


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_while_the_object_is_gone_memory_stands_still() -> None:
    memory = Memory().through(range(1, 43), twins=(12,))
    before, held = memory.at(43), memory.held
    for frame in range(43, 243):
        plan = memory.see(absent(frame))
        assert (plan.kept, plan.promoted, plan.why) == (False, False, "it is absent")
    assert memory.held == held
    assert memory.at(243) == before


def test_a_visible_object_without_a_mask_is_not_remembered_either() -> None:
    plan = Memory().see(replace(absent(1), object_score=2.0))
    assert (plan.kept, plan.why) == (False, "its mask is empty")


def test_after_an_absence_the_rule_goes_on() -> None:
    memory = Memory().through(range(1, 23))
    for frame in range(23, 50):
        memory.see(absent(frame))
    assert memory.through(range(50, 57)).at(57).recent == (10, 15, 20, 50, 55, 56)


def test_a_denial_is_remembered_as_the_last_frame_until_the_object_is_seen() -> None:
    memory = Memory().through(range(1, 40))
    plan = memory.see(replace(absent(40), told=True))
    assert plan.kept
    assert memory.at(41).recent == (15, 20, 25, 30, 35, 40)
    memory.see(sight(41))
    assert memory.at(42).recent == (15, 20, 25, 30, 35, 41)  # and the denial, though a multiple of five, is not


def test_no_stream_needs_more_than_the_entries_that_there_are() -> None:
    rng = np.random.default_rng(5)
    for limits in (SEVEN, THREE, Limits(masks=2, last_row=1)):
        memory = Memory(limits)
        for frame in range(1, 600):
            memory.see(absent(frame) if rng.random() < 0.2 else sight(frame, twin=rng.random() < 0.5))
            there = set(memory.recent)
            wanted = {*memory.policy.anchors, *memory.policy.spaced, memory.policy.latest} - {EMPTY}
            assert wanted <= there
            assert set(memory.policy.anchors) <= set(memory.pointers)


def test_an_object_in_view_soon_attends_to_what_was_prepared_for() -> None:
    for limits in (SEVEN, THREE):
        for twins in ((), (12,), (12, 23, 30, 41)):
            attended = Memory(limits).through(range(1, 50), twins).at(50)
            shape = History(len(attended.prompted) + len(attended.recent), 1 + len(attended.pointers))
            assert shape == Distractor(limits).steady(1) == History(limits.masks, 16)
    assert [Distractor(THREE).steady(count) for count in (2, 3, 4)] == [History(m, 16) for m in (3, 4, 5)]


# --- promotion -------------------------------------------------------------------------------------------------------


def test_a_distractor_makes_an_anchor() -> None:
    plan = Memory().through(range(1, 9)).see(sight(9, twin=True))
    # The box of both is 24 wide and 8 high, that of the object 8 by 8.
    assert (plan.promoted, plan.why) == (True, "a distractor is seen (overlap 0.33)")
    assert plan.policy.anchors == (9,)


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (sight(9, twin=True, iou=0.8), "predicted IoU 0.80 is not above 0.8"),
        (sight(9, twin=False), "no distractor is seen"),
        (sight(9, twin=True, box=(4, 4, 12, 14)), "its size is 1.25 of the usual"),
        (sight(9, twin=True, box=(4, 4, 12, 10)), "its size is 0.75 of the usual"),
        (replace(sight(9, twin=True), told=True), "it was prompted"),
    ],
)
def test_each_test_alone_refuses_an_anchor(seen: Sight, why: str) -> None:
    plan = Memory().through(range(1, 9)).see(seen)
    assert (plan.kept, plan.promoted, plan.why) == (True, False, why)


def test_a_size_may_change_by_a_fifth() -> None:
    grown = sight(9, twin=True, box=(4, 4, 13, 12))  # 72 pixels, the median is 64
    assert Memory().through(range(1, 9)).see(grown).promoted


def test_the_usual_size_is_the_median_of_the_last_ten_with_this_one() -> None:
    memory = Memory()
    for frame in range(1, 6):
        memory.see(sight(frame, box=(4, 4, 12, 8)))  # 32 pixels
    for frame in range(6, 9):
        memory.see(sight(frame))  # 64
    assert memory.see(sight(9, twin=True)).why == "its size is 2.00 of the usual"  # five of 32, four of 64
    assert memory.see(sight(10, twin=True)).why == "its size is 1.33 of the usual"  # as many: 48
    assert memory.see(sight(11, twin=True)).promoted  # four of 32, six of 64


def test_sizes_are_forgotten_after_three_hundred_frames() -> None:
    memory = Memory().through(range(1, 11))
    for frame in range(11, 308):
        memory.see(absent(frame))
    big = (4, 4, 20, 20)
    memory.see(sight(308, box=big))
    assert [size for _, size in memory.policy.sizes] == [64, 64, 256]  # of frames 9, 10 and 308


def test_the_first_tracked_frame_is_never_an_anchor() -> None:
    memory = Memory()
    assert memory.see(sight(1, twin=True)).why == "it is the first size"
    assert memory.see(sight(2, twin=True)).promoted


def test_anchors_keep_six_frames_apart() -> None:
    memory = Memory().through(range(1, 9)).through(range(9, 40), twins=range(9, 40))
    assert memory.policy.anchors == (21, 27, 33, 39)  # of 9, 15, 21 ... the last three and one more


def test_with_two_masks_there_are_no_anchors() -> None:
    memory = Memory(Limits(masks=2, last_row=1)).through(range(1, 9))
    assert memory.see(sight(9, twin=True)).why == "there is no room for anchors"


# --- back in time ----------------------------------------------------------------------------------------------------


def test_rewound_it_knows_nothing_of_then_and_later() -> None:
    memory = Memory().through(range(1, 43), twins=(12, 30)).policy.rewound(30)
    assert memory.anchors == (12,)
    assert max(memory.spaced) == 25
    assert memory.latest == EMPTY
    assert all(frame < 30 for frame, _ in memory.sizes)


def test_it_is_a_value_of_plain_numbers() -> None:
    policy = Memory().through(range(1, 43), twins=(12,)).policy
    assert policy == replace(
        Distractor(SEVEN), anchors=(12,), spaced=(15, 20, 25, 30, 35, 40), latest=42, sizes=policy.sizes
    )
    assert policy.sizes == tuple((frame, 64) for frame in range(33, 43))


def test_spaced_frames_by_hand() -> None:
    assert recent_spaced([3, 5, 9, 10, 12], [5, 10], 3) == [12, 10, 5]
    assert recent_spaced([3, 5, 9, 10], [5, 10], 2) == [10, 5]
    assert recent_spaced([], [], 2) == []
