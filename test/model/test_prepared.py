"""Passes that are prepared: the network's numbers in every tier, nothing compiled or recorded once they are, and an
object is never lost by them."""

import functools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch

from helpers.graphs import Replays, out_of_memory
from recorded import LIGHT_CASES
from recorded import network as recorded_network
from sam2_ros.config import TrackerConfig
from sam2_ros.model import prepared as module
from sam2_ros.model.check import worst
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.compiled import Compiled
from sam2_ros.model.config import get_config
from sam2_ros.model.passes import Functions, Passes, functions_of
from sam2_ros.model.prepared import PreparedPasses, Tier, prepared, tier_of
from sam2_ros.model.probe import History
from sam2_ros.model.sam2 import Sam2
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.ready import histories
from sam2_ros.tracking.result import FrameResult
from sam2_ros.tracking.tracker import PastFrame, Tracker

BOX = np.array([10.0, 10, 40, 40])
FRAMES = 300
ONE = [History(7, 16)]


@dataclass
class Compilations:
    """How often something was really compiled."""

    count: int = 0
    failure: Exception | None = None
    seen: list[str] = field(default_factory=list)

    def backend(self, graph: Any, inputs: Any) -> Callable[..., Any]:
        """torch's compiler with everything but the code and the minutes that it takes."""
        if self.failure is not None:
            raise self.failure
        self.count += 1
        return graph.forward


@pytest.fixture(scope="module")
def compilations() -> Iterator[Compilations]:
    counted = Compilations()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "compile", functools.partial(torch.compile, backend=counted.backend))
        yield counted


@pytest.fixture(autouse=True)
def _no_failure(compilations: Compilations) -> None:
    compilations.failure = None


@pytest.fixture(scope="module")
def toy() -> Sam2:
    return random_model(get_config("toy", 64), dtype=torch.float64)


@pytest.fixture
def not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions as they are, where compiling is not what is tested."""
    monkeypatch.setattr(module, "compiled", lambda functions: functions)
    monkeypatch.setattr(module, "seal", lambda functions: None)


def all_of_them(passes: Passes, fitting: list[int]) -> int:
    return fitting[-1]


@dataclass(frozen=True)
class Ready:
    """A network prepared once for several tests."""

    network: Sam2
    config: TrackerConfig
    passes: Passes
    recorder: Replays | None
    frames: int


@pytest.fixture(
    scope="module",
    params=[(7, 7, True, FRAMES), (7, 4, False, 100), (3, 7, True, 100)],
    ids=["graphs", "fewer masks than the network has", "more masks than the network has"],
)
def ready(request: pytest.FixtureRequest, compilations: Compilations) -> Ready:
    masks, num_maskmem, graphs, frames = request.param
    network = random_model(replace(get_config("toy", 64), num_maskmem=masks), dtype=torch.float64)
    config = TrackerConfig(max_objects=4, num_maskmem=num_maskmem, max_cond_frames=3)
    recorder = Replays() if graphs else None
    passes = prepared(network, [1, 2, 4], histories(network, config), all_of_them, recorder)
    return Ready(network, config, passes, recorder, frames)


def stream(tracker: Tracker, frames: int) -> list[FrameResult]:
    """Objects begin, are corrected, removed and reset, prompts come late, the image changes its size."""
    prompts = {
        0: [Prompt(1, box=BOX), Prompt(2, [[50, 50]], [1])],
        2: [Prompt(3, box=BOX + 15)],
        **{frame: [Prompt(1, [[12, 12]], [0])] for frame in (25, 40, 60, 90)},
        30: [Prompt(4, mask=np.eye(64, dtype=bool))],
        210: [Prompt(7, box=BOX)],
    }
    rng, found, past = np.random.default_rng(0), [], []
    for index in range(frames):
        if index == 120:
            tracker.remove(2)
        if index == 200:
            tracker.reset()
        image = rng.integers(0, 256, (64, 64 if index < 150 else 48, 3), dtype=np.uint8)
        found.append(tracker.step(image, prompts.get(index, [])))
        past = [*past[-8:], PastFrame(found[-1].frame_index, 0, image)]
        if index in (70, 130):
            tracker.catch_up(past, [Prompt(3, [[22, 22]], [1])])
    return found


def largest_difference(a: list[FrameResult], b: list[FrameResult]) -> float:
    pairs = [pair for x, y in zip(a, b, strict=True) for pair in zip(x.objects, y.objects, strict=True)]
    assert [x.object_id for x, _ in pairs] == [y.object_id for _, y in pairs]
    return max(float((x.logits - y.logits).abs().max()) for x, y in pairs)


def test_once_prepared_nothing_is_compiled_or_recorded_whatever_comes(ready: Ready, compilations: Compilations) -> None:
    compiled, recorded = compilations.count, ready.recorder.recorded if ready.recorder else 0
    found = stream(Tracker(ready.network, ready.config, ready.passes), ready.frames)
    assert compilations.count == compiled
    assert ready.recorder is None or (ready.recorder.recorded, recorded > 0) == (recorded, True)
    assert largest_difference(found, stream(Tracker(ready.network, ready.config), ready.frames)) < 1e-9


def test_most_of_it_runs_in_what_was_recorded(ready: Ready) -> None:
    if ready.recorder is None:
        assert tier_of(ready.passes) is Tier.COMPILED
        return
    assert tier_of(ready.passes) is Tier.COMPILED_GRAPHS
    tracker = Tracker(ready.network, ready.config, ready.passes)
    image = np.zeros((64, 64, 3), np.uint8)
    tracker.step(image, [Prompt(1, box=BOX)])
    for _ in range(16):
        tracker.step(image)
    before = ready.recorder.turns
    for _ in range(10):
        tracker.step(image)
    assert ready.recorder.turns - before == 30  # image, tracking and memory of each frame


def test_histories_are_those_after_every_number_of_prompts(toy: Sam2) -> None:
    assert histories(toy, TrackerConfig()) == [History(7, 16), History(8, 17), History(9, 18), History(10, 19)]
    assert histories(toy, TrackerConfig(num_maskmem=4, max_cond_frames=2)) == [History(4, 16), History(5, 17)]
    assert histories(toy, TrackerConfig(max_cond_frames=9, max_cond_frames_in_attn=1)) == [History(7, 16)]
    assert len(histories(toy, TrackerConfig(max_cond_frames=64))) == 4


# --- what can go wrong before ----------------------------------------------------------------------------------------


def test_without_a_compiler_graphs_are_recorded_of_the_network_as_it_is(
    toy: Sam2, compilations: Compilations, caplog: pytest.LogCaptureFixture
) -> None:
    compilations.failure = RuntimeError("cannot find a working triton installation\nand a long story")
    with caplog.at_level(logging.INFO):
        passes = prepared(toy, [1, 2], ONE, all_of_them, Replays())
    assert tier_of(passes) is Tier.GRAPHS
    assert "the network does not work here" in caplog.text
    assert "working triton" in caplog.text
    assert not any("a long story" in record.getMessage() for record in caplog.records if record.name.startswith("sam2"))
    assert "the network runs uncompiled, in CUDA graphs, up to 2 objects together" in caplog.text
    assert largest_difference(stream(Tracker(toy, passes=passes), 20), stream(Tracker(toy), 20)) < 1e-9


def test_with_neither_the_network_is_used_as_it_is(
    toy: Sam2, compilations: Compilations, caplog: pytest.LogCaptureFixture
) -> None:
    compilations.failure = RuntimeError("no compiler was found")
    assert prepared(toy, [1], ONE, all_of_them) is toy
    assert tier_of(toy) is Tier.PLAIN
    assert "the network runs uncompiled, and slower" in caplog.text


@pytest.mark.usefixtures("not_compiled")
def test_what_cannot_be_recorded_is_compiled_all_the_same(toy: Sam2, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Replays()
    recorder.fails_at = dict.fromkeys(range(1, 99), RuntimeError("operation not permitted when stream is capturing"))
    assert tier_of(prepared(toy, [1], ONE, all_of_them, recorder)) is Tier.COMPILED
    assert "operation not permitted when stream is capturing" in caplog.text


@pytest.mark.usefixtures("not_compiled")
@pytest.mark.parametrize("at", [3, 2, 4])  # tracking of four; their memory; the memory of two
def test_memory_that_ends_while_recording_leaves_what_fits(at: int, toy: Sam2) -> None:
    recorder = Replays()
    recorder.fails_at = {at: out_of_memory()}
    passes = prepared(toy, [1, 2, 4], ONE, all_of_them, recorder)
    assert isinstance(passes, PreparedPasses)
    assert (passes.tier, passes.most) == (Tier.COMPILED_GRAPHS, 2 if at < 4 else 1)
    assert largest_difference(stream(Tracker(toy, passes=passes), 40), stream(Tracker(toy), 40)) < 1e-9


@pytest.mark.parametrize("wrong", ["encode_image", "follow", "encode_memory"])
def test_what_gives_other_numbers_is_not_used(
    wrong: str, toy: Sam2, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def slightly_off(functions: Functions) -> Functions:
        right = getattr(functions, wrong)
        return replace(functions, **{wrong: lambda *inputs: tuple(_off(output) for output in right(*inputs))})

    monkeypatch.setattr(module, "compiled", slightly_off)
    monkeypatch.setattr(module, "seal", lambda functions: None)
    assert prepared(toy, [1], ONE, all_of_them) is toy
    assert "it gives other numbers (relative error 1e-05, at most 1e-09 is expected)" in caplog.text


def _off(tensor: torch.Tensor) -> torch.Tensor:
    return tensor * (1 + 1e-5) if tensor.is_floating_point() else tensor


@pytest.mark.usefixtures("not_compiled")
def test_what_goes_wrong_only_when_it_is_replayed_is_found_too(toy: Sam2, caplog: pytest.LogCaptureFixture) -> None:
    class Stale(Replays):
        def record(self, run: Callable[[], None]) -> Callable[[], None]:
            super().record(run)
            return lambda: None  # the outputs stay those of the recording

    assert tier_of(prepared(toy, [1], ONE, all_of_them, Stale())) is Tier.COMPILED
    assert "it gives other numbers" in caplog.text


# --- and while tracking ----------------------------------------------------------------------------------------------


@dataclass
class Breaking:
    """A function that raises from some call on, for so many objects or more."""

    function: Callable[..., Any]
    objects_of: int  # which input tells how many objects there are
    from_objects: int = 0  # 0: never
    error: Exception = field(default_factory=out_of_memory)

    def __call__(self, *inputs: torch.Tensor) -> Any:
        if self.from_objects and len(inputs[self.objects_of]) >= self.from_objects:
            raise self.error
        return self.function(*inputs)


@pytest.mark.parametrize(
    ("error", "left"), [(out_of_memory(), Tier.COMPILED), (RuntimeError("Triton Error [CUDA]"), Tier.PLAIN)]
)
def test_when_it_fails_while_tracking_the_network_goes_on_and_no_object_is_lost(
    error: Exception, left: Tier, toy: Sam2, caplog: pytest.LogCaptureFixture
) -> None:
    own = functions_of(toy)
    breaking = Breaking(own.follow, 3, error=error)
    passes = PreparedPasses(toy, replace(own, follow=breaking), Tier.COMPILED, most=4)
    tracker = Tracker(toy, passes=passes)
    found = stream(tracker, 20)
    assert tracker.tier is Tier.COMPILED
    breaking.from_objects = 4  # the three objects are filled up to four
    image = np.zeros((64, 64, 3), np.uint8)
    after = [tracker.step(image) for _ in range(5)]
    assert all([state.object_id for state in result.objects] == [1, 2, 3] for result in after)
    assert not any("no longer tracked" in warning for result in after for warning in result.warnings)
    assert tracker.tier is left
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "the uncompiled network goes on" in warnings[0]
    beside = Tracker(toy)
    expected = [*stream(beside, 20), *(beside.step(image) for _ in range(5))]
    assert largest_difference([*found, *after], expected) < 1e-9


def test_one_object_is_tracked_on_when_memory_does_not_suffice_for_the_quick_way(toy: Sam2) -> None:
    own = functions_of(toy)
    breaking = Breaking(own.encode_image, 0)
    tracker = Tracker(toy, passes=PreparedPasses(toy, replace(own, encode_image=breaking), Tier.COMPILED, most=4))
    image = np.zeros((64, 64, 3), np.uint8)
    tracker.step(image, [Prompt(1, box=BOX)])
    breaking.from_objects = 1
    assert [state.object_id for state in tracker.step(image).objects] == [1]
    assert tracker.tier is Tier.PLAIN


def test_a_sealed_function_never_compiles_and_is_still_right(compilations: Compilations) -> None:
    function = Compiled(_sum, ((0, 1),))
    with torch.inference_mode():
        function(torch.ones(3, 4))
        before = compilations.count
        function.seal()
        for shape in ((3, 4), (5, 6), (1, 4), (7, 1)):
            assert float(function(torch.ones(shape))[0]) == shape[0] * shape[1]
    assert compilations.count == before


def _sum(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return (x.sum(),)


def test_networks_of_one_shape_do_not_share_what_is_compiled(compilations: Compilations) -> None:
    before = compilations.count
    with torch.inference_mode():
        for _ in range(10):  # torch stops compiling after eight of one and the same code
            Compiled(_sum, ((),))(torch.ones(3, 4))
    assert compilations.count == before + 10


@pytest.mark.parametrize("name", ["edgetam", "efficienttam_1"])
def test_light_networks_are_prepared_like_the_others(name: str, compilations: Compilations) -> None:
    light = recorded_network(LIGHT_CASES[name])
    passes = prepared(light, [2], ONE, all_of_them, Replays())
    assert tier_of(passes) is Tier.COMPILED_GRAPHS
    assert worst(light, passes, 2, (ONE[0],), seed=5) < 1e-9
