"""Compiled passes: the numbers of the network itself, whatever the number of objects, or not used at all."""

import functools
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_ros.config import TrackerConfig
from sam2_ros.model import compiled as module
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.compiled import CompiledPasses, bucket, compiled, disagreement, relative_error
from sam2_ros.model.config import ModelConfig, get_config
from sam2_ros.model.image_encoder import ImageFeatures
from sam2_ros.model.mask_decoder import DecoderOutput, MaskChoice
from sam2_ros.model.sam2 import POINTER_HORIZON, MaskPrediction, Memories, Sam2
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.result import FrameResult
from sam2_ros.tracking.tracker import Tracker

BOX = np.array([10.0, 10, 40, 40])


@pytest.fixture(scope="module")
def toy() -> Sam2:
    return random_model(get_config("toy", 64), dtype=torch.float64)


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's compiler with everything but the C++ and the minutes that this takes."""
    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))


def results(tracker: Tracker) -> list[FrameResult]:
    """Of a clip in which three objects begin, one of them later, and one is corrected; memory has time to fill."""
    rng = np.random.default_rng(0)
    found = []
    for index in range(POINTER_HORIZON + 15):
        prompts = {
            0: [Prompt(1, box=BOX), Prompt(2, [[50, 50]], [1])],
            2: [Prompt(3, box=BOX + 15)],
            20: [Prompt(1, [[12, 12]], [0])],
        }.get(index, [])
        found.append(tracker.step(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8), prompts))
    return found


def largest_difference(a: list[FrameResult], b: list[FrameResult]) -> float:
    pairs = [pair for x, y in zip(a, b, strict=True) for pair in zip(x.objects, y.objects, strict=True)]
    return max(float((x.logits - y.logits).abs().max()) for x, y in pairs)


@pytest.mark.parametrize(("count", "filled"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (16, 16), (17, 32)])
def test_objects_are_filled_up_to_powers_of_two(count: int, filled: int) -> None:
    assert bucket(count) == filled


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize(("masks", "num_maskmem"), [(7, 7), (7, 3), (3, 7)])  # the network's, and those asked for
def test_compiled_passes_track_as_the_network_does(masks: int, num_maskmem: int) -> None:
    toy = random_model(replace(get_config("toy", 64), num_maskmem=masks), dtype=torch.float64)
    passes = CompiledPasses(toy, num_maskmem)
    seen: list[int] = []
    passes._follow = _counting(passes._follow, seen)
    config = TrackerConfig(max_objects=3, num_maskmem=num_maskmem)
    assert largest_difference(results(Tracker(toy, config, passes)), results(Tracker(toy, config))) < 1e-9
    assert set(seen) == {1, 2, 4}  # by history: two and one, all three filled up to four, and again two and one


def _counting(follow, seen: list[int]):
    def counted(features: torch.Tensor, stride8: torch.Tensor, stride4: torch.Tensor, frames: torch.Tensor, *rest):
        seen.append(len(frames))
        return follow(features, stride8, stride4, frames, *rest)

    return counted


@pytest.mark.usefixtures("traced")
def test_what_agrees_is_used(toy: Sam2, caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(compiled(toy, [1, 2], 7), CompiledPasses)
    assert not [record for record in caplog.records if record.name.startswith("sam2_ros")]


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("wrong", ["encode_image", "condition_on_memory", "encode_memory"])
def test_what_gives_other_numbers_is_left_alone(
    wrong: str, toy: Sam2, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(CompiledPasses, "_compiled", lambda self, function: _slightly_off(function, wrong))
    assert compiled(toy, [1], 7) is toy
    assert "the network gives other numbers (relative error 1e-05, at most 1e-09 is expected)" in caplog.text
    assert "runs uncompiled" in caplog.text


def _slightly_off(function, wrong: str):
    names = {"condition_on_memory": "follow"}
    if function.__name__ != names.get(wrong, wrong):
        return function
    return lambda *inputs: tuple(o * (1 + 1e-5) if o.is_floating_point() else o for o in function(*inputs))


def test_where_nothing_can_be_compiled_the_network_is_used_as_it_is(
    toy: Sam2, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no compiler was found\nand a long story")

    monkeypatch.setattr(torch, "compile", lambda function: fail)
    with caplog.at_level(logging.WARNING):
        assert compiled(toy, [1], 7) is toy
    assert "cannot be compiled here, so it runs uncompiled, and slower: no compiler was found" in caplog.text
    assert "a long story" not in caplog.text


def test_the_network_agrees_with_itself(toy: Sam2) -> None:
    assert disagreement(toy, toy, 3) == 0


def test_errors_are_relative_and_never_hidden_by_what_is_no_number() -> None:
    ones = torch.ones(4)
    assert relative_error(ones * 1.5, ones) == pytest.approx(0.5)
    assert relative_error(ones, ones) == 0
    assert relative_error(ones * float("nan"), ones) == float("inf")
    assert relative_error(ones, ones * 0) == float("inf")
    assert relative_error(ones[:0], ones[:0]) == 0


@pytest.mark.parametrize("kind", [ImageFeatures, Memories, MaskPrediction, MaskChoice, DecoderOutput, ModelConfig])
def test_what_goes_through_the_compiler_can_be_referred_to_weakly(kind: type) -> None:
    """As torch before 2.6 does; slots make that impossible."""
    assert hasattr(kind, "__weakref__")


def test_every_precision_has_a_tolerance() -> None:
    assert set(module.TOLERANCE) == {torch.float64, torch.float32, torch.float16, torch.bfloat16}
