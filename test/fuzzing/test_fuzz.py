"""A few thousand inputs of every kind; `benchmarks/fuzz.py` tries as many as one has time for."""

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from helpers.fuzzing import TARGETS, feed

EXAMPLES = 25


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
    @given(st.lists(target.inputs, min_size=1, max_size=10))
    def run(inputs: list[object]) -> None:
        feed(target, inputs)

    run()
