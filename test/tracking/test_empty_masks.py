"""Objects that count as visible without a mask, and masks that say "not here"."""

import numpy as np
import pytest

from recorded import CASES, SIZE, frames, network
from sam2_ros.config import ModelChoice
from sam2_ros.model.sam2 import Sam2
from sam2_ros.tracking.policies.policy import EMPTY
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.result import ObjectState
from sam2_ros.tracking.tracker import PastFrame, Tracker, unconfirmed
from sam2_ros.weights.loading import load_network

BOX = np.array([25.0, 14, 37, 47])
PIXEL = np.zeros((SIZE, SIZE), bool)
PIXEL[30, 31] = True
NOTHING = np.zeros((SIZE, SIZE), bool)


@pytest.fixture(scope="module")
def exact() -> Sam2:
    return network(CASES["stream"])


def test_an_object_whose_mask_vanishes_is_visible_by_definition_but_not_confirmed(exact: Sam2) -> None:
    tracker = Tracker(exact)
    result = tracker.step(frames(1)[0], [Prompt(3, mask=PIXEL)], stamp_ns=70)
    (state,) = result.objects
    assert (state.visible, state.area, state.box, state.in_view) == (True, 0, None, False)
    assert state.frames_since_seen == 1
    assert result.outcomes[0].accepted
    assert result.warnings == (
        f"object 3 counts as visible ({state.object_score:.1f}), but its mask is empty, so it is not taken as seen; "
        "prompt it with a larger mask or box",
    )


def test_what_is_last_seen_stays_when_a_later_mask_vanishes(exact: Sam2) -> None:
    tracker = Tracker(exact)
    first, second = frames(2)
    assert tracker.step(first, [Prompt(3, box=BOX)], stamp_ns=70).warnings == ()
    (state,) = tracker.step(second, [Prompt(3, mask=PIXEL)], stamp_ns=80).objects
    assert (state.visible, state.last_seen_ns, state.frames_since_seen) == (True, 70, 1)


def test_a_late_prompt_whose_mask_vanishes_is_said_as_well(exact: Sam2) -> None:
    tracker = Tracker(exact)
    first, second = frames(2)
    for frame in (first, second):
        tracker.step(frame)
    caught_up = tracker.catch_up([PastFrame(0, 0, first), PastFrame(1, 0, second)], [Prompt(3, mask=PIXEL)])
    assert "object 3 counts as visible" in caught_up.warnings[0]


def state_of(object_id: int, score: float, area: int, since: int) -> ObjectState:
    prediction: object = None
    mask = np.zeros((9, 9), bool)
    return ObjectState(
        *(object_id, "", score > 0, score, 1.0, mask, None, area, None, 0, 0, since, prediction, None)  # type: ignore[arg-type]
    )


def test_a_vanishing_mask_is_said_when_it_begins_and_not_on_every_image() -> None:
    states = [
        state_of(1, 2.0, 0, 1),  # just begins
        state_of(2, 2.0, 0, 2),  # was said before
        state_of(3, 2.0, 5, 0),  # has a mask
        state_of(4, -2.0, 0, 1),  # is out of sight
        state_of(5, 2.0, 0, 9),  # was prompted
    ]
    said = unconfirmed(states, [5])
    assert [sentence.split(" counts")[0] for sentence in said] == ["object 1", "object 5"]
    assert [sentence.rsplit("; ", 1)[1] for sentence in said] == [
        "prompt it again",
        "prompt it with a larger mask or box",
    ]


# --- "not here" ------------------------------------------------------------------------------------------------------


def disc(index: int) -> np.ndarray:
    """(120, 160, 3) uint8: a bright square that moves slowly over noise."""
    picture = np.random.default_rng(3).integers(30, 110, (120, 160, 3), dtype=np.uint8)
    picture[40:80, 40 + index : 80 + index] = (230, 60, 40)
    return picture


def test_an_object_that_was_denied_in_plain_view_is_found_again() -> None:
    tracker = Tracker(load_network(ModelChoice(model="nano", device="cpu")))
    nothing = np.zeros((120, 160), bool)
    visible = []
    for index in range(12):
        prompts = {0: [Prompt(1, box=np.array([40.0, 40, 80, 80]))]}.get(index, [])
        if 4 <= index < 8:
            prompts = [Prompt(1, mask=nothing)]
        (state,) = tracker.step(disc(index), prompts).objects
        visible.append(state.in_view)
    assert visible[:8] == [True] * 4 + [False] * 4
    assert visible[-1]
    assert state.area == pytest.approx(1600, rel=0.15)


def test_a_denial_is_no_anchor_and_leaves_those_that_are(exact: Sam2) -> None:
    """After the last six images it is as if it had never been said, however often it was."""
    plain, denied = Tracker(exact), Tracker(exact)
    for index, frame in enumerate(frames(6)):
        prompts = [Prompt(1, box=BOX)] if not index else []
        plain.step(frame, prompts)
        denied.step(frame, prompts or [Prompt(1, mask=NOTHING)])
    assert denied._bank._prompted_of[0].tolist() == plain._bank._prompted_of[0].tolist() == [0, EMPTY, EMPTY, EMPTY]


def test_a_late_denial_takes_back_the_anchor_of_its_image(exact: Sam2) -> None:
    tracker = Tracker(exact)
    pictures = frames(3)
    for index, frame in enumerate(pictures):
        tracker.step(frame, [Prompt(1, box=BOX)] if index < 2 else [])
    past = [PastFrame(index, 0, pictures[index]) for index in (1, 2)]
    states = tracker.catch_up(past, [Prompt(1, mask=NOTHING)]).states
    assert not states[0][0].visible
    assert tracker._bank._prompted_of[0].tolist() == [0, EMPTY, EMPTY, EMPTY]


def test_what_comes_after_a_denial_on_the_same_image_counts(exact: Sam2) -> None:
    tracker = Tracker(exact)
    first, second = frames(2)
    tracker.step(first, [Prompt(1, box=BOX)])
    (state,) = tracker.step(second, [Prompt(1, mask=NOTHING), Prompt(1, box=BOX)]).objects
    assert state.visible
    assert tracker._bank._prompted_of[0].tolist()[:2] == [0, 1]
