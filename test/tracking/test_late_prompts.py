"""Late prompts at the edges of what an object remembers."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from recorded import CASES, frames, network
from sam2_ros.config import TrackerConfig
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import PastFrame, Tracker

BOX = np.array([25.0, 14, 37, 47])
NOTHING = np.zeros((64, 64), bool)
PICTURES = frames(8)
POLICIES = ["official", "distractor", "motion"]


def begun_on(frame: int, policy: str = "official") -> Tracker:
    """An object that was prompted on one image alone, and tracked for two more."""
    tracker = Tracker(network(CASES["stream"]), TrackerConfig(memory_policy=policy))
    for index in range(frame + 3):
        tracker.step(PICTURES[index], [Prompt(1, box=BOX)] if index == frame else [], index)
    return tracker


def past_from(first: int, end: int) -> list[PastFrame]:
    return [PastFrame(index, index, PICTURES[index]) for index in range(first, end)]


@pytest.mark.parametrize("policy", POLICIES)
def test_the_only_image_that_an_object_is_known_from_cannot_be_denied(policy: str) -> None:
    """Nothing would be left to recognise it by."""
    tracker, alone = begun_on(2, policy), begun_on(2, policy)
    caught = tracker.catch_up(past_from(2, 5), [Prompt(1, mask=NOTHING)])
    (outcome,) = caught.outcomes
    assert not outcome.accepted
    assert "object 1 was prompted on this image alone" in outcome.reason
    assert "remove it" in outcome.reason
    a, b = tracker.step(PICTURES[5]), alone.step(PICTURES[5])
    assert torch.equal(a.objects[0].logits, b.objects[0].logits)


@pytest.mark.parametrize("policy", POLICIES)
def test_an_object_is_corrected_on_an_image_of_before_it_began(policy: str) -> None:
    tracker = begun_on(4, policy)
    caught = tracker.catch_up(past_from(1, 7), [Prompt(1, box=BOX)])
    assert caught.outcomes[0].accepted
    assert [len(states) for states in caught.states] == [1] * 6
    assert tracker.step(PICTURES[7]).objects[0].object_id == 1


def test_whatever_goes_wrong_in_a_late_prompt_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker, alone = begun_on(2), begun_on(2)
    memorise: Callable[..., torch.Tensor] = tracker._vision.memorise
    calls = []

    def fail_late(*arguments: object) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("nobody thought of this")
        return memorise(*arguments)

    monkeypatch.setattr(tracker._vision, "memorise", fail_late)
    with pytest.raises(RuntimeError, match="nobody thought of this"):
        tracker.catch_up(past_from(2, 5), [Prompt(1, [[30, 30]], [1]), Prompt(2, box=BOX)])
    monkeypatch.undo()
    a, b = tracker.step(PICTURES[5]), alone.step(PICTURES[5])
    assert [state.object_id for state in a.objects] == [1]
    assert torch.equal(a.objects[0].logits, b.objects[0].logits)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_late_correction_takes_the_place_of_the_prompt_on_its_image(policy: str) -> None:
    """What is remembered of that image is what was said last, once."""
    tracker = begun_on(2, policy)
    tracker.catch_up(past_from(2, 5), [Prompt(1, [[30, 30]], [1])])
    assert [frame for frame in tracker._bank._prompted_of[0].tolist() if frame >= 0] == [2]
    note = tracker.step(PICTURES[5]).objects[0].memory
    assert note is not None
    assert note.attended is not None
    assert note.attended.prompted == (2,)
