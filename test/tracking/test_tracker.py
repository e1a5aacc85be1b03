"""The tracker as a user of it sees it: prompts at any time, results at the input's resolution, bounded memory."""

import resource
from collections.abc import Callable

import numpy as np
import pytest
import torch
from test_official_numbers import prompt_of

from recorded import CASES, SIZE, TOY, frames, network
from sam2_ros.config import TrackerConfig
from sam2_ros.errors import DeviceError, ImageError, PromptError
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.model.sam2 import Sam2
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.result import FrameResult
from sam2_ros.tracking.tracker import PastFrame, Tracker

STREAM = CASES["stream"]
BOX = np.array([25.0, 14, 37, 47])
OTHER_BOX = np.array([5.0, 5, 22, 30])


@pytest.fixture(scope="module")
def exact() -> Sam2:
    """The recorded case's network in float64."""
    return network(STREAM)


@pytest.fixture
def tracker(exact: Sam2) -> Tracker:
    return Tracker(exact)


def ids(result: FrameResult) -> list[int]:
    return [state.object_id for state in result.objects]


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_objects_together_give_the_numbers_of_each_alone(exact: Sam2) -> None:
    together = Tracker(exact)
    alone = {object_id: Tracker(exact) for object_id in (1, 2, 3)}
    worst = 0.0
    for index, frame in enumerate(frames(20)):
        events = [e for e in STREAM.events if e["frame"] == index]
        for state in together.step(frame, [prompt_of(e) for e in events]).objects:
            prompts = [prompt_of(e) for e in events if e["object"] == state.object_id]
            (other,) = alone[state.object_id].step(frame, prompts).objects
            worst = max(worst, float((state.logits - other.logits).abs().max()))
            assert state.object_score == pytest.approx(other.object_score, abs=1e-8)
        for object_id, single in alone.items():  # keep the frame count of those that have not started
            if object_id not in together.object_ids:
                single.step(frame)
    assert together.object_ids == (1, 2, 3)
    assert worst < 1e-8


def test_a_slot_that_held_another_object_leaves_no_trace(exact: Sam2) -> None:
    pictures = frames(12)
    used, fresh = (Tracker(exact, TrackerConfig(max_objects=1)) for _ in range(2))
    for index, frame in enumerate(pictures):
        if index == 6:
            used.remove(1)
        prompts = [Prompt(2, box=BOX)] if index == 6 else []
        result = used.step(frame, [Prompt(1, [[14, 41]], [1])] if index == 0 else prompts)
        expected = fresh.step(frame, prompts)
    assert torch.allclose(result.objects[0].logits, expected.objects[0].logits, rtol=0, atol=1e-9)


def test_further_clicks_on_one_frame_see_the_mask_before_them(exact: Sam2) -> None:
    frame = frames(1)[0]
    first, second = Prompt(1, box=BOX), Prompt(1, [[30, 30]], [1])
    both = Tracker(exact).step(frame, [first, second]).objects[0]
    merged = Tracker(exact).step(frame, [Prompt(1, [[30, 30]], [1], box=BOX)]).objects[0]
    assert both.tracked is None
    assert (both.logits - merged.logits).abs().max() > 1e-3


def test_a_correction_is_remembered(exact: Sam2) -> None:
    """The frame that was corrected becomes a conditioning frame: its effect is still there frames later."""
    pictures = frames(12)
    corrected, left = Tracker(exact), Tracker(exact)
    for index, frame in enumerate(pictures):
        start = [Prompt(1, [[14, 41]], [1])] if index == 0 else []
        again = [Prompt(1, box=BOX)] if index == 3 else start
        a, b = corrected.step(frame, again), left.step(frame, start)
    assert (a.objects[0].logits - b.objects[0].logits).abs().max() > 0.1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_runs_and_starts_like_float32(dtype: torch.dtype) -> None:
    frame, prompt = frames(1)[0], Prompt(1, box=BOX)
    half = Tracker(network(STREAM, dtype))
    state = half.step(frame, [prompt]).objects[0]
    full = Tracker(network(STREAM, torch.float32)).step(frame, [prompt]).objects[0]
    assert (state.mask == full.mask).mean() > 0.9
    assert half.step(frame).objects[0].logits.dtype == torch.float32


@pytest.mark.parametrize("together", [1, 2])
def test_objects_may_go_through_the_network_in_any_number(together: int, exact: Sam2) -> None:
    few, all_at_once = (Tracker(exact, TrackerConfig(objects_per_batch=number)) for number in (together, 0))
    for index, frame in enumerate(frames(4)):
        prompts = [Prompt(1, box=BOX), Prompt(2, box=OTHER_BOX), Prompt(3, [[14, 41]], [1])] if not index else []
        a, b = few.step(frame, prompts), all_at_once.step(frame, prompts)
    assert ids(a) == ids(b) == [1, 2, 3]
    for x, y in zip(a.objects, b.objects, strict=True):
        assert torch.allclose(x.logits, y.logits, rtol=0, atol=1e-9)


def test_an_image_that_was_encoded_ahead_gives_the_same(exact: Sam2) -> None:
    ahead, at_once = Tracker(exact), Tracker(exact)
    for index, frame in enumerate(frames(3)):
        prompts = [Prompt(1, box=BOX)] if not index else []
        a, b = ahead.step(ahead.encode(frame), prompts), at_once.step(frame, prompts)
        assert torch.equal(a.objects[0].logits, b.objects[0].logits)


# --- results ---------------------------------------------------------------------------------------------------------


def test_results_have_the_size_of_the_image(tracker: Tracker) -> None:
    wide = np.repeat(frames(1)[0], 2, axis=1)
    result = tracker.step(wide, [Prompt(4, box=BOX * (2, 1, 2, 1), label="cup")], stamp_ns=5)
    (state,) = result.objects
    assert state.mask.shape == tuple(state.logits.shape) == result.label_image.shape == (SIZE, 2 * SIZE)
    assert (state.object_id, state.label, state.first_seen_ns) == (4, "cup", 5)
    assert np.array_equal(state.mask, state.logits.numpy() > 0)
    assert state.area == state.mask.sum() > 0
    y, x = np.nonzero(state.mask)
    assert state.box == (x.min(), y.min(), x.max(), y.max())
    assert state.centroid == pytest.approx((x.mean(), y.mean()))
    assert state.visible == (state.object_score > 0)
    assert state.visibility == pytest.approx(1 / (1 + np.exp(-state.object_score)))


def test_an_overlap_belongs_to_the_higher_logit(tracker: Tracker) -> None:
    result = tracker.step(frames(1)[0], [Prompt(9, box=BOX), Prompt(4, [[14, 41]], [1])])
    assert ids(result) == [4, 9]
    four, nine = (state.logits.numpy() for state in result.objects)
    assert ((four > 0) & (nine > 0)).any()
    expected = np.where((four > 0) & (four >= nine), 4, np.where(nine > 0, 9, 0))
    assert np.array_equal(result.label_image, expected)
    assert result.label_image.dtype == np.uint8


def test_an_object_out_of_sight_counts_its_frames() -> None:
    hidden = Tracker(network(CASES["occlusion"]))
    seen = []
    for index, frame in enumerate(frames(10)):
        prompts = [Prompt(1, mask=np.arange(SIZE * SIZE).reshape(SIZE, SIZE) > 3000)] if index == 0 else []
        (state,) = hidden.step(frame, prompts, stamp_ns=index).objects
        assert (state.frames_since_seen == 0) == state.visible
        assert state.last_seen_ns == index - state.frames_since_seen
        if not state.visible:
            assert (state.area, state.box, state.centroid) == (0, None, None)
        seen.append(state.visible)
    assert seen[0]
    assert not all(seen)


def test_holes_and_specks_go_when_asked(exact: Sam2) -> None:
    y, x = np.mgrid[:SIZE, :SIZE]
    mask = (x > 10) & (x < 50) & (y > 10) & (y < 50) & ~((abs(x - 30) < 5) & (abs(y - 30) < 5))
    mask |= (abs(x - 58) < 3) & (abs(y - 58) < 3)
    plain, cleaned = Tracker(exact), Tracker(exact, TrackerConfig(fill_hole_area=200, remove_speck_area=100))
    before = plain.step(frames(1)[0], [Prompt(1, mask=mask)]).objects[0].mask
    result = cleaned.step(frames(1)[0], [Prompt(1, mask=mask)])
    after = result.objects[0].mask
    assert (before[30, 30], after[30, 30]) == (False, True)
    assert (before[58, 58], after[58, 58]) == (True, False)
    assert np.array_equal(result.label_image == 1, after)
    cleaned.configure_cleaning(0, 0)
    assert not cleaned.step(frames(1)[0], [Prompt(1, mask=mask)]).objects[0].mask[30, 30]


def test_the_ground_at_the_border_is_no_hole_and_nothing_becomes_no_object(exact: Sam2) -> None:
    corner = np.zeros((SIZE, SIZE), bool)
    corner[4:, :] = True  # leaves a strip of 4 rows at the upper edge
    eager = TrackerConfig(fill_hole_area=SIZE * SIZE)
    mask = Tracker(exact, eager).step(frames(1)[0], [Prompt(1, mask=corner)]).objects[0].mask
    assert not mask[0].any()
    absent = Tracker(exact, eager)
    absent.step(frames(1)[0], [Prompt(1, mask=corner)])
    gone = absent.step(frames(1)[0], [Prompt(1, mask=np.zeros((SIZE, SIZE)))]).objects[0]
    assert (gone.visible, gone.area) == (False, 0)


def test_ids_beyond_a_byte_need_sixteen_bits(exact: Sam2) -> None:
    refused = Tracker(exact).step(frames(1)[0], [Prompt(300, box=BOX)]).outcomes[0]
    assert not refused.accepted
    assert "hold ids up to 255; choose a smaller id or the mask_encoding mono16" in refused.reason
    result = Tracker(exact, TrackerConfig(mask_encoding="mono16")).step(frames(1)[0], [Prompt(300, box=BOX)])
    assert result.label_image.dtype == np.uint16
    assert result.label_image.max() == 300


# --- prompts ---------------------------------------------------------------------------------------------------------


def test_objects_come_and_go_at_any_time(tracker: Tracker) -> None:
    pictures = frames(6)
    assert tracker.step(pictures[0]).objects == ()
    assert ids(tracker.step(pictures[1], [Prompt(box=BOX), Prompt(box=BOX)])) == [1, 2]
    assert ids(tracker.step(pictures[2], [Prompt(7, [[14, 41]], [1])])) == [1, 2, 7]
    tracker.remove(2)
    result = tracker.step(pictures[3], [Prompt(box=BOX)])
    assert ids(result) == [1, 3, 7]  # an id used before is not given again
    assert result.outcomes[0].object_id == 3
    assert result.outcomes[0].mask_score == result.objects[1].mask_score
    tracker.reset()
    assert tracker.step(pictures[4]).objects == ()
    assert ids(tracker.step(pictures[5], [Prompt(box=BOX)])) == [4]


def test_when_all_ids_were_used_they_are_given_again_from_the_lowest_on() -> None:
    tracker = Tracker(random_model(get_config("toy", 32)))
    frame = frames(1)[0]
    tracker.step(frame, [Prompt(2, box=BOX)])
    for expected in [1, *range(3, 256), 1, 3]:
        result = tracker.step(frame, [Prompt(box=BOX)])
        assert ids(result) == sorted((expected, 2))
        tracker.remove(expected)


def test_a_refused_prompt_harms_nobody(exact: Sam2) -> None:
    tracker = Tracker(exact, TrackerConfig(max_objects=2))
    tracker.step(frames(2)[0], [Prompt(1, box=BOX)])
    result = tracker.step(
        frames(2)[1],
        [
            Prompt(1, [[99, 5]], [1]),
            Prompt(2, [[5, 5]], [0]),
            Prompt(3, box=BOX),
            Prompt(4, box=BOX),
        ],
    )
    assert ids(result) == [1, 3]
    assert [outcome.accepted for outcome in result.outcomes] == [False, False, True, False]
    outside, background, _, full = (outcome.reason for outcome in result.outcomes)
    assert "point (99, 5) is outside the 64x64 image" in outside
    assert "nothing in it is said to be the object" in background
    assert "2 objects are tracked already, which is the limit (max_objects)" in full


def test_many_prompts_on_one_image_count_together(exact: Sam2) -> None:
    click = Prompt(1, [[14, 41], [16, 26]], [1, 1])
    fresh = Prompt(1, [[14, 41]], [1], replace=True)
    tracker = Tracker(exact, TrackerConfig(max_points=3))
    outcomes = tracker.step(frames(1)[0], [click, click, fresh, click]).outcomes
    assert [outcome.accepted for outcome in outcomes] == [True, False, True, True]
    assert "with those before it on this image it has 4 points, the limit (max_points) is 3" in outcomes[1].reason


def test_a_mask_of_which_nothing_is_left_is_refused(tracker: Tracker) -> None:
    dot = np.zeros((480, 640), bool)
    dot[100, 100] = True
    (outcome,) = tracker.step(np.zeros((480, 640, 3), np.uint8), [Prompt(1, mask=dot)]).outcomes
    assert "its mask is so small that nothing of it is left at 64x64; draw it larger" in outcome.reason


def test_removing_what_is_not_there_names_what_is(tracker: Tracker) -> None:
    tracker.step(frames(1)[0], [Prompt(3, box=BOX), Prompt(5, box=BOX)])
    with pytest.raises(PromptError, match="object 4 cannot be removed: it is not tracked; tracked objects: 3, 5"):
        tracker.remove(4)


# --- frames ----------------------------------------------------------------------------------------------------------


def test_the_image_may_change_its_size(exact: Sam2) -> None:
    """The same picture at twice the size: the objects carry on."""
    same, changed = Tracker(exact), Tracker(exact)
    for index, frame in enumerate(frames(4)):
        prompts = [Prompt(1, box=BOX)] if index == 0 else []
        a = same.step(frame, prompts)
        b = changed.step(np.kron(frame, np.ones((2, 2, 1), np.uint8)) if index > 1 else frame, prompts)
    assert b.objects[0].mask.shape == (2 * SIZE, 2 * SIZE)
    assert (b.objects[0].mask[::2, ::2] == a.objects[0].mask).mean() > 0.8


@pytest.mark.parametrize("bad", [np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3))])
def test_what_is_no_image_is_refused(tracker: Tracker, bad: np.ndarray) -> None:
    with pytest.raises(ImageError, match="cannot be tracked on; give"):
        tracker.step(bad)


# --- limits ----------------------------------------------------------------------------------------------------------


def short_of_memory(limit: int, attend: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """``attend``, but as on a device that has room for ``limit`` objects."""

    def attend_or_fail(features: torch.Tensor, memory: torch.Tensor, *rest: object) -> torch.Tensor:
        if memory.shape[0] > limit:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return attend(features, memory, *rest)

    return attend_or_fail


def test_when_memory_runs_out_the_newest_object_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network(STREAM)
    attention = model.memory_attention
    monkeypatch.setattr(attention, "forward", short_of_memory(2, attention.forward))
    tracker = Tracker(model)
    clip = frames(20)
    for object_id, frame in zip((5, 3, 4), clip, strict=False):
        result = tracker.step(frame, [Prompt(object_id, box=BOX)])
    assert ids(result) == [3, 4, 5]
    # As long as histories differ in length, objects go through the network one by one.
    results = [tracker.step(frame) for frame in clip[3:]]
    assert ids(results[-1]) == [3, 5]
    warnings = [warning for result in results for warning in result.warnings]
    assert len(warnings) == 1
    assert "object 4 is no longer tracked: cpu has no memory left for another object" in warnings[0]


def test_a_new_object_without_room_is_refused_and_the_rest_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network(STREAM)
    encode = model.encode_memory

    def short(image: object, masks: torch.Tensor, *rest: object) -> torch.Tensor:
        if masks.shape[0] > 1:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return encode(image, masks, *rest)

    monkeypatch.setattr(model, "encode_memory", short)
    tracker = Tracker(model)
    tracker.step(frames(1)[0], [Prompt(1, box=BOX)])
    result = tracker.step(frames(2)[1], [Prompt(2, box=BOX)])
    assert ids(result) == [1]
    assert not result.outcomes[0].accepted
    assert "object 2 is refused: cpu has no memory left for another object; remove one" in result.outcomes[0].reason


def test_an_image_without_room_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network(STREAM)
    tracker = Tracker(model)
    tracker.step(frames(1)[0], [Prompt(1, box=BOX)])

    def fail(pixels: torch.Tensor) -> None:
        raise torch.cuda.OutOfMemoryError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(model, "encode_image", fail)
        with pytest.raises(DeviceError, match="no memory left for an image; choose a smaller model"):
            tracker.step(frames(2)[1])
    assert ids(tracker.step(frames(2)[1])) == [1]


def test_hundreds_of_steps_leave_memory_as_it_was() -> None:
    """Objects come, are refined and go, prompted frames exceed their limit: no byte more than after 50 steps.

    ``benchmarks/memory.py`` does the same for any number of steps, model and device.
    """
    model = random_model(get_config("toy", 32))
    tracker = Tracker(model, TrackerConfig(max_objects=4))
    pictures = frames(10)
    rng = np.random.default_rng(0)
    sizes, resident = set(), []
    for index in range(600):
        prompts = []
        if rng.random() < 0.2:
            x, y = rng.integers(5, 50, 2)
            prompts = [Prompt(int(rng.integers(1, 7)), box=[x, y, x + 9, y + 9])]
        if tracker.object_ids and rng.random() < 0.05:
            tracker.remove(int(rng.choice(tracker.object_ids)))
        tracker.step(pictures[index % 10], prompts)
        sizes.add(tracker.memory_bytes)
        if index in (49, 599):
            resident.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # KiB, the most ever held
    assert len(sizes) == 1
    assert resident[1] - resident[0] < 16 * 1024


def test_the_bank_holds_what_its_limits_say() -> None:
    model = random_model(TOY)
    tracker = Tracker(model, TrackerConfig(max_objects=3, max_cond_frames=4))
    tokens, frames_kept, pointers_kept = TOY.feature_size**2, 4 + 6, 4 + 15
    each = 4 * (frames_kept * tokens * TOY.memory_dim + pointers_kept * TOY.hidden_dim)
    assert (tracker.memory_bytes, tracker.memory_bytes_per_object) == (3 * each, each)


# --- prompts that come late ------------------------------------------------------------------------------------------


def past(tracker: Tracker, images: list[np.ndarray]) -> list[PastFrame]:
    """Step through images without a prompt, as history."""
    return [PastFrame(tracker.step(image, stamp_ns=i).frame_index, i, image) for i, image in enumerate(images)]


def low_res(result: FrameResult, object_id: int) -> torch.Tensor:
    return next(state.prediction.masks for state in result.objects if state.object_id == object_id)


def same(found: torch.Tensor, wanted: torch.Tensor) -> bool:
    """Equal up to the rounding of another batch size."""
    return torch.allclose(found, wanted, rtol=0, atol=1e-8)


def test_a_late_prompt_gives_what_a_prompt_in_time_would_have_given(exact: Sam2) -> None:
    images = frames(8)
    in_time, late = Tracker(exact), Tracker(exact)
    in_time.step(images[0])
    in_time.step(images[1], [Prompt(3, box=BOX)])
    for image in images[2:7]:
        in_time.step(image)
    history = past(late, images[:7])
    caught_up = late.catch_up(history[1:], [Prompt(3, box=BOX, label="cup")])
    outcomes = caught_up.outcomes
    assert [[state.object_id for state in states] for states in caught_up.states] == [[3]] * 6
    assert [(o.object_id, o.accepted) for o in outcomes] == [(3, True)]
    assert 0 < outcomes[0].mask_score <= 1
    wanted, found = in_time.step(images[7], stamp_ns=7), late.step(images[7], stamp_ns=7)
    assert same(low_res(found, 3), low_res(wanted, 3))
    assert found.objects[0].label == "cup"
    assert found.objects[0].first_seen_ns == 1


def test_a_later_correction_survives_an_earlier_one_that_comes_after_it(exact: Sam2) -> None:
    images = frames(6)
    tracker = Tracker(exact)
    tracker.step(images[0], [Prompt(1, box=BOX)])
    history = [PastFrame(tracker.step(image).frame_index, 0, image) for image in images[1:4]]
    tracker.step(images[4], [Prompt(1, points=[[40, 30]], point_labels=[0])])
    without = Tracker(exact)
    without.step(images[0], [Prompt(1, box=BOX)])
    for image in images[1:5]:
        without.step(image)
    for either in (tracker, without):
        either.catch_up(history, [Prompt(1, points=[[50, 40]], point_labels=[1])])
    assert not same(low_res(tracker.step(images[5]), 1), low_res(without.step(images[5]), 1))


def test_frames_may_be_left_out_of_what_is_carried_through(exact: Sam2) -> None:
    images = frames(8)
    tracker = Tracker(exact)
    history = past(tracker, images[:7])
    tracker.catch_up([history[0], history[3], history[6]], [Prompt(1, box=BOX)])
    assert ids(tracker.step(images[7])) == [1]


def test_a_late_prompt_without_room_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network(STREAM)
    images = frames(6)
    tracker, untouched = Tracker(model), Tracker(model)
    for other in (tracker, untouched):
        other.step(images[0], [Prompt(1, box=BOX)])
    history = [PastFrame(tracker.step(image).frame_index, 0, image) for image in images[1:4]]
    for image in images[1:4]:
        untouched.step(image)
    calls = iter(range(100))
    encode = model.encode_image

    def fail(pixels: torch.Tensor) -> object:
        if next(calls) == 2:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return encode(pixels)

    with monkeypatch.context() as patch:
        patch.setattr(model, "encode_image", fail)
        with pytest.raises(DeviceError, match="no memory left to apply a late prompt; nothing is changed"):
            tracker.catch_up(history, [Prompt(1, points=[[50, 40]], point_labels=[1]), Prompt(7, box=BOX)])
    for image in images[4:]:
        wanted, found = untouched.step(image), tracker.step(image)
        assert ids(found) == [1]
        assert same(low_res(found, 1), low_res(wanted, 1))
    fresh = tracker.step(images[0], [Prompt(7, box=BOX)])
    assert same(low_res(fresh, 7), low_res(Tracker(model).step(images[0], [Prompt(7, box=BOX)]), 7))


def test_a_late_prompt_that_cannot_be_used_is_refused(tracker: Tracker) -> None:
    history = past(tracker, frames(3))
    (outcome,) = tracker.catch_up(history, [Prompt(1, points=[[1, 1]], point_labels=[0])]).outcomes
    assert not outcome.accepted
    assert "nothing in it is said to be the object" in outcome.reason
    assert tracker.object_ids == ()
