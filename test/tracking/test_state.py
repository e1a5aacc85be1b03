"""A tracker's state: what goes on from it gives the results of what was never interrupted, to the bit."""

import numpy as np
import pytest
import torch

from recorded import CASES, EDGE_TOY, frames, network
from sam2_ros.config import TrackerConfig
from sam2_ros.errors import StateError
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.model.sam2 import Sam2
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.result import FrameResult
from sam2_ros.tracking.tracker import PastFrame, Tracker

BOX = np.array([25.0, 14, 37, 47])
OTHER_BOX = np.array([5.0, 5, 22, 30])
PROMPTS = {0: [Prompt(1, box=BOX, label="cup")], 2: [Prompt(7, box=OTHER_BOX)], 5: [Prompt(1, [[30, 30]], [1])]}
CUT = 8  # frames before the interruption


@pytest.fixture(scope="module", params=[torch.float32, torch.float64], ids=["float32", "float64"])
def toy(request: pytest.FixtureRequest) -> Sam2:
    return network(CASES["stream"], request.param)


def run(tracker: Tracker, numbers: range) -> list[FrameResult]:
    pictures = frames(24)
    return [tracker.step(pictures[n], PROMPTS.get(n, []), 1000 * n) for n in numbers]


def assert_same(results: list[FrameResult], expected: list[FrameResult]) -> None:
    """To the bit, in all that a user sees."""
    for one, other in zip(results, expected, strict=True):
        assert (one.frame_index, one.stamp_ns) == (other.frame_index, other.stamp_ns)
        assert np.array_equal(one.label_image, other.label_image)
        assert len(one.objects) == len(other.objects)
        for a, b in zip(one.objects, other.objects, strict=True):
            assert torch.equal(a.logits, b.logits)
            for name in ("object_id", "label", "object_score", "mask_score", "box", "first_seen_ns", "last_seen_ns"):
                assert getattr(a, name) == getattr(b, name)
            assert a.frames_since_seen == b.frames_since_seen


@pytest.mark.parametrize(
    "config",
    [
        TrackerConfig(),
        TrackerConfig(memory_stride=3),
        TrackerConfig(memory_policy="distractor"),
        TrackerConfig(memory_policy="motion"),
    ],
    ids=["official", "stride", "distractor", "motion"],
)
def test_results_after_a_restore_are_those_without_the_interruption(toy: Sam2, config: TrackerConfig) -> None:
    whole = Tracker(toy, config)
    run(whole, range(CUT))
    cut = Tracker(toy, config)
    run(cut, range(CUT))
    again = Tracker(toy, config)
    again.restore(cut.state())
    assert_same(run(again, range(CUT, 24)), run(whole, range(CUT, 24)))


def test_a_network_of_another_family_goes_on_as_well() -> None:
    light = random_model(EDGE_TOY)
    whole, again = Tracker(light), Tracker(light)
    run(whole, range(CUT))
    again.restore(whole.state())
    assert_same(run(again, range(CUT, 12)), run(whole, range(CUT, 12)))


def test_in_images_of_another_size_and_after_late_prompts_too(toy: Sam2) -> None:
    whole, again = Tracker(toy), Tracker(toy)
    run(whole, range(CUT))
    again.restore(whole.state())
    larger = [np.ascontiguousarray(frame.repeat(2, axis=0).repeat(3, axis=1)) for frame in frames(12)]
    past = [PastFrame(CUT, 8000, larger[8]), PastFrame(CUT + 1, 9000, larger[9])]
    results = []
    for tracker in (whole, again):
        first = [tracker.step(larger[n], (), 1000 * n) for n in (8, 9)]
        caught = tracker.catch_up(past, [Prompt(7, box=OTHER_BOX * 2)])
        assert [outcome.accepted for outcome in caught.outcomes] == [True]
        results.append([*first, tracker.step(larger[10], [], 10_000)])
    assert_same(*results)


def test_a_state_is_a_copy_that_later_frames_do_not_touch(toy: Sam2) -> None:
    tracker, again = Tracker(toy), Tracker(toy)
    run(tracker, range(CUT))
    state = tracker.state()
    expected = run(tracker, range(CUT, 20))
    again.restore(state)
    assert_same(run(again, range(CUT, 20)), expected)


def test_what_was_tracked_before_a_restore_is_forgotten_and_ids_are_not_given_again(toy: Sam2) -> None:
    before, after = Tracker(toy), Tracker(toy)
    run(before, range(CUT))
    before.remove(7)
    after.step(frames(1)[0], [Prompt(3, box=BOX), Prompt(4, box=BOX)])
    after.restore(before.state())
    assert after.object_ids == (1,)
    assert run(after, range(CUT, CUT + 1))[0].objects[0].label == "cup"
    new = after.step(frames(1)[0], [Prompt(0, box=OTHER_BOX)]).outcomes[0]
    assert new.object_id == 2  # 1 is there; 3 and 4 were of another life
    assert before.state().used_ids == (1, 7)


def test_a_state_goes_to_another_precision_to_rounding() -> None:
    exact, narrow = (Tracker(network(CASES["stream"], dtype)) for dtype in (torch.float64, torch.float32))
    run(exact, range(CUT))
    narrow.restore(exact.state())
    expected, found = (run(tracker, range(CUT, CUT + 2)) for tracker in (exact, narrow))
    for a, b in zip(expected[0].objects, found[0].objects, strict=True):
        assert torch.allclose(a.logits, b.logits.double(), atol=1e-2)


def test_a_smaller_or_larger_tracker_takes_it_when_there_is_room(toy: Sam2) -> None:
    tracker = Tracker(toy)
    run(tracker, range(CUT))
    state = tracker.state()
    expected = run(tracker, range(CUT, 12))
    exactly = Tracker(toy, TrackerConfig(max_objects=2, objects_per_batch=16))
    exactly.restore(state)
    assert_same(run(exactly, range(CUT, 12)), expected)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (TrackerConfig(memory_policy="motion"), "memory_policy official, but here it is motion"),
        (TrackerConfig(max_objects=1), "more than max_objects"),
        (TrackerConfig(num_maskmem=4), "num_maskmem 7, but here it is 4"),
        (TrackerConfig(memory_stride=2), "memory_stride 1, but here it is 2"),
        (TrackerConfig(max_cond_frames=2), "max_cond_frames 4, but here it is 2"),
    ],
)
def test_settings_that_remember_otherwise_are_refused_and_nothing_changes(
    toy: Sam2, config: TrackerConfig, sentence: str
) -> None:
    source, tracker, alone = Tracker(toy), Tracker(toy, config), Tracker(toy, config)
    run(source, range(CUT))
    for each in (tracker, alone):
        each.step(frames(1)[0], [Prompt(5, box=BOX)])
    with pytest.raises(StateError, match=sentence):
        tracker.restore(source.state())
    assert_same([tracker.step(frames(2)[1])], [alone.step(frames(2)[1])])


def test_an_id_that_the_label_image_cannot_hold_is_refused(toy: Sam2) -> None:
    source = Tracker(toy, TrackerConfig(mask_encoding="mono16"))
    source.step(frames(1)[0], [Prompt(300, box=BOX)])
    with pytest.raises(StateError, match="set mask_encoding to mono16"):
        Tracker(toy).restore(source.state())


def test_memories_of_another_network_are_refused_by_name_or_by_weights(toy: Sam2) -> None:
    state = Tracker(toy).state()
    assert len(state.origin.weights) == 64
    with pytest.raises(StateError, match="saved with weights"):
        Tracker(random_model(toy.config)).restore(state)
    with pytest.raises(StateError, match="saved with model toy, but this tracker has nano"):
        Tracker(random_model(get_config("nano"))).restore(state)
    small, large = (Tracker(random_model(get_config("toy", size))) for size in (64, 96))
    with pytest.raises(StateError, match="saved with image_size 64, but this tracker has 96"):
        large.restore(small.state())


# --- one object ------------------------------------------------------------------------------------------------------


def test_an_object_is_looked_for_elsewhere_by_what_it_was_prompted_with(toy: Sam2) -> None:
    """Alone, without the frames since, and right away, it is as its own tracker would see it without those."""
    source, target = Tracker(toy), Tracker(toy)
    source.step(frames(1)[0], PROMPTS[0])
    clip = source.object_state(1)
    assert target.adopt(clip) == 1
    expected, found = (tracker.step(frames(2)[1]).objects[0] for tracker in (source, target))
    assert found.label == "cup"
    # What the frame before is worth as a recent one, the prompted frame already is: attended once.
    assert torch.allclose(found.logits, expected.logits, rtol=0, atol=1e-9)


def test_it_goes_on_beside_others_who_do_not_notice(toy: Sam2) -> None:
    source, target, alone = Tracker(toy), Tracker(toy), Tracker(toy)
    run(source, range(CUT))
    for tracker in (target, alone):
        tracker.step(frames(1)[0], [Prompt(1, box=OTHER_BOX)])
    clip = source.object_state(1)
    assert target.adopt(clip) == 2
    assert target.adopt(clip, 9) == 9
    for number in range(1, 20):
        both, one = (tracker.step(frames(20)[number]) for tracker in (target, alone))
        assert [state.object_id for state in both.objects] == [1, 2, 9]
        assert torch.allclose(both.objects[0].logits, one.objects[0].logits, rtol=0, atol=1e-3)
        assert torch.equal(both.objects[1].logits, both.objects[2].logits)


def test_an_object_that_cannot_be_saved_or_adopted_is_told_and_nothing_changes(toy: Sam2) -> None:
    source = Tracker(toy, TrackerConfig(max_objects=2))
    run(source, range(CUT))
    with pytest.raises(StateError, match="object 5 cannot be saved: it is not tracked; tracked objects: 1, 7"):
        source.object_state(5)
    clip = source.object_state(7)
    for object_id, sentence in (
        (7, "object 7 is tracked already"),
        (300, "ids up to 255"),
        (3, "2 objects are tracked"),
    ):
        with pytest.raises(StateError, match=sentence):
            source.adopt(clip, object_id)
    with pytest.raises(StateError, match="the state holds 2 objects, not one"):
        source.adopt(source.state())
    assert source.object_ids == (1, 7)
