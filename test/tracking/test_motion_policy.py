"""The rules of the policy `motion`, by hand, and its filter against the textbook's in matrices."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_ros.model.probe import History
from sam2_ros.tracking.policies.kalman import Kalman
from sam2_ros.tracking.policies.motion import STEADY, Motion, box_of, frames_between, overlap
from sam2_ros.tracking.policies.policy import EMPTY, Attended, Held, Limits, Plan, Sight

SIZE = (320, 320)  # of the image; the masks are a tenth of it
FRAME = 33_333_333  # nanoseconds
LIMITS = Limits(masks=7, last_row=6)


def picture(x: int | None) -> np.ndarray:
    """Logits (32, 32) of a square of six, at a column; None: nowhere."""
    logits = np.full((32, 32), -9.0, np.float32)
    if x is not None:
        logits[10:16, x : x + 6] = 9.0
    return logits


def sight(
    frame: int,
    *places: int | None,
    ious: tuple[float, ...] = (0.9, 0.5, 0.4),
    score: float = 4.0,
    stamp: int | None = None,
) -> Sight:
    """The candidates at these columns; the network chooses the first."""
    masks = [picture(place) for place in places] + [picture(None)] * (3 - len(places))
    return Sight(
        frame,
        stamp_ns=frame * FRAME if stamp is None else stamp,
        size=SIZE,
        object_score=score,
        mask_score=ious[0],
        mask=masks[0],
        ious=ious,
        candidates=torch.from_numpy(np.stack(masks)),
    )


class Memory:
    """What a bank would hold of one object that is prompted on frame 0."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.policy = Motion(limits)
        self.prompted, self.recent = [0], [EMPTY] * self.policy.room.recent
        self.pointers = [EMPTY] * self.policy.room.pointers
        self.see(replace(sight(0, 5), told=True))

    def see(self, seen: Sight) -> Plan:
        plan = self.policy.after(seen, self.held)
        for held, entries in ((self.recent, plan.recent), (self.pointers, plan.pointers)):
            for entry in entries:
                held[entry] = seen.frame
        self.policy = plan.policy
        return plan

    @property
    def held(self) -> Held:
        return Held(tuple(self.prompted), tuple(self.recent), tuple(self.pointers))

    def at(self, now: int) -> Attended:
        return self.policy.attended(self.held, now)


# --- memory ----------------------------------------------------------------------------------------------------------


def test_the_last_six_frames_that_were_sure_are_attended_by_rank() -> None:
    memory = Memory()
    for frame in range(1, 12):
        unsure = frame in (4, 8, 9)
        plan = memory.see(sight(frame, 5, ious=(0.5, 0.1, 0.1) if unsure else (0.9, 0.1, 0.1)))
        assert plan.kept is not unsure
        assert plan.why == ("predicted IoU 0.50 is not above 0.5" if unsure else "")
    attended = memory.at(12)
    assert attended.prompted == (0,)
    assert attended.recent == (3, 5, 6, 7, 10, 11)
    assert attended.rows == (5, 4, 3, 2, 1, 0)
    assert attended.pointers == tuple(range(11, 0, -1))  # unfiltered


def test_an_object_in_view_attends_to_what_was_prepared_for() -> None:
    memory = Memory()
    for frame in range(1, 20):
        memory.see(sight(frame, 5))
    attended = memory.at(20)
    shape = History(len(attended.prompted) + len(attended.recent), 1 + len(attended.pointers))
    assert shape == memory.policy.steady(1) == History(7, 16)


def test_the_frame_before_is_always_attended() -> None:
    memory = Memory()
    for frame in range(1, 9):
        memory.see(sight(frame, 5))
    plan = memory.see(sight(9, score=-1.0))
    assert (plan.kept, plan.why) == (False, "it is absent")
    assert memory.at(10).recent == (4, 5, 6, 7, 8, 9)
    memory.see(sight(10, score=-1.0))
    assert memory.at(11).recent == (4, 5, 6, 7, 8, 10)


def test_frame_one_is_remembered_like_any_other() -> None:
    memory = Memory()
    memory.see(sight(1, 5))
    assert memory.at(2).recent == (1,)


def test_what_is_not_where_its_motion_led_is_not_remembered() -> None:
    memory = Memory()
    for frame in range(1, STEADY + 2):
        assert memory.see(sight(frame, 5)).kept
    plan = memory.see(sight(STEADY + 2, 24))
    assert (plan.kept, plan.why) == (False, "it is not where its motion led")


# --- the choice ------------------------------------------------------------------------------------------------------


def after_a_run(frames: int, step: float = 0.0) -> Memory:
    memory = Memory()
    for frame in range(1, frames + 1):
        memory.see(sight(frame, int(5 + step * frame)))
    return memory


def test_after_fifteen_steady_frames_motion_has_a_say() -> None:
    rival = sight(STEADY, 22, 5, ious=(0.9, 0.8, 0.1))  # the network prefers something elsewhere
    assert after_a_run(STEADY - 1).policy.choose(rival) == 0
    assert after_a_run(STEADY).policy.choose(replace(rival, frame=STEADY + 1, stamp_ns=(STEADY + 1) * FRAME)) == 1


@pytest.mark.parametrize(("weight", "chosen"), [(0.25, 1), (0.15, 0)])
def test_motion_weighs_as_the_published_share_of_it_says(weight: float, chosen: int) -> None:
    # 0.75 * 0.95 = 0.7125 against 0.25 + 0.75 * 0.65 = 0.7375; 0.85 * 0.95 = 0.8075 against 0.15 + 0.5525 = 0.7025
    memory = Memory(replace(LIMITS, motion_weight=weight))
    for frame in range(1, STEADY + 1):
        memory.see(sight(frame, 5))
    now = sight(STEADY + 1, 22, 5, ious=(0.95, 0.65, 0.1))
    assert memory.policy.choose(now) == chosen


def test_doubt_ends_the_run_and_the_next_frame_begins_another() -> None:
    memory = after_a_run(10)
    assert memory.policy.run == 10
    memory.see(sight(11, 5, ious=(0.3, 0.1, 0.1)))
    assert (memory.policy.run, memory.policy.filter) == (0, None)
    memory.see(sight(12, 5, ious=(0.2, 0.1, 0.1)))
    assert memory.policy.run == 1


def test_an_empty_mask_does_not_correct_the_filter() -> None:
    memory = after_a_run(10)
    before = memory.policy
    memory.see(sight(11, score=-3.0))
    assert memory.policy.run == before.run
    assert before.filter is not None
    assert memory.policy.filter == before.filter.predicted(frames_between(10 * FRAME, 11 * FRAME))


def test_a_prompt_and_a_look_back_start_the_filter_anew() -> None:
    memory = after_a_run(10)
    assert memory.policy.rewound(8) == Motion(LIMITS, accepted=(5, 6, 7))
    memory.see(replace(sight(11, 20), told=True))
    assert (memory.policy.run, memory.policy.filter) == (0, None)


# --- time and size ---------------------------------------------------------------------------------------------------


def test_dropped_images_are_bridged_by_their_stamps() -> None:
    memory = after_a_run(20, step=0.5)  # five pixels a frame
    assert memory.policy.filter is not None
    x = memory.policy.filter.value[0]
    (one, ten) = (memory.policy._expected(sight(21, 15, stamp=stamp * FRAME)).value[0] for stamp in (21, 30))
    assert ten - x == pytest.approx(10 * (one - x), rel=1e-6)
    assert one - x == pytest.approx(5, abs=1)


def test_without_stamps_each_image_is_one_frame() -> None:
    assert frames_between(0, 0) == 1
    assert frames_between(5, 3) == 1
    assert frames_between(0, 1_000_000_000) == pytest.approx(30)
    assert frames_between(0, 10**12) == 90


def test_another_image_size_changes_no_choice() -> None:
    memory = after_a_run(STEADY)
    rival = sight(STEADY + 1, 22, 5, ious=(0.9, 0.8, 0.1))
    assert memory.policy.choose(replace(rival, size=(1280, 200))) == 1
    plan = memory.see(replace(rival, size=(1280, 200), mask=picture(5)))
    assert plan.kept


# --- the filter ------------------------------------------------------------------------------------------------------


def textbook(boxes: list[tuple[float, float, float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Mean (8,) and covariance (8, 8) after boxes, one a frame, in matrices."""

    def measured(box: tuple[float, float, float, float]) -> np.ndarray:
        width, height = box[2] - box[0], box[3] - box[1]
        return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, width / height, height])

    mean = np.concatenate([measured(boxes[0]), np.zeros(4)])
    h = mean[3]
    covariance = np.diag(np.array([h / 10, h / 10, 1e-2, h / 10, h / 16, h / 16, 1e-5, h / 16]) ** 2)
    step, look = np.eye(8) + np.eye(8, k=4), np.eye(4, 8)
    for box in boxes[1:]:
        h = mean[3]
        noise = np.diag(np.array([h / 20, h / 20, 1e-2, h / 20, h / 160, h / 160, 1e-5, h / 160]) ** 2)
        mean, covariance = step @ mean, step @ covariance @ step.T + noise
        h = mean[3]
        spread = look @ covariance @ look.T + np.diag(np.array([h / 20, h / 20, 1e-1, h / 20]) ** 2)
        gain = covariance @ look.T @ np.linalg.inv(spread)
        mean = mean + gain @ (measured(box) - look @ mean)
        covariance = covariance - gain @ spread @ gain.T
    return mean, covariance


def test_the_filter_is_the_textbooks() -> None:
    rng = np.random.default_rng(1)
    boxes = []
    for index in range(12):
        x, y, w, h = 20 + 3 * index, 40 - index, 30 + 0.5 * index, 50.0
        boxes.append(tuple(np.array([x, y, x + w, y + h]) + rng.normal(0, 1, 4)))
    ours = Kalman.started(boxes[0])
    for box in boxes[1:]:
        ours = ours.predicted(1.0).updated(box)
    mean, covariance = textbook(boxes)
    assert np.allclose([*ours.value, *ours.velocity], mean, rtol=1e-9)
    assert np.allclose(ours.variance, np.diag(covariance)[:4], rtol=1e-9)
    assert np.allclose(ours.velocity_variance, np.diag(covariance)[4:], rtol=1e-9)
    assert np.allclose(ours.covariance, np.diag(covariance, k=4), rtol=1e-9)
    assert np.count_nonzero(np.abs(covariance) > 1e-12) == 16  # nothing else is correlated


def test_a_filter_in_a_larger_image_is_the_filter_of_larger_boxes() -> None:
    small = Kalman.started((10, 20, 40, 80)).predicted(1).updated((12, 21, 42, 82))
    large = Kalman.started((20, 60, 80, 240)).predicted(1).updated((24, 63, 84, 246))
    scaled = small.rescaled(2, 3)
    assert scaled.value == pytest.approx(large.value)
    assert scaled.velocity[1] == pytest.approx(large.velocity[1])


def test_boxes_by_hand() -> None:
    assert box_of(picture(5), SIZE) == (50, 100, 110, 160)
    assert box_of(picture(None), SIZE) is None
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 10, 10), (20, 0, 30, 10)) == overlap((0, 0, 10, 10), None) == 0
