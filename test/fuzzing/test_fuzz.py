"""A few thousand inputs of every kind; `benchmarks/fuzz.py` tries as many as one has time for."""

import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from helpers.fuzzing.feeding import LONGEST, Target, batches, feed
from helpers.fuzzing.targets import TARGETS
from helpers.fuzzing.world import world

EXAMPLES = 5  # batches
BAD = 37


def harm() -> bool:
    """One of the tracked objects is gone."""
    world().pipeline.tracker.remove(1)
    return False


def think() -> bool:
    """Longer than an input may take."""
    end = time.thread_time() + LONGEST
    while time.thread_time() < end:
        pass
    return False


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_comes_in_is_taken_or_refused_and_harms_nobody(name: str) -> None:
    target = TARGETS[name]

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(batches(target))
    def run(inputs: list[object]) -> None:
        feed(target, inputs)

    run()


@pytest.mark.parametrize(("bad", "said"), [(harm, r"the next frame is another one .* after \[37\]"), (think, "for 37")])
def test_the_one_input_of_many_that_does_harm_is_named(bad: Callable[[], bool], said: str) -> None:
    target = Target(st.integers(), lambda number: number == BAD and bad())
    assert feed(target, range(BAD)) == 0
    with pytest.raises(AssertionError, match=said):
        feed(target, list(range(100)))
    assert feed(target, range(BAD)) == 0
