"""Recorded functions: what they give, whose it is, and what is copied for it. The recordings are those of `graphs`."""

import pytest
import torch

from helpers.graphs import Replays, out_of_memory
from sam2_ros.model import graphed as module
from sam2_ros.model.graphed import Arena, Graphed


@pytest.fixture
def recorder() -> Replays:
    return Replays()


def double(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return 2 * x, x.sum(dim=1)


@pytest.fixture
def doubled(recorder: Replays) -> Graphed:
    return Graphed(double, "doubled", ("x",), Arena(), recorder)


def test_what_is_recorded_gives_the_functions_values_for_other_inputs(doubled: Graphed, recorder: Replays) -> None:
    doubled.record(torch.zeros(2, 3))
    for _ in range(3):
        x = torch.randn(2, 3)
        assert all(torch.equal(a, b) for a, b in zip(doubled(x), double(x), strict=True))
    assert recorder.turns == 4  # one for the recording


def test_what_it_gives_is_the_callers_own(doubled: Graphed) -> None:
    doubled.record(torch.zeros(1, 3))
    first = doubled(torch.ones(1, 3))
    doubled(torch.zeros(1, 3))
    assert torch.equal(first[0], torch.full((1, 3), 2.0))


def test_nothing_is_recorded_unless_it_is_asked_for(doubled: Graphed, recorder: Replays) -> None:
    for rows in (1, 2, 3):
        for _ in range(5):
            assert torch.equal(doubled(torch.ones(rows, 3))[0], torch.full((rows, 3), 2.0))
    assert (recorder.recorded, doubled.count) == (0, 0)


def test_what_was_recorded_small_stays_right_beside_what_is_large(doubled: Graphed) -> None:
    for rows in (1, 4, 2):
        doubled.record(torch.zeros(rows, 3))
    for rows in (1, 2, 4):
        x = torch.randn(rows, 3)
        assert torch.equal(doubled(x)[0], 2 * x)


def test_maps_lie_as_they_lay_where_they_were_recorded(recorder: Replays) -> None:
    seen: list[tuple[int, ...]] = []

    def function(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        seen.append(x.stride())
        return (x + 1,)

    maps = torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    graph = Graphed(function, "maps", ("x",), Arena(), recorder)
    graph.record(maps)
    (found,) = graph(maps)
    assert set(seen) == {maps.stride()}
    assert found.stride() == maps.stride()


def test_an_image_is_copied_once_for_all_that_look_at_it(recorder: Replays, monkeypatch: pytest.MonkeyPatch) -> None:
    arena = Arena()
    first = Graphed(lambda x: (x + 1,), "first", ("features",), arena, recorder)
    second = Graphed(lambda x, y: (x + y,), "second", ("features", "y"), arena, recorder)
    image, other, one = torch.zeros(3), torch.ones(3), torch.ones(3)
    first.record(image)
    second.record(image, one)
    copied: list[int] = []
    copy_all = module.copy_all
    monkeypatch.setattr(module, "copy_all", lambda to, of: (copied.append(len(to)), copy_all(to, of)))
    first(image), second(image, one), second(image, one)
    assert copied[0::3] == [0, 1, 1]  # in; then there are two more copies, out of the graph and to the caller
    assert torch.equal(first(other)[0], other + 1)
    assert torch.equal(second(other, one)[0], other + 1)
    assert torch.equal(second(image, one)[0], one)


def test_a_recording_that_fails_leaves_the_function_as_it_is(doubled: Graphed, recorder: Replays) -> None:
    recorder.fails_at = {1: out_of_memory()}
    with pytest.raises(torch.cuda.OutOfMemoryError):
        doubled.record(torch.zeros(2, 3))
    assert doubled.count == 0
    assert torch.equal(doubled(torch.ones(2, 3))[0], torch.full((2, 3), 2.0))
