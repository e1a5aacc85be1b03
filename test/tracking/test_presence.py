"""In which state an object is said to be."""

import numpy as np
import pytest

from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.tracking.presence import NS_PER_S, Presence, presence_of, stability_of
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network


@pytest.mark.parametrize(
    ("in_view", "mask_score", "stability", "absent_s", "state"),
    [
        (True, 0.65, 0.75, 0.0, Presence.CONFIRMED),
        (True, 0.64, 0.99, 0.0, Presence.UNSURE),
        (True, 0.99, 0.74, 0.0, Presence.UNSURE),
        (False, 0.99, 0.99, 2.0, Presence.ABSENT),
        (False, 0.99, 0.99, 2.1, Presence.LOST),
        (True, 0.99, 0.99, 9.0, Presence.CONFIRMED),
    ],
)
def test_states_by_hand(in_view: bool, mask_score: float, stability: float, absent_s: float, state: Presence) -> None:
    assert presence_of(in_view, mask_score, stability, round(absent_s * NS_PER_S), TrackerConfig()) is state


def test_stability_is_the_share_of_a_mask_that_a_higher_threshold_leaves() -> None:
    logits = np.full((10, 10), -8.0, np.float32)
    assert stability_of(logits) == 0.0
    logits[2:4, 2:7] = 5.0  # 10 pixels
    logits[4, 2:7] = 0.5  # 5 that a threshold of 1 takes away
    assert stability_of(logits) == pytest.approx(10 / 15)
    logits[5, 2:7] = -0.5  # 5 that one of -1 adds
    assert stability_of(logits) == pytest.approx(10 / 20)


def test_an_object_that_leaves_is_absent_then_lost_then_confirmed_where_it_comes_back() -> None:
    tracker = Tracker(load_network(ModelChoice(model="nano", device="cpu")), TrackerConfig(memory_policy="distractor"))
    ground = np.random.default_rng(3).integers(30, 110, (120, 160, 3), dtype=np.uint8)
    shown = ground.copy()
    shown[40:80, 60:100] = (230, 60, 40)
    states = []
    for index in range(16):
        prompts = [Prompt(1, box=np.array([60.0, 40, 100, 80]))] if not index else []
        picture = ground if 4 <= index < 13 else shown
        (state,) = tracker.step(picture, prompts, stamp_ns=(index + 1) * NS_PER_S // 2).objects  # two a second
        states.append(state.state)
    assert set(states[:4]) == {Presence.CONFIRMED}
    # Last in view on image 3: two seconds later is image 7.
    assert states[4:13] == [Presence.ABSENT] * 4 + [Presence.LOST] * 5
    assert states[-1] is Presence.CONFIRMED
